"""Workers of which one is killed at a random moment, again and again, and how they end.

    python tests/training/kill_workers.py KILLS [SEED]

Two workers train with a checkpoint that the chief alone sees. One of them, each in turn, is ended by SIGKILL; the other
must end within 30 seconds and say why; both are started again. After the last kill they run to the end.

Exits with an error if the weights, the optimizer, the seeds or the history are not, bit for bit, those of a run that
nobody killed.
"""

import random
import re
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from clusters import Cluster

WORKER = Path(__file__).with_name("worker.py")
LIMIT = 30.0  # seconds in which the others end


def main(kills: int, seed: int) -> None:
    generator = random.Random(seed)
    longest = 0.0
    with tempfile.TemporaryDirectory() as place:
        wanted, seconds = ended(place)
        for number in range(kills):
            with Cluster(2, WORKER, *arguments(place, "run"), folder=place) as cluster:
                file = Path(place, "run", "training.npz")
                written = file.stat().st_mtime if file.exists() else 0.0
                while not file.exists() or file.stat().st_mtime == written:  # it trains
                    if cluster.processes[0].poll() is not None:
                        sys.exit(f"seed {seed}, kill {number}: ended by itself: {cluster.outputs()}")
                    time.sleep(0.02)
                time.sleep(generator.uniform(0, seconds / kills))
                if any(process.poll() is not None for process in cluster.processes):
                    sys.exit(f"seed {seed}, kill {number}: came too late")
                cluster.kill(number % 2)
                start = time.monotonic()
                cluster.wait(LIMIT)
                longest = max(longest, time.monotonic() - start)
                told = cluster.outputs()[1 - number % 2]
                if not re.search("one is gone.*Start all of them again", told):
                    sys.exit(f"seed {seed}, kill {number}: the other says {told}")
        digests, _ = ended(place, "run")
        if digests != wanted:
            sys.exit(f"seed {seed}: {digests} is not {wanted}")
    sys.stdout.write(
        f"seed {seed}: after {kills} of {kills} kills they end bit for bit as without one; "
        f"the other ended after at most {longest:.1f} s\n"
    )


def arguments(place, checkpoint):
    return ["noisy", *(["--checkpoint", Path(place, checkpoint)] if checkpoint else [])]


def ended(place, checkpoint=None):
    """What two workers print that nobody kills, and how many seconds they train, at most."""
    start = time.monotonic()
    with Cluster(2, WORKER, *arguments(place, checkpoint), folder=place) as cluster:
        if cluster.wait() != [0, 0]:
            sys.exit(f"failed: {cluster.outputs()}")
        first, second = (re.findall("DIGEST.*", output) for output in cluster.outputs())
    if first != second or not first:
        sys.exit(f"the workers differ: {first}, {second}")
    return first, (time.monotonic() - start) / 2


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(2**32))

"""Trainings that are killed at random moments, again and again until they end, and how they end.

    python tests/training/kill_training.py 100 [SEED]

Makes that many runs, of each kind in turn. A run begins in an empty folder; its process is ended by SIGKILL at a random
moment, and started again, until one comes to the end. In every third run each flush of a file takes 20 ms, and every
call of the loop is followed by a save, so that most kills fall into one; in every fourth the disk is full once: the
process may write no file longer than a few bytes.

Exits with an error if the weights, the optimizer, the seeds or the history of a run are not, bit for bit, those of one
without a checkpoint that nobody interrupted; or if a checkpoint cannot be read after a kill. POSIX only.
"""

import itertools
import os
import random
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
if __name__ == "__main__":  # before TensorFlow is imported
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

# Nothing of TensorFlow runs in this process, so that it has no threads and may be forked.
import keras
import numpy as np
from forks import Child
from trainings import KINDS

from rnn_tf.training.checkpoint import Checkpoint, digest


def main(runs: int, seed: int) -> None:
    generator = random.Random(seed)
    kills: Counter[str] = Counter()
    wanted: dict[str, bytes] = {}
    times: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as place:
        for number in range(runs):
            kind = KINDS[number % len(KINDS)]
            name, folder, out = kind.__name__, Path(place, str(number)), Path(place, "digest")
            if name not in wanted:
                start = time.perf_counter()
                if ended(partial(train, kind, None, out, False, False)):
                    sys.exit(f"{name} failed without a checkpoint")
                wanted[name], times[name] = out.read_bytes(), time.perf_counter() - start
            slow, full = number % 3 == 2, number % 4 == 3
            for attempt in itertools.count(1):
                moment = generator.uniform(0, attempt * times[name])
                code = ended(partial(train, kind, folder, out, slow, full), moment)
                if code == 0:
                    break
                if code != -signal.SIGKILL and not full:
                    sys.exit(f"seed {seed}, run {number}, {name}: failed before it was killed")
                kills["full disk" if code != -signal.SIGKILL else "slow disk" if slow else "others"] += 1
                kills["in a save"] += any(folder.glob("training.*.draft"))
                full = full and code == -signal.SIGKILL
                Checkpoint(folder).load()
            if out.read_bytes() != wanted[name]:
                sys.exit(f"seed {seed}, run {number}, {name}: {out.read_bytes()!r} is not {wanted[name]!r}")
    told = ", ".join(f"{count} {name}" for name, count in sorted(kills.items()))
    sys.stdout.write(f"seed {seed}: {runs} of {runs} runs end bit for bit as without a kill; kills: {told}\n")


def train(kind, folder: Path | None, out: Path, slow: bool, full: bool, report=None) -> None:
    keras.utils.set_random_seed(5)
    if slow:
        flush = os.fsync
        os.fsync = lambda file: (time.sleep(0.02), flush(file))
    trainer, data, arguments = kind()
    if full:
        save = Checkpoint.save

        def save_on_a_full_disk(self, state):
            if state["step"] > 100:
                resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
            save(self, state)

        Checkpoint.save = save_on_a_full_disk
    saved = {"checkpoint": folder, "checkpoint_seconds": 0 if slow else 0.05} if folder else {}
    history = trainer.fit(*data, **arguments, **saved, verbose=0)
    variables = [*trainer.model.variables, *trainer.model.optimizer.variables]
    numbers = digest(*(variable.numpy() for variable in variables if variable.dtype != "string"))
    if full:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    out.write_text(f"{numbers} {digest(np.array(repr((history.epoch, sorted(history.history.items())))))}")


def ended(work, moment: float | None = None) -> int:
    """The exit code of a process, which is killed `moment` seconds after its start."""
    with Child(work) as child:
        deadline = None if moment is None else time.perf_counter() + moment
        while True:
            number, status = os.waitpid(child.number, os.WNOHANG)
            if number:
                return os.waitstatus_to_exitcode(status)
            if deadline is not None and time.perf_counter() > deadline:
                os.kill(child.number, signal.SIGKILL)
                deadline = None
            time.sleep(0.005)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(2**32))

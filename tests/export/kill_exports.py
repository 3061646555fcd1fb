"""Exports that are killed at random moments, and what they leave behind.

    python tests/export/kill_exports.py 200 [SEED]

Starts that many exports of a small SequenceRegressor, one after another, all into one directory, two versions of which
are kept, and ends each by SIGKILL. The moments are spread evenly, for half of the exports from the call to the return,
for the others from when the version is about to be published, which is short; both as measured before. After each kill
every folder with an integer as its name must hold a SavedModel; new ones are loaded and asked. At the end an export
that is not killed must succeed, and leave no hidden folder.

Exits with an error if not, and prints what happened otherwise. POSIX only. An export's comparison with a fresh process
is made in the same process here: it takes most of the time, and changes no file.
"""

import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
if __name__ == "__main__":  # before TensorFlow is imported
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

# Nothing of TensorFlow runs in this process, so that it has no threads and may be forked.
import numpy as np
import tensorflow as tf
from forks import Child

from rnn_tf import SequenceRegressor, export_saved_model
from rnn_tf.export import export, versions

INPUTS = np.ones([1, 3, 1], np.float32)
CALLED, PUBLISHING = 0, 1  # from where a moment is counted


def main(exports: int, seed: int) -> None:
    generator = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder, "model")
        durations = [sorted(times)[1] for times in zip(*(whole_export(directory) for _ in range(3)), strict=True)]
        moments = [
            (start, 1.1 * durations[start] * (i + generator.random()) / (exports // 2))
            for start in (CALLED, PUBLISHING)
            for i in range(exports // 2)
        ]
        generator.shuffle(moments)
        killed, hidden, published, seen = [0, 0], 0, 0, numbers(directory)
        for start, moment in moments:
            was_killed = killed_export(directory, start, moment)
            new = numbers(directory) - seen
            check(directory, new)
            seen |= new
            if was_killed:
                killed[start] += 1
                hidden += any(path.name.startswith(".") for path in directory.iterdir())
                published += len(new)
        whole_export(directory)
        check(directory, numbers(directory))
        if sorted(path.name for path in directory.iterdir()) != sorted(map(str, numbers(directory))):
            sys.exit(f"seed {seed}: an export that was not killed left {list(directory.iterdir())}")
    sys.stdout.write(
        f"seed {seed}, {exports} exports of {durations[CALLED]:.2f} s: {sum(killed)} killed, {killed[PUBLISHING]} of "
        f"them in the last {durations[PUBLISHING]:.3f} s; {hidden} left a hidden folder, {published} had published; "
        "all versions are whole\n"
    )


def whole_export(directory: Path) -> tuple[float, float]:
    """An export that is left alone; returns how long it took, and how long from when it was to be published."""
    with Child(lambda report: small_export(directory, report)) as child:
        called, publishing, code = child.wait_for_report(), child.wait_for_report(), child.exit_code()
        ended = time.perf_counter()
    if code:
        sys.exit("an export that was not killed failed")
    return ended - called, ended - publishing


def killed_export(directory: Path, start: int, moment: float) -> bool:
    """An export that is killed `moment` seconds after a start; whether it was not over by then."""
    with Child(lambda report: small_export(directory, report)) as child:
        for _ in range(start + 1):
            started = child.wait_for_report()
        time.sleep(max(0, started + moment - time.perf_counter()))
        os.kill(child.number, signal.SIGKILL)
        code = child.exit_code()
    if code not in (0, -signal.SIGKILL):
        sys.exit("an export failed before it was killed")
    return code != 0


def small_export(directory, report):
    model = SequenceRegressor(units=2)
    model.adapt(INPUTS, INPUTS[:, 0])
    publish = versions.publish

    def publish_with_report(*arguments):
        report()
        return publish(*arguments)

    versions.publish = publish_with_report
    export.answer_in_fresh_process = answers
    report()
    export_saved_model(model, directory, keep=2)


def answers(path, calls):
    signatures = tf.saved_model.load(str(path)).signatures
    return [{name: one.numpy() for name, one in signatures[call](**inputs).items()} for call, inputs in calls]


def numbers(directory: Path) -> set[int]:
    return {int(path.name) for path in directory.iterdir() if path.name.isdecimal()}


def check(directory: Path, new: set[int]) -> None:
    """End with an error unless all versions are whole, as far as their files say, and the new ones answer."""
    for version in numbers(directory):
        for name in ("saved_model.pb", "variables/variables.index", "assets.extra/examples.json"):
            if not (directory / str(version) / name).is_file():
                sys.exit(f"version {version} lacks {name}")

    def load(_):
        for version in new:
            (answer,) = answers(directory / str(version), [("serving_default", {"sequences": INPUTS})])
            assert np.isfinite(answer["forecast"]).all()

    if new:
        with Child(load) as child:
            if child.exit_code():
                sys.exit(f"one of the versions {sorted(new)} does not answer")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(2**32))

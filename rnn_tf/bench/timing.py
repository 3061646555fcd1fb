"""Fair timing: contenders take turns, and are compared within a turn."""

import importlib.util
import os
import platform
import time
from collections.abc import Callable, Mapping

import keras
import numpy as np
import tensorflow as tf

from rnn_tf._keras import onednn_is_off


def machine() -> str:
    """What the figures depend on, beside the code."""
    return (
        f"TensorFlow {tf.__version__}{' without oneDNN' if onednn_is_off() else ''}, Keras {keras.__version__}, "
        f"{os.cpu_count()} cores of {platform.machine()}"
    )


def installed(name: str, module: str) -> bool:
    """Whether another library is there; says so where it is not."""
    found = importlib.util.find_spec(module) is not None
    if not found:
        print(f"{name} is left out: {module} is not installed.")
    return found


def in_turns(contenders: Mapping[str, Callable[[], object]], turns: int, budget: float = 0.1) -> dict[str, np.ndarray]:
    """Seconds of a call of each contender, `[turns]`: the median of as many calls as fit in `budget` seconds.

    Machines are shared and noisy, so that times of different turns say little; a ratio within a turn says more.
    """
    calls = {}
    for name, run in contenders.items():
        run()  # compiles
        calls[name] = int(np.clip(budget / max(_seconds(run), 1e-6), 1, 20))
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(turns):
        for name, run in contenders.items():
            run()  # back into the caches
            seconds[name].append(float(np.median([_seconds(run) for _ in range(calls[name])])))
    return {name: np.array(times) for name, times in seconds.items()}


def _seconds(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started

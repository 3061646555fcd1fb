"""What tells one run of training from another: settings, model, data, and the versions that computed it."""

import functools
import json
import os
import re
import warnings
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import keras
import numpy as np

import rnn_tf
from rnn_tf.training.checkpoint import digest

_begun: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()  # optimizers, as they were before their first step


def identity_of(
    model: keras.Model, arguments: dict[str, Any], callbacks: Sequence[Any], source: Any, validation: Any
) -> dict[str, Any]:
    """Plain values by the names that an error uses.

    Args:
        model: A built and compiled model.
        arguments: Those of `Trainer.fit` that are plain.
        callbacks: Its callbacks, that of the history among them.
        source: The batches to train on.
        validation: Those to validate on, or None.
    """
    return {
        **arguments,
        "callbacks": [_settings_of(one) for one in callbacks],
        "model": _model_of(model),
        "optimizer": _optimizer_of(model.optimizer),
        "loss and metrics": _losses_of(model),
        **source.identity(),
        "validation data": None if validation is None else validation.identity(),
    }


def check_same(path: Path, kept: dict[str, Any], run: dict[str, Any]) -> None:
    """Raise ValueError if what was saved is of another run, and warn if other versions computed it."""
    now, then = versions(), kept["versions"]
    # Another Keras's configs may have other entries.
    configs = () if then.get("keras") == now["keras"] else ("model", "optimizer", "loss and metrics")
    other = differences(kept["run"], run, ("then", "now"), configs)
    if other:
        raise ValueError(
            f"The checkpoint in {path.parent} must be of the same run. Received: one that differs in "
            f"{', '.join(other)}. Run the same as then to go on with it, or give another folder."
        )
    changed = [f"{name} {then.get(name)}, now {now.get(name)}" for name in now if then.get(name) != now.get(name)]
    if changed:
        warnings.warn(
            f"The run in {path.parent} goes on under another installation: {'; '.join(changed)}. Its last digits may "
            "differ from those of one that was not interrupted.",
            stacklevel=4,
        )


@functools.cache
def versions() -> dict[str, str]:
    """What the bits of a computation depend on, beside its inputs."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    found = {"rnn_tf": rnn_tf.__version__, "processors": str(processors)}
    for name in ("tensorflow", "keras", "numpy"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # installed under another name, such as tensorflow-cpu
            found[name] = str(__import__(name).__version__)
    return found


def differences(
    one: dict[str, Any], other: dict[str, Any], told: tuple[str, str], overlooked: Sequence[str] = ()
) -> list[str]:
    """Names in which two runs differ, with both values where those are short; `told` says which is which."""

    def named(name: str) -> str:
        values = [f"{run.get(name)!r} {which}" for run, which in zip((one, other), told, strict=True)]
        short = name not in HASHED and len("".join(values)) < 70
        return f"{name} ({', '.join(values)})" if short else name

    return [named(name) for name in {**other, **one} if name not in overlooked and one.get(name) != other.get(name)]


HASHED = ("model", "loss and metrics", "data", "validation data")


SETTINGS = (
    "monitor",
    "mode",
    "patience",
    "factor",
    "cooldown",
    "min_lr",
    "baseline",
    "start_from_epoch",
    "restore_best_weights",
    "save_best_only",
    "save_freq",
    "swap_on_epoch",
)  # of Keras's callbacks; a new name of a file is no other run


def _settings_of(callback: Any) -> list[Any]:
    """A callback's class, and, if it is Keras's own, the numbers that it was made with."""
    kind = type(callback)
    if not kind.__module__.startswith("keras."):
        return [kind.__name__]
    found = {name: vars(callback).get(name) for name in SETTINGS}
    return [kind.__name__, *found.values(), abs(vars(callback).get("min_delta", 0))]


def _model_of(model: keras.Model) -> str:
    try:
        config = _plain_json(model.get_config())
    except NotImplementedError:  # a class of a user's without a config
        config = type(model).__name__
    shapes = [(variable.shape, variable.dtype, variable.trainable) for variable in model.variables]
    return digest(np.array(config), np.array(str(shapes)))


def _losses_of(model: keras.Model) -> str:
    try:
        config = model.get_compile_config() or {}
    except (TypeError, ValueError, NotImplementedError):  # a function of a user's that Keras cannot write down
        config = {"loss": model.loss}
    return digest(_plain_json([config.get(name) for name in ("loss", "loss_weights", "metrics", "weighted_metrics")]))


def _optimizer_of(optimizer: Any) -> Any:
    """Its class and settings, those that it had before its first step."""
    if optimizer not in _begun or not int(optimizer.iterations):
        _begun[optimizer] = [type(optimizer).__name__, json.loads(_plain_json(optimizer.get_config()))]
    return _begun[optimizer]


def _plain_json(config: Any) -> str:
    """A config as a text that is the same in every process, where Keras numbers names as they come."""
    return re.sub(r'_\d+"(?!: )', '"', json.dumps(config, default=_named, sort_keys=True))


def _named(value: Any) -> Any:
    if hasattr(value, "get_config"):
        return [type(value).__name__, value.get_config()]
    if isinstance(value, (np.ndarray, np.generic)):
        return digest(value)
    return getattr(value, "__name__", type(value).__name__)

"""One file that holds all of a training run, so that it goes on after a crash as if there had been none."""

import errno
import hashlib
import json
import os
import time
import zipfile
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import tensorflow as tf

from rnn_tf._checks import writable_folder

LOCAL = "A folder for checkpoints must be local: a rename is not atomic elsewhere. {received} Give a path on a disk."
EXTRA = ("bfloat16", "float8_e4m3fn", "float8_e5m2")  # dtypes that NumPy alone does not know
LEAST = 10.0  # seconds between two saves, by default
FULL = (errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC))
SHARE = 50  # times as long as a save takes must lie between two of them, by default


class Checkpoint:
    """The file `training.npz` in a folder, which is replaced as a whole.

    It is written beside, flushed to the disk, and renamed: whoever kills the process, at whatever moment, finds the
    last file that was whole.

    Args:
        folder: Where the file lies. Nothing is made before the first save.
        seconds: How many seconds lie between two saves, at least. None: 10, and so many that saving takes at most 2 %
            of the time.
        writes: Whether this process reads and writes the file. Else another one does, and this one needs no folder.
    """

    def __init__(self, folder: str | PathLike[str], seconds: float | None = None, writes: bool = True) -> None:
        if seconds is not None and not (isinstance(seconds, (int, float)) and seconds >= 0):
            raise ValueError(
                "`checkpoint_seconds` must be a number of seconds that is not negative. Received: "
                f"checkpoint_seconds={seconds!r}."
            )
        self.seconds = seconds
        self.writes = writes
        self.path = (writable_folder(folder, LOCAL) if writes else Path(folder)) / "training.npz"
        self._pause = 0.0
        self._saved: float | None = None

    def due(self) -> bool:
        """Whether it is time to save."""
        return self.writes and (self._saved is None or time.monotonic() - self._saved >= self._pause)

    def save(self, state: Any) -> None:
        """Replace the file by one that holds nested dicts, lists and tuples of plain values and arrays."""
        if not self.writes:
            return
        start = time.monotonic()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self._saved is None:  # what killed processes left
            for left in self.path.parent.glob("training.*.draft"):
                left.unlink(missing_ok=True)
        draft = self.path.with_suffix(f".{os.getpid()}.draft")
        try:
            with open(draft, "wb") as file:
                write(file, state)
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, self.path)
            _flush_folder(self.path.parent)
        except OSError as error:
            draft.unlink(missing_ok=True)
            if error.errno not in FULL:
                raise
            last = f"{self.path} is whole, as it was saved before" if self.path.exists() else "Nothing was saved before"
            raise OSError(
                error.errno,
                f"A checkpoint must fit on its disk. Received: {error.strerror or error}. {last}. Make room, and run "
                "the same again",
                str(draft),
            ) from None
        self._saved = time.monotonic()
        taken = self._saved - start
        self._pause = max(LEAST, SHARE * taken) if self.seconds is None else self.seconds

    def load(self) -> Any:
        """What was saved last, or None."""
        if not self.writes or not self.path.exists():
            return None
        try:
            return read(self.path)
        except (ValueError, TypeError, AttributeError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
            raise ValueError(
                f"{self.path} must be a file that Trainer saved. Received: one that cannot be read ({error}). Remove "
                "it to begin anew, or give another folder."
            ) from None


def write(file: BinaryIO, state: Any) -> None:
    """Write nested dicts, lists and tuples of plain values and arrays."""
    arrays: dict[str, np.ndarray] = {}
    plain = json.dumps(_plain(state, arrays)).encode()
    np.savez(file, state=np.frombuffer(plain, np.uint8), **arrays)  # type: ignore[arg-type]


def read(file: BinaryIO | Path) -> Any:
    """What `write` wrote."""
    with np.load(file, allow_pickle=False) as arrays:
        return _restored(json.loads(arrays["state"].tobytes()), arrays)


def digest(*arrays: Any) -> str:
    """A short text that differs for other arrays."""
    found = hashlib.blake2b(digest_size=8)
    for array in map(np.asarray, arrays):
        found.update(f"{array.dtype.str}{array.shape}".encode())
        if array.dtype.kind in "OU":
            found.update(repr(array.tolist()).encode())
        else:
            found.update(np.ascontiguousarray(array).view(np.uint8).data)
    return found.hexdigest()


def is_plain(value: Any) -> bool:
    """Whether a checkpoint can hold it."""
    if type(value) is dict:
        return all(is_plain(key) and is_plain(one) for key, one in value.items())
    if type(value) in (list, tuple):
        return all(map(is_plain, value))
    if isinstance(value, (np.ndarray, np.generic)):
        return value.dtype.kind in "biufcSU" or value.dtype.name in EXTRA
    return value is None or type(value) in (bool, int, float, str)


def _plain(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    """A value as JSON has it; arrays go into `arrays`."""
    if isinstance(value, (np.ndarray, np.generic)):
        array = np.asarray(value)
        arrays[f"array_{len(arrays)}"] = array if array.dtype.kind in "biufcSU" else array.reshape(-1).view(np.uint8)
        kind = "array" if isinstance(value, np.ndarray) else "scalar"
        return {kind: f"array_{len(arrays) - 1}", "dtype": array.dtype.name, "shape": array.shape}
    if isinstance(value, dict):
        return {"dict": [[_plain(key, arrays), _plain(one, arrays)] for key, one in value.items()]}
    if isinstance(value, tuple):
        return {"tuple": [_plain(one, arrays) for one in value]}
    if isinstance(value, list):
        return [_plain(one, arrays) for one in value]
    return value


def _restored(value: Any, arrays: Any) -> Any:
    if isinstance(value, list):
        return [_restored(one, arrays) for one in value]
    if not isinstance(value, dict):
        return value
    if "dict" in value:
        return {_restored(key, arrays): _restored(one, arrays) for key, one in value["dict"]}
    if "tuple" in value:
        return tuple(_restored(one, arrays) for one in value["tuple"])
    array = arrays[value.get("array") or value["scalar"]]
    if array.dtype.kind not in "SU" and array.dtype.name != value["dtype"]:  # bfloat16 and the like
        array = array.view(tf.as_dtype(value["dtype"]).as_numpy_dtype).reshape(value["shape"])
    return array if "array" in value else array[()]


def _flush_folder(folder: Path) -> None:
    """So that the new name outlasts a power cut, where the system can."""
    if os.name == "posix":
        place = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(place)
        finally:
            os.close(place)

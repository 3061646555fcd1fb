"""The folder of a model's versions, as a server that polls it reads it.

A version is a folder whose name is an integer: `saved_models/sales/3`. It appears whole or not at all, and is never
changed. What is being written, or being removed, has a hidden name beside it, which every server ignores.
"""

import contextlib
import os
import shutil
import sys
import uuid
from collections.abc import Iterator
from os import PathLike
from pathlib import Path

from rnn_tf._checks import positive_integer, writable_folder

if sys.platform != "win32":
    import fcntl

HIDDEN = ".rnn_tf-"  # how the names of drafts, and of versions that are being removed, begin
LARGEST = 2**63 - 1  # TF Serving reads a version into 64 bits


def version_number(name: str) -> int | None:
    """The version that a folder's name stands for: an integer of the digits 0 to 9, as TF Serving reads it."""
    number = int(name) if name.isascii() and name.isdecimal() else LARGEST + 1
    return number if number <= LARGEST else None


def version_folders(directory: str | PathLike[str]) -> dict[int, Path]:
    """The folders of a model's versions by their numbers, ascending; none, if there is no such directory."""
    try:
        paths = sorted(Path(directory).iterdir())  # of 01 and 1, TF Serving takes 1, the later name
    except (FileNotFoundError, NotADirectoryError):
        return {}
    numbered = {version_number(path.name): path for path in paths if path.is_dir()}
    return {number: numbered[number] for number in sorted(number for number in numbered if number is not None)}


def version_numbers(directory: str | PathLike[str]) -> list[int]:
    """The versions of a model, ascending."""
    return list(version_folders(directory))


def newest_version(folder: str | PathLike[str]) -> Path:
    """The folder's newest version that has a saved_model.pb, or the folder itself if it is one version."""
    folder = Path(folder)
    if (folder / "saved_model.pb").is_file():
        return folder
    versions = _complete(folder)
    if not versions:
        raise FileNotFoundError(
            f"There is no exported model in {str(folder)!r}: it needs a folder such as 1 with a saved_model.pb. "
            "`rnn-tf train` makes one."
        )
    return list(versions.values())[-1]


def model_folders(directory: Path) -> dict[str, Path]:
    """The models of a folder, each a folder of versions, by name; or the folder itself, if it is such a one.

    A model may have a number for its name: what tells a version is the `saved_model.pb` in it.

    Raises:
        ValueError: If the folder holds versions and models side by side.
    """
    paths = sorted(directory.iterdir()) if directory.is_dir() else []
    folders = [path for path in paths if not path.name.startswith(".") and not (path / "saved_model.pb").is_file()]
    models = {folder.name: folder for folder in folders if version_folders(folder)}
    versions = _complete(directory)
    if versions and models:
        raise ValueError(
            f"A folder must hold versions of one model, or models, not both. Received: {str(directory)!r} with the "
            f"versions {', '.join(map(str, versions))} and the models {', '.join(models)}. Give the versions a folder "
            "of their own, such as NAME/1."
        )
    if models or not version_folders(directory):
        return models
    return {directory.resolve().name: directory}


def checked_version(directory: Path, version: int | None) -> int:
    """The number that a new version gets: `version`, or the integer after the largest.

    Raises:
        ValueError: If it is not a positive integer of 64 bits.
        FileExistsError: If there is something under this number.
    """
    # A file with such a name takes its number, too: a server would try to load it, and stay with that.
    paths = directory.iterdir() if directory.is_dir() else []
    taken = {number: path for path in paths if (number := version_number(path.name)) is not None}
    number = max(taken, default=0) + 1 if version is None else positive_integer("version", version)
    if number > LARGEST:
        raise ValueError(f"A version must be below 2^63. Received: {number}. Choose a smaller one by `version`.")
    if number in taken:
        raise FileExistsError(
            f"A version is never overwritten: a server may be reading it. Received: version={number}, and "
            f"{taken[number]} exists. Choose another number, or none for the next one."
        )
    return number


@contextlib.contextmanager
def draft(directory: Path) -> Iterator[Path]:
    """A hidden folder in `directory` to write a version in. What `publish` has not taken away is removed at the end.

    Folders on the way to `directory` are made, and taken back if nothing came to be in them. An open draft is
    locked. Drafts without a lock are what killed processes left behind: they are removed first. (Windows has no such
    lock, and some network file systems have none: there they stay.)

    Raises:
        OSError: If the folder cannot be made.
    """
    missing = [folder for folder in (directory, *directory.parents) if not folder.exists()]
    folder = directory / f"{HIDDEN}{uuid.uuid4().hex}"
    with contextlib.ExitStack() as lock:
        try:
            with _explained(f"Cannot write to {directory}", "Choose a folder that you may write to."):
                _make(folder, lock)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            with contextlib.suppress(OSError):  # the innermost first, as long as nothing is in them
                for made in missing:
                    made.rmdir()


def publish(folder: Path, directory: Path, version: int | None = None) -> Path:
    """Rename a draft to its version, after waiting until the disk holds it: it appears whole, whatever happens.

    Args:
        folder: The draft, in `directory`.
        directory: Where the versions are.
        version: Positive integer; default: the one after the largest.

    Returns:
        The path of the version.

    Raises:
        ValueError: If `version` is not a positive integer.
        FileExistsError: If there is such a version already.
        OSError: If the disk does not take it.
    """
    with _explained(f"Cannot publish a version in {directory}", "Nothing half-written stays."):
        _flush(*folder.rglob("*"), folder)
        while True:
            # Checked first, as a rename would replace an empty folder in silence.
            target = directory / str(checked_version(directory, version))
            try:
                folder.rename(target)
            except OSError:
                if not target.exists():  # otherwise another export was first: the next number is free
                    raise
            else:
                _flush(directory)
                return target


def prune(directory: str | PathLike[str], keep: int) -> None:
    """Remove all but the newest `keep` versions.

    A version disappears at once, by a rename; a folder without a saved_model.pb, which somebody may just be copying
    to its place, is neither counted nor touched.

    Args:
        directory: Where the versions are.
        keep: Positive integer, how many stay.

    Raises:
        ValueError: If `keep` is not a positive integer.
        OSError: If a version cannot be removed.
    """
    directory, keep = Path(directory), positive_integer("keep", keep)
    with (
        _explained(f"Cannot remove the old versions in {directory}", "Remove them yourself."),
        _locked(directory),
    ):
        old = list(_complete(directory).values())[:-keep]
        hidden = [path.rename(directory / f"{HIDDEN}{uuid.uuid4().hex}") for path in old]
        _flush(directory)
        for path in hidden:
            if path.is_symlink():
                path.unlink()
            else:
                shutil.rmtree(path)


def rollback(directory: str | PathLike[str], version: int | None = None) -> str:
    """Publish a copy of an older version as the newest, so that servers go back to it.

    The versions between stay, as what a server has loaded must not change under it. The copy appears whole or not
    at all.

    Args:
        directory: Where the versions are, such as `saved_models/sales`.
        version: Positive integer, the version to go back to. Default: the second newest. After one rollback that is
            the version that was wrong: to go back further, name it.

    Returns:
        The path of the new version, such as `"saved_models/sales/4"`.

    Raises:
        FileNotFoundError: If there is no such version, or none before the newest.
        ValueError: If `version` is not a positive integer, or the directory is a remote address.
        OSError: If the copy cannot be written. Nothing is published then.

    Example:
    >>> import pathlib, tempfile
    >>> from rnn_tf.export.versions import rollback
    >>> directory = pathlib.Path(tempfile.mkdtemp())
    >>> for version in ("1", "2"):
    ...     (directory / version).mkdir()
    ...     _ = (directory / version / "saved_model.pb").write_text(f"model {version}")
    >>> rollback(directory).endswith("3")
    True
    >>> (directory / "3" / "saved_model.pb").read_text()
    'model 1'
    """
    directory = writable_folder(directory)
    versions = _complete(directory)
    if version is not None:
        version = positive_integer("version", version)
    elif len(versions) > 1:
        version = list(versions)[-2]
    if version not in versions:
        received = ", ".join(map(str, versions)) or "none"
        wanted = "two versions" if version is None else f"version {version}"
        raise FileNotFoundError(
            f"A rollback needs {wanted} with a saved_model.pb in {str(directory)!r}. Received: {received}. "
            "Choose a version that is there, or export again."
        )
    with draft(directory) as folder:
        with _explained(f"Cannot copy version {version} of {directory}", "Nothing was published."):
            shutil.copytree(versions[version], folder, dirs_exist_ok=True)
        return str(publish(folder, directory))


def _complete(directory: Path) -> dict[int, Path]:
    return {number: path for number, path in version_folders(directory).items() if (path / "saved_model.pb").is_file()}


def _make(folder: Path, lock: contextlib.ExitStack) -> None:
    """Make the folder and lock it, after removing what killed processes left beside it."""
    for attempts_left in reversed(range(10)):
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with _locked(folder.parent):  # nobody removes the new folder before it is locked
                for dead in folder.parent.glob(f"{HIDDEN}*"):
                    with contextlib.suppress(OSError), _locked(dead, wait=False) as held:
                        if held:
                            shutil.rmtree(dead, ignore_errors=True)
                folder.mkdir()
                lock.enter_context(_locked(folder))
            return
        except FileNotFoundError:  # another export, which had made the parent, failed and took it back
            if not attempts_left:
                raise


@contextlib.contextmanager
def _locked(folder: Path, wait: bool = True) -> Iterator[bool]:
    """Hold the lock of a folder, which the system releases when the process is killed. Says whether it is held."""
    if sys.platform == "win32":
        yield False
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            held = True
        except OSError:  # another has it, or the file system has no locks
            held = False
        yield held
    finally:
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)  # even if a process that was forked meanwhile has it open, too
        os.close(descriptor)


@contextlib.contextmanager
def _explained(what: str, advice: str) -> Iterator[None]:
    """Say what could not be done, where an error of the system says only why. Our own errors say both."""
    try:
        yield
    except OSError as error:
        reason = error.args[0][-1][-1] if isinstance(error, shutil.Error) else error.strerror  # the last of copytree's
        if reason is None:
            raise
        raise OSError(error.errno, f"{what}: {reason}. {advice}") from error


def _flush(*paths: Path) -> None:
    """Wait until what these files and folders hold is on the disk."""
    for path in paths:
        if sys.platform == "win32" and path.is_dir():
            continue  # Windows cannot open folders
        descriptor = os.open(path, os.O_RDONLY if sys.platform != "win32" else os.O_RDWR)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

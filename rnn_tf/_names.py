"""Names of exports, which become names of folders and of models on a server. Needs no TensorFlow."""

import hashlib
import re
import sys
import unicodedata
from os import PathLike
from pathlib import Path

MOST_BYTES = 120  # of a name that is made: file systems take 255, and hidden files need some more
METADATA = "assets.extra/rnn_tf.json"  # beside an export: what the command that trained it wrote down
PATTERN = r"*?[]" if sys.platform == "win32" else "*?[]\\"  # what TensorFlow reads in a path as a pattern


def export_name(text: str) -> str:
    """A name for an export, made of any text, such as the name of a column.

    Letters and digits of all alphabets stay, and so do "_", "-" and "." between them. A sign of currency, of
    mathematics or of a unit becomes its Unicode name, so that "price €" and "price $" stay apart; everything else
    becomes "_". What would be empty, or a number, which servers read as a version, gets the word "model".

    Args:
        text: Any text.

    Returns:
        A name that `export_saved_model` takes, never empty. A good name is returned as it is.

    Example:
    >>> from rnn_tf.export import export_name
    >>> [export_name(text) for text in ("Temperature [C]", "a/b", "Preis €", "温度", "86", "..", "sales")]
    ['Temperature_C', 'a_b', 'Preis_euro', '温度', 'model_86', 'model', 'sales']
    """
    name = "".join(_letter(one) for one in unicodedata.normalize("NFC", text))
    name = re.sub(r"__+", "_", name) if name != text else name
    name = name.lstrip("_.-").rstrip("_.-") if name != text or name[:1] in "-." or name[-1:] == "." else name
    if len(name.encode()) > MOST_BYTES:  # cut, and told apart by what was cut off
        short = name.encode()[: MOST_BYTES - 9].decode(errors="ignore")
        name = f"{short}_{hashlib.sha256(text.encode(errors='replace')).hexdigest()[:8]}"
    if not name:
        return "model"
    return f"model_{name}" if name.isdecimal() else name


def folder_name(directory: str | PathLike[str]) -> str:
    """The name that a server gives the model in a folder: the last of its path, a link's own name where it is one."""
    path = Path(directory)
    return path.name if path.name not in ("", "..") else path.resolve().name


def check_export_folder(directory: str | PathLike[str]) -> None:
    """Raise ValueError unless a server finds a model of a usable name in the folder, which need not exist yet."""
    path = Path(directory)
    if any(sign in str(path) for sign in PATTERN):
        parts = [part if part == path.anchor else re.sub(f"[{re.escape(PATTERN)}]", "_", part) for part in path.parts]
        raise ValueError(
            f"TensorFlow takes {', '.join(PATTERN)} in a path for patterns. Received: {path}. Choose another, such as "
            f"{str(Path(*parts[:-1], export_name(path.name)))!r}."
        )
    name = folder_name(path)
    beside = (path if path.name == name else path.resolve()).parent
    if name.isascii() and name.isdecimal():
        raise ValueError(
            "The folder of a model must not be named by a number, which servers read as a version. Received: "
            f"{str(path)!r}. For a model of that name choose {str(beside / export_name(name))!r}; for version {name} "
            f"of the model in {str(beside)!r} give that folder, and version={name}."
        )
    if not name or name[0] in ".-" or not name.isprintable() or any(sign in name for sign in ":%"):
        raise ValueError(
            "The folder of a model must have a name that requests can use: it does not begin with '.' or '-', and has "
            f"no ':', '%' or control character. Received: {str(path)!r}. Choose another, such as "
            f"{str(beside / export_name(name))!r}."
        )
    if (path / "saved_model.pb").is_file():
        raise ValueError(
            "The folder of a model holds versions, each in a folder of its own. Received: "
            f"{str(path)!r}, which is a version itself. Choose another folder, such as "
            f"{str(beside / f'{name}_versions')!r}."
        )
    inner = sorted(one.parent.parent.name for one in path.glob("*/[0-9]*/saved_model.pb"))
    if inner and not any(path.glob("[0-9]*/saved_model.pb")):
        raise ValueError(
            "A folder holds the versions of one model, or models. Received: "
            f"{str(path)!r}, which holds the model {inner[0]!r}. Choose a folder in it, such as "
            f"{str(path / 'model')!r}."
        )


def _letter(one: str) -> str:
    if one.isalnum() or unicodedata.category(one) in ("Mn", "Mc") or one in "_.-":
        return one
    if unicodedata.category(one)[0] == "S" or one in "%&#@‰":
        words = unicodedata.name(one, "").lower().removesuffix(" sign").replace("-", " ")
        return f"_{words.replace(' ', '_')}_"
    return "_"

"""The bytes of a file, and what its name says of them."""

import gzip
import re
import zlib
from pathlib import Path

LINE_END = re.compile(b"\r\n|\n|\r")
NEEDED_IN_TABLE = "It needs a first line of column names, and a line for each row."


def kind_of(path: Path) -> str:
    """How a file is read, by the end of its name: "tsv", "json", "csv", or "" where it says nothing."""
    end = Path(path.name.lower().removesuffix(".gz")).suffix
    return {".tsv": "tsv", ".csv": "csv", ".jsonl": "json", ".ndjson": "json"}.get(end, "")


def content_of(path: Path, needed: str = NEEDED_IN_TABLE) -> bytes:
    """A file's bytes, checked to be UTF-8, without the byte order mark that Excel writes.

    `needed` says, where a file is empty, what belongs into it.
    """
    try:
        with gzip.open(path, "rb") if path.suffix.lower() == ".gz" else open(path, "rb") as file:
            content = file.read()
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"{path} is not a whole gzip file: {error}. Compress or copy it again.") from None
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise ValueError(f"{path} must be in UTF-8. Received: a file in UTF-16. Save it as UTF-8.")
    content = content.removeprefix(b"\xef\xbb\xbf")
    try:
        content.decode()
    except UnicodeDecodeError as error:
        line = line_of(content, error.start)
        raise ValueError(
            f"{path}, line {line}: the file must be in UTF-8. Received: {error}. Save it as UTF-8."
        ) from None
    if b"\0" in content:
        line = line_of(content, content.index(b"\0"))
        raise ValueError(f"{path}, line {line}: a text file holds no NUL byte. Received: one. Save it as UTF-8 again.")
    if not content.strip():
        raise ValueError(f"{path} is empty. {needed}")
    return content


def line_of(content: bytes, place: int) -> int:
    """The line, counted from 1, in which a place in a file's bytes is."""
    return 1 + len(LINE_END.findall(content[:place]))

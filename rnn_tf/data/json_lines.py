"""The objects of a JSON-lines file."""

import json
from pathlib import Path
from typing import Any

from rnn_tf.data.files import LINE_END


class Records:
    """The objects of a JSON-lines file. Only keys that all of them have are columns."""

    def __init__(self, path: Path, content: bytes, columns: list[str]) -> None:
        self.path, self.lines, self.records = path, [], []
        for line, text in enumerate(LINE_END.split(content), start=1):
            if text.strip():
                self.lines.append(line)
                self.records.append(self._record(line, text, columns))
        self.names = [name for name in self.records[0] if all(name in record for record in self.records)]

    def __len__(self) -> int:
        return len(self.records)

    def line(self, row: int) -> int:
        return self.lines[row]

    def cells(self, column: int) -> list[Any]:
        return [record[self.names[column]] for record in self.records]

    def _record(self, line: int, text: bytes, columns: list[str]) -> dict[str, Any]:
        place = f"{self.path}, line {line}"
        try:
            pairs = json.loads(text, object_pairs_hook=_Pairs, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{place}: not JSON: {error}. Each line must hold a JSON object of its own.") from None
        if not isinstance(pairs, _Pairs):
            raise ValueError(f"{place}: must be a JSON object, as in {{...}}. Received: {type(pairs).__name__}.")
        keys = [key for key, _ in pairs]
        for column in columns:
            if keys.count(column) != 1:
                received = f"{keys.count(column)} of them" if column in keys else ", ".join(map(repr, keys))
                raise ValueError(
                    f"{place}: there must be one column {column!r}. Received: {received or 'no names'}. Correct the "
                    "line, or give another name."
                )
        return dict(pairs)


class _Pairs(list[tuple[str, Any]]):
    """Keys and values of a JSON object in their order, also those that occur twice."""


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number")

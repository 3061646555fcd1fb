"""Ctrl-C, and the signal by which clusters end a process: heard at once, heeded between two calls of the loop."""

import signal
import sys
import threading
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """While it is entered, the first signal is kept in `came`, for `stop_if_one_came`; the second one ends as ever.

    Args:
        heeded: Whether somebody asks. If not, signals do what they did.
    """

    def __init__(self, heeded: bool) -> None:
        self.heeded = heeded and threading.current_thread() is threading.main_thread()
        self.came = 0  # the number of the signal
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Interrupts":
        if self.heeded:
            heard = [number for number in SIGNALS if signal.getsignal(number) not in (signal.SIG_IGN, None)]
            self._before = {number: signal.signal(number, self._note) for number in heard}
        return self

    def __exit__(self, *error: Any) -> None:
        self._reset()

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.came = number
        self._reset()
        sys.stderr.write("\nThe run stops, and is saved, after this call of the loop. Once more stops at once.\n")

    def _reset(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}


def stop_if_one_came(number: int, told: str) -> None:
    """Raise KeyboardInterrupt, or SystemExit, with what is to be told, for the number of a signal that is not 0."""
    if number == signal.SIGINT:
        raise KeyboardInterrupt(told)
    if number:
        sys.stderr.write(f"{told}\n")
        raise SystemExit(128 + number)

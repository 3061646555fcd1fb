"""Processes to kill, forked from one that has imported everything and computed nothing."""

import os
import sys
import time


class Child:
    """A process that was forked to do some work, and can report how far it is."""

    def __init__(self, work) -> None:
        self.reports, write = os.pipe()
        self.number = os.fork()
        if not self.number:
            code = 1
            try:
                work(lambda: os.write(write, b"."))
                code = 0
            except BaseException as error:
                sys.stderr.write(f"{error!r}\n")
            os._exit(code)
        os.close(write)

    def wait_for_report(self) -> float:
        """Wait until it reports; returns when."""
        os.read(self.reports, 1)
        return time.perf_counter()

    def exit_code(self) -> int:
        return os.waitstatus_to_exitcode(os.waitpid(self.number, 0)[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.reports)

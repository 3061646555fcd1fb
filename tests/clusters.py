"""Processes that train together, on this machine."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Cluster:
    """Runs a program in several processes, each with its TF_CONFIG. None is left behind.

    Args:
        count: How many; 1 has no TF_CONFIG.
        program: A file, or a text to run.
        arguments: Given to each.
        folder: Where the processes run, and where their output goes.
        environment: More variables, for all, or a list with those of each.
    """

    def __init__(self, count, program, *arguments, folder, environment=()) -> None:
        addresses = [f"127.0.0.1:{port}" for port in free_ports(count)]
        command = [str(program)] if isinstance(program, Path) else ["-c", program]
        self.files = [Path(folder, f"output_{index}") for index in range(count)]
        self.processes = []
        for index, file in enumerate(self.files):
            own = environment[index] if isinstance(environment, list) else dict(environment)
            variables = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "KERAS_BACKEND": ""}
            del variables["KERAS_BACKEND"]
            if count > 1:
                task = {"type": "worker", "index": index}
                variables["TF_CONFIG"] = json.dumps({"cluster": {"worker": addresses}, "task": task})
            with open(file, "w") as output:
                process = subprocess.Popen(
                    [sys.executable, *command, *map(str, arguments)],
                    env={**variables, **own},
                    cwd=folder,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            self.processes.append(process)

    def wait(self, seconds: float = 300) -> list[int]:
        """The exit codes, when all have ended."""
        deadline = time.monotonic() + seconds
        return [process.wait(max(0.1, deadline - time.monotonic())) for process in self.processes]

    def outputs(self) -> list[str]:
        return [file.read_text() for file in self.files]

    def kill(self, index: int, number: int = signal.SIGKILL) -> None:
        self.processes[index].send_signal(number)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
            try:
                os.killpg(process.pid, 0)
            except ProcessLookupError:
                continue
            raise AssertionError(f"process {process.pid} has left a child behind")

"""The cluster that the variable TF_CONFIG names. Imports TensorFlow only where there is one.

TensorFlow can join a cluster only before it has made its first tensor, and a model is made before its `Trainer`. So
`import rnn_tf` joins it, where TF_CONFIG names several workers.
"""

import json
import os
import signal
import socket
import sys
import threading
from typing import Any, NamedTuple

EXAMPLE = '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}'
PATIENCE = 10.0  # seconds of waiting for other workers until it is said

_joined: Any = None  # the strategy
_refused: str | None = None  # why there is none


class Cluster(NamedTuple):
    """Several workers, of which this process is one."""

    addresses: list[str]
    number: int  # of this process


def cluster() -> Cluster | None:
    """What TF_CONFIG says, or None where it names no other worker for this process to train with."""
    text = os.environ.get("TF_CONFIG", "")
    if not text.strip():
        return None
    try:
        config = json.loads(text)
        jobs, task = config.get("cluster", {}), config.get("task", {})
        addresses = [*jobs.get("chief", ()), *jobs.get("worker", ())]
        if len(addresses) < 2 or "ps" in jobs or task["type"] not in ("chief", "worker"):
            return None
        index = int(task["index"]) + (len(jobs.get("chief", ())) if task["type"] == "worker" else 0)
        for address in addresses:
            int(address.rpartition(":")[2])
        if not 0 <= index < len(addresses) or int(task["index"]) >= len(jobs.get(task["type"], ())):
            raise IndexError("the index of the task is not one of its job's")
    except (ValueError, TypeError, AttributeError, KeyError, IndexError) as error:
        raise ValueError(
            f"TF_CONFIG must name the workers and which of them this process is. Received: {text} ({error}). Set it "
            f"like this, with another index in each: TF_CONFIG='{EXAMPLE}'."
        ) from None
    return Cluster(addresses, index)


def join() -> None:
    """Start TensorFlow's strategy for several workers, where TF_CONFIG names some. It waits until all are there."""
    global _joined, _refused
    try:
        found = cluster()
    except ValueError:  # told to who asks for workers
        return
    command = os.path.basename("".join(sys.argv[:1])) == "rnn-tf"  # which trains alone
    if found is None or _joined is not None or command:
        return
    own = found.addresses[found.number]
    if not _is_free(int(own.rpartition(":")[2])):
        _refused = (
            f"The port that TF_CONFIG gives this worker must be free. Received: {own}, at which something listens. If "
            "this process has made a strategy before, give it, as in workers=strategy. Else end the other process, or "
            "name another port in the TF_CONFIG of every worker."
        )
        return
    import tensorflow as tf

    waiting = threading.Timer(PATIENCE, _say, [f"Worker {found.number} waits for the others: {found.addresses}"])
    waiting.daemon = True
    waiting.start()
    try:
        _joined = tf.distribute.MultiWorkerMirroredStrategy()
        end_by_signals()
    except (RuntimeError, ValueError, tf.errors.OpError) as error:
        _refused = (
            "A worker must join the others before TensorFlow makes its first tensor. Received: a process in which it "
            f"had made one ({error}). Write `import rnn_tf` above all that computes, and set TF_CONFIG before Python "
            "starts."
        )
    finally:
        waiting.cancel()


def check_only(strategy: Any) -> None:
    """Raise ValueError if this process has joined by another strategy: a second one may wait for ever."""
    if _joined is not None and strategy is not _joined:
        raise ValueError(
            "A process may make one strategy for several workers. Received: a second one, since `import rnn_tf` makes "
            "one where TF_CONFIG names several workers. Write workers='auto', or make yours above `import rnn_tf`."
        )


def strategy() -> Any:
    """The strategy of this process, or None where it trains alone."""
    if cluster() is None:
        return None
    join()
    if _joined is None:
        raise RuntimeError(_refused)
    return _joined


def end_by_signals() -> None:
    """TensorFlow's service of a cluster takes SIGTERM for itself and does nothing: let it end the process again."""
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("", port))
        except OSError:
            return False
    return True


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")

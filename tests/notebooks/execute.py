"""Runs notebooks from a clean kernel and writes them with what they printed and drew.

    python tests/notebooks/execute.py notebooks/02_one_equation_four_steps.ipynb ...

What is kept depends on the code alone: no times, no numbers of cells that ran before, no paths of a machine.
"""

import hashlib
import os
import platform
import re
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
ENVIRONMENT = {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "default", "PYTHONHASHSEED": "0", "COLUMNS": "100"}
SECONDS = 600  # for one cell, on a machine that has much to do


def read(path):
    return nbformat.read(path, as_version=4)


def execute(notebook):
    """The notebook as a clean kernel runs it, in an empty folder. Raises on the first cell that fails."""
    notebook = nbformat.from_dict(notebook)
    paths = [str(NOTEBOOKS), *filter(None, [os.environ.get("PYTHONPATH")])]  # Jupyter's kernels run beside `pictures`
    os.environ.pop("XLA_FLAGS", None)  # of the tests: a notebook prints the digits that a user gets
    os.environ.update(ENVIRONMENT, PYTHONPATH=os.pathsep.join(dict.fromkeys(paths)))
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook,
            timeout=SECONDS,
            kernel_name="python3",
            resources={"metadata": {"path": folder}},
            coalesce_streams=True,  # otherwise cut at places that depend on time
            # TensorFlow's C++ greets whoever starts it, before any setting holds
            extra_arguments=["--IPKernelApp.capture_fd_output=False"],
        )
        client.execute()
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            "executed": fingerprint(notebook),
            "environment": environment(),
        }
    )
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # times
        cell.id = hashlib.sha256(cell.source.encode()).hexdigest()[:8]
    for number, cell in enumerate(notebook.cells):
        cell.id = f"{number:02d}-{cell.id}"
    return notebook


def fingerprint(notebook):
    """Of all that is code in it."""
    return hashlib.sha256("\0".join(code_of(notebook)).encode()).hexdigest()


def environment():
    """Of what the last digits depend on, beside the code: the processor, how many cores, the versions."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    versions = [version(package) for package in ("tensorflow", "keras", "numpy", "matplotlib")]
    return hashlib.sha256(repr((processor(), cores, platform.python_version(), versions)).encode()).hexdigest()


def processor():
    """Its name, which different ones may share, instructions and caches: sums are cut by what fits into them."""
    info = Path("/proc/cpuinfo")
    if not info.is_file():
        return [platform.processor()]
    lines = re.findall(r"^(?:model name|flags|Features)\s*:.*", info.read_text(), flags=re.MULTILINE)
    caches = sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size"))
    return [*dict.fromkeys(lines), *(cache.read_text() for cache in caches)]


def code_of(notebook):
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def texts_of(cell):
    """What the cell printed and answered, without pictures; tqdm-like progress on stderr is an error elsewhere."""
    texts = []
    for output in cell.get("outputs", []):
        if output.output_type == "stream":
            texts.append((output.name, output.text))
        elif "image/png" not in output.get("data", {}):
            texts.append((output.output_type, output.get("data", {}).get("text/plain", "")))
    return texts


if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]):
        started = time.perf_counter()
        nbformat.write(execute(read(path)), path)
        print(f"{path}: {time.perf_counter() - started:.0f} s, {path.stat().st_size / 1e6:.2f} MB")

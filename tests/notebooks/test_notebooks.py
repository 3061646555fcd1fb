"""Every notebook runs from a clean kernel, and is committed as it ran."""

import re
import runpy
from pathlib import Path

import nbformat
import pytest

HERE = Path(__file__).parent
NOTEBOOKS = sorted((HERE.parents[1] / "notebooks").glob("*.ipynb"))
TOOL = runpy.run_path(str(HERE / "execute.py"))
MACHINE = re.compile(r"/home/|/root|/tmp/|/usr/|/opt/|/var/|[A-Z]:\\|site-packages|\b20\d\d-\d\d-\d\d \d\d:")
TIMED = "timed"  # the tag of a cell whose output holds times, or what else no two runs share
SLOW = "slow"  # the tag of solutions that train for long: run them by hand, in the notebook


@pytest.fixture(scope="module", params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return request.param, TOOL["read"](request.param)


def test_is_committed_as_it_ran(notebook):
    path, content = notebook
    assert content.metadata.executed == TOOL["fingerprint"](content), (
        f"Its code has changed since it ran. Run: python tests/notebooks/execute.py {path}"
    )
    code = [cell for cell in content.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert path.stat().st_size < 1.5e6
    for cell in code:
        for kind, text in TOOL["texts_of"](cell):
            assert kind != "stderr", f"{cell.source}\n{text}"
            assert not MACHINE.search(text), text


def test_its_form(notebook):
    _, content = notebook
    first, *_, last = content.cells
    assert first.cell_type == "markdown"
    assert first.source.startswith("# ")
    headings = [line for cell in content.cells if cell.cell_type == "markdown" for line in cell.source.splitlines()]
    assert sum(line.startswith(("## Exercises", "## 练习")) for line in headings) == 1
    assert last.cell_type == "markdown"
    assert last.source.count("<details>") == last.source.count("</details>") == 3  # the solutions, folded
    assert sum("image/png" in output.get("data", {}) for cell in content.cells for output in cell.get("outputs", []))
    for source in TOOL["code_of"](content):
        assert not re.search(r"^\s*class ", source, flags=re.MULTILINE), "a notebook holds no library code"


def solutions_of(notebook):
    """The code in its last cell."""
    return re.findall(r"```python\n(.*?)```", notebook.cells[-1].source, flags=re.DOTALL)


def test_runs_from_a_clean_kernel_with_its_solutions_and_gives_what_is_committed(notebook):
    path, content = notebook
    if path.stem.endswith("_zh"):
        pytest.skip("Its code is that of the English one, as the next test asserts.")
    slow = SLOW in content.cells[-1].metadata.get("tags", [])
    solutions = [] if slow else [nbformat.v4.new_code_cell(solution) for solution in solutions_of(content)]
    again = TOOL["execute"]({**content, "cells": [*content.cells, *solutions]})
    for cell in again.cells:
        for kind, text in TOOL["texts_of"](cell):
            assert kind != "stderr", f"{cell.source}\n{text}"
    same = again.metadata.environment == content.metadata.environment  # elsewhere its own assertions must do
    for before, after in zip(content.cells, again.cells, strict=False):
        if same and before.cell_type == "code" and TIMED not in before.metadata.get("tags", []):
            assert TOOL["texts_of"](after) == TOOL["texts_of"](before), before.source


@pytest.mark.parametrize(
    "chinese", [path for path in NOTEBOOKS if path.stem.endswith("_zh")], ids=lambda path: path.stem
)
def test_a_chinese_notebook_has_the_same_code(chinese):
    english = chinese.with_name(chinese.name.replace("_zh", ""))
    chinese, english = TOOL["read"](chinese), TOOL["read"](english)
    assert TOOL["code_of"](chinese) == TOOL["code_of"](english)
    assert solutions_of(chinese) == solutions_of(english)

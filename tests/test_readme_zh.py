"""The Chinese README says what the English one says, and works; so does the notebooks' index."""

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import rnn_tf
from rnn_tf import cli

ROOT = Path(__file__).parents[1]
ENGLISH, CHINESE, INDEX = (
    (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh-CN.md", "notebooks/README.md")
)


def blocks(text, language):
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def commands(text):
    return {line.split("#")[0].strip() for block in blocks(text, "sh") for line in block.splitlines()}


def links(text):
    """Of links and images, without those to other sites."""
    return [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]


def test_the_code_is_that_of_the_english_one():
    assert blocks(CHINESE, "python") == blocks(ENGLISH, "python") != []
    assert commands(CHINESE) == commands(ENGLISH)


def test_no_figure_of_the_english_one_is_missing():
    english, chinese = (Counter(re.findall(r"\d+(?:[.,]\d+)*", text)) for text in (ENGLISH, CHINESE))
    assert english - chinese == Counter()


@pytest.mark.parametrize("command", sorted(set(re.findall(r"rnn-tf [a-z][^`#\n|]*", CHINESE))))
def test_its_commands_are_commands(command):
    arguments = command.removeprefix("rnn-tf ").split()
    assert cli._parser().parse_args(arguments).module.startswith("rnn_tf.")


def test_what_it_names_is_there():
    for path in re.findall(r"`((?:rnn_tf/|tests|saved_models|notebooks|\.ci)[\w/.]*)`", CHINESE):
        assert (ROOT / path).exists(), path
    for name in re.findall(r"\brnn_tf((?:\.[a-zA-Z_]\w*)+)", CHINESE + INDEX):
        found = rnn_tf
        for part in name.removeprefix(".").split("."):
            found = getattr(found, part)


@pytest.mark.parametrize("path", ["README.md", "README.zh-CN.md", "notebooks/README.md"])
def test_relative_links_lead_somewhere(path):
    page = ROOT / path
    found = links(page.read_text(encoding="utf-8"))
    assert found
    assert [link for link in found if not (page.parent / link).is_file()] == []


def test_the_lines_of_its_table_of_uses_run():
    random = np.random.default_rng(0)
    lines = re.findall(r"`(model = .*?)`", CHINESE)
    assert len(lines) == 3
    for line in lines:
        if "SequenceClassifier" in line:
            classes = re.findall('"(.*?)"', line)[:2]
            data = {"x": [random.normal(size=[length, 3]) for length in (5, 8, 6, 7)], "y": classes * 2}
        else:
            data = {"x": random.normal(size=[4, 5, 3]), "y": random.normal(size=[4, 5])}
        names = {"rnn_tf": rnn_tf, **data}
        exec(line.replace("epochs=20", "epochs=1, verbose=0"), names)
        assert len(names["model"].predict(data["x"], verbose=0)) == 4


def test_it_lists_the_papers_of_the_docstrings():
    listed = set(re.findall(r'\((\d{4})\), "(.+?)"', CHINESE))
    for path in (ROOT / "rnn_tf").rglob("*.py"):
        text = re.sub(r"\s*\n[\s#]*", " ", path.read_text(encoding="utf-8"))
        assert set(re.findall(r'\((\d{4})\), "([^"]+)"', text)) <= listed, path


def test_the_index_links_to_every_notebook_and_to_no_other():
    there = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
    assert sorted(link for link in links(INDEX) if link.endswith(".ipynb")) == there


def test_the_readmes_lead_to_each_other():
    assert "README.zh-CN.md" in links(ENGLISH)
    assert "README.md" in links(CHINESE)

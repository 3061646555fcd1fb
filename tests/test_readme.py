"""What the README prints must work."""

import re
from pathlib import Path

import pytest

import rnn_tf
from rnn_tf import cli
from rnn_tf.serving.server import DevelopmentServer

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


# Of the block on videos see tests/test_summaries_of_videos.py.
def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_the_python_blocks_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    first, layers, texts, tags, language, saved, workers, _, serving = blocks("python")
    exec(compile(layers, "README.md", "exec"), {})
    assert "lstm: LSTM -> RNN(LSTMCell), kernel" in capsys.readouterr().out
    exec(compile(texts, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert float(re.search(r"accuracy  (\S+) ", printed)[1]) > 0.6
    assert Path("saved_models/docs/1/assets/vocabulary.txt").is_file()
    exec(compile(tags, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert 0.4 < float(re.search(r"F1  +(\S+) ", printed)[1]) < 0.9
    assert "Span(label='time', start=11, end=15, text='nine')" in printed
    exec(compile(language, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    perplexity = re.search(r"^(\d+\.\d+) Returns [\s\S]{100}\n[\s\S]{100}", printed, re.MULTILINE)[1]
    assert 2 < float(perplexity) < 14
    exec(compile(saved, "README.md", "exec"), {})
    assert Path("runs/gru/training.npz").is_file()
    exec(compile(workers, "README.md", "exec"), {})
    assert Path("runs/workers/training.npz").is_file()
    exec(compile(first, "README.md", "exec"), {})
    printed = capsys.readouterr().out.splitlines()
    assert printed[-1] == str(Path("saved_models/readme/1"))
    assert float(printed[-2].removeprefix("test NDEI ")) < 0.1
    with DevelopmentServer("saved_models", port=0) as server:
        exec(compile(serving.replace("http://localhost:8501", server.url), "README.md", "exec"), {})
    whole, *steps = capsys.readouterr().out.splitlines()
    assert float(steps[-1].split()[1].strip("[]")) == pytest.approx(float(whole.strip("[]")), rel=1e-5)


def test_ci_runs_the_readmes_test_command():
    commands = [line.split("#")[0].strip() for block in blocks("sh") for line in block.splitlines()]
    (command,) = [line for line in commands if "pytest" in line]
    assert f"\n{command} || exit 1" in (ROOT / ".ci" / "run").read_text()


@pytest.mark.parametrize("command", sorted(set(re.findall(r"rnn-tf [a-z][^`#\n|]*", README))))
def test_its_commands_are_commands(command):
    arguments = command.removeprefix("rnn-tf ").split()
    assert cli._parser().parse_args(arguments).module.startswith("rnn_tf.")


def test_what_it_names_is_there():
    for path in re.findall(r"`((?:rnn_tf|tests|saved_models|\.ci)[\w/.]*)`", README):
        assert (ROOT / path).exists() or hasattr(rnn_tf, path.split(".")[1]), path
    for image in re.findall(r"!\[.*?\]\((.*?)\)", README):
        assert (ROOT / image).is_file()


def test_public_names():
    for name in rnn_tf.__all__:
        assert getattr(rnn_tf, name) is not None
        assert name in dir(rnn_tf)
    with pytest.raises(AttributeError, match="has no attribute 'Elman'"):
        rnn_tf.Elman  # noqa: B018 # the access is what is tested

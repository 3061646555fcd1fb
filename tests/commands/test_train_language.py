import re

import pytest

SENTENCES = ["the cat sat on the mat.", "a dog ran to the log!", "看了 the book", "it's a day"]
QUICK = ("--units", 16, "--layers", 1, "--epochs", 3, "--rate", 0.02, "--batch", 4, "--steps", 20)


@pytest.fixture
def folder(tmp_path):
    text = "\n".join(SENTENCES * 60) + "\n"
    (tmp_path / "first.txt").write_text(text[: len(text) // 2], "utf-8")
    (tmp_path / "second.txt").write_text(text[len(text) // 2 :], "utf-8")
    return tmp_path


@pytest.mark.parametrize("tokens", ["characters", "spaces"])
def test_train_and_predict(rnn_tf, folder, tokens):
    code, printed, errors = rnn_tf("train", "language", "first.txt", "second.txt", *QUICK, "--tokens", tokens)
    assert (code, errors) == (0, "")
    assert "first.txt, second.txt: 4,140 characters, " in printed
    assert len(re.findall(r"epoch +\d .* perplexity \d", printed)) == 3
    assert f"{tokens} known" in printed
    assert float(re.search(r"perplexity (\S+) over", printed)[1]) < 30
    assert re.search(r"\S+ bits a character; xz, having read the same, needs \S+", printed)
    assert "next: rnn-tf predict saved_models/first " in printed
    ask = ("predict", "saved_models/first", "the cat", "--length", 12, "--seed", 3)
    code, printed, errors = rnn_tf(*ask)
    assert (code, errors) == (0, "")
    assert printed.startswith("the cat")
    assert len(printed) > len("the cat") + 5
    assert rnn_tf(*ask)[1] == printed
    assert rnn_tf(*ask[:-1], 4)[1] != printed
    assert rnn_tf(*ask, "--output", "out.csv")[0] == 0
    assert (folder / "out.csv").read_text("utf-8").startswith("prompt,continuation,text\nthe cat,")
    assert "--length must be at most 10000" in rnn_tf(*ask[:3], "--length", 20_000)[2]
    greedy = [rnn_tf(*ask[:-1], seed, "--temperature", 0)[1] for seed in (1, 2)]
    assert greedy[0] == greedy[1]


def test_what_cannot_be_used_is_told_before_any_work(rnn_tf, folder):
    for words, message in (
        (("none.txt",), "There is no file 'none.txt'"),
        (("first.txt", "--test", "1"), "--test must be a share between 0 and 1"),
        (("first.txt", "--test", "0.0001"), "--test must leave text to test on"),
        (("short.txt",), "must have at least 1000 characters"),
        (("first.txt", "--test-file", "none.txt"), "There is no file 'none.txt'"),
        (("first.txt", "--steps", "0"), "must be a positive integer"),
    ):
        (folder / "short.txt").write_text("a b c\n" * 9)
        code, _, errors = rnn_tf("train", "language", *words)
        assert (code, message in errors) == (2, True), errors


def test_a_training_that_was_saved_is_not_made_again(rnn_tf, folder):
    command = ("train", "language", "first.txt", "second.txt", *QUICK, "--checkpoint", "runs")
    first, again = (rnn_tf(*command)[1] for _ in range(2))
    assert "epoch" in first
    assert "epoch  1" not in again
    cut = re.compile(r"the test, read in one go.*xz", re.DOTALL)
    assert cut.search(first)[0] == cut.search(again)[0]

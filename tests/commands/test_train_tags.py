import re

import numpy as np
import pytest

from rnn_tf.commands import answers
from rnn_tf.commands.progress import StopByAccuracy
from rnn_tf.commands.tag_trainer import confident_mistakes, what_happens
from rnn_tf.data import Tagged
from rnn_tf.evaluation import span_report
from rnn_tf.models.tagger import TaggedText

NAMES, TIMES = ["Ada", "Bob", "Cleo", "Dan"], ["nine", "ten", "noon"]
QUICK = ("--units", 8, "--epochs", 12, "--rate", 0.03, "--dropout", 0)


@pytest.fixture
def folder(tmp_path):
    """Three parallel files of easy requests."""
    random = np.random.default_rng(0)
    lines = []
    for place in range(60):
        name, time = random.choice(NAMES), random.choice(TIMES)
        lines += [
            (f"call {name} Smith now {place}", "O B-person I-person O O", "call"),
            (f"wake me at {time} {place}", "O O O B-time O", "alarm"),
        ]
    (tmp_path / "home").mkdir()
    for file, column in zip(("seq.in", "seq.out", "label"), zip(*lines, strict=True), strict=True):
        (tmp_path / "home" / file).write_text("\n".join(column) + "\n", "utf-8")
    return tmp_path / "home"


def test_train_and_predict(rnn_tf, folder):
    code, printed, errors = rnn_tf("train", "tags", "home", *QUICK)
    assert (code, errors) == (0, "")
    assert "home: 120 sentences\n  O 420, person 60, time 60\n  86 train, 10 stop the training, 24 test" in printed
    assert float(re.search(r"F1 +(\S+) ", printed)[1]) > 0.95
    assert "The most frequent tag of each word has F1" in printed
    assert "The most frequent confusions" in printed
    assert "The most confident mistakes" in printed
    command = re.search(r"next: rnn-tf (predict saved_models/home) '", printed)[1].split()
    code, printed, errors = rnn_tf(*command, "call Ada Smith now 7", "wake me at ten 8", "wake me now 9")
    assert (code, errors) == (0, "")
    assert printed.splitlines()[:3] == [
        "row,text,label,start,end,intent",
        "0,Ada Smith,person,5,14,call",
        "1,ten,time,11,14,alarm",
    ]
    assert rnn_tf("check", "saved_models/home")[0] == 0


def test_a_training_that_was_saved_is_not_made_again(rnn_tf, folder):
    quick = (*QUICK[:2], "--epochs", 2, "--checkpoint", "runs")
    first, again = (
        re.sub(r"  epoch.*\n|trained in .*|saved_models/home/\d", "", rnn_tf("train", "tags", "home", *quick)[1])
        for _ in range(2)
    )
    assert (folder.parent / "runs" / "seed_0" / "training.npz").exists()
    assert first == again
    assert "loss" not in rnn_tf("train", "tags", "home", *quick)[1]  # no epoch is trained
    assert rnn_tf("train", "tags", "home", *quick, "--units", 4)[0] == 2


def test_parts_of_speech(rnn_tf, folder):
    columns = [f"call VERB\n{name}{place} NAME\nnow ADV\n" for place in range(5) for name in NAMES]
    (folder / "train.conll").write_text("\n".join(columns), "utf-8")
    code, printed, _ = rnn_tf("train", "tags", folder / "train.conll", *QUICK, "--tokens", "words")
    assert code == 0
    assert "The most frequent tag of each word has token accuracy" in printed
    _, printed, _ = rnn_tf("predict", "saved_models/train", "call Ada now!")
    assert printed.splitlines()[:2] == ["row,token,tag", "0,call,VERB"]


class Weights:
    """A model whose weights are the number of the epoch that trained them."""

    stop_training = False

    def get_weights(self):
        return self.epoch

    def set_weights(self, weights):
        self.epoch = weights


@pytest.mark.parametrize(
    ("epochs", "kept", "stopped"),
    [
        ([(0.6, 3), (0.6, 2), (0.6, 1.5), (0.6, 1.8), (0.7, 2)], 5, 5),  # all "O", then the first spans
        ([(0.6, 3), (0.7, 2), (0.7, 2), (0.7, 2.5), (0.9, 9)], 2, 4),
        ([(0.6, 3), (0.5, 2), (0.5, 1), (0.9, 9)], 1, 3),
        ([(0.0, 9)], 1, 1),
        ([], 0, 0),
    ],
)
def test_training_stops_by_accuracy_and_of_equal_ones_by_loss(epochs, kept, stopped):
    model, stop = Weights(), StopByAccuracy(patience=2)
    stop.set_model(model)
    model.epoch = last = 0
    for last, (accuracy, loss) in enumerate(epochs, 1):
        model.epoch = last
        stop.on_epoch_end(last - 1, {"val_accuracy": accuracy, "val_loss": loss})
        if model.stop_training:
            break
    stop.on_train_end()
    assert (stop.epoch, model.epoch, last) == (kept, kept, stopped)


def test_confusions_are_told_in_words():
    report = span_report([["B-a", "O", "B-a"]], [["B-b", "B-b", "O"]])
    assert [what_happens(one) for one in report.confusions] == ["b made up", "a missed", "a taken for b"]


def test_the_surest_mistakes_come_first():
    def answer(tags, probabilities, intent, sure):
        return TaggedText("", [], tags, probabilities, [], intent, sure)

    test = Tagged([["a", "b"], ["c"], ["d"]], [["O", "B-x"], ["O"], ["O"]], ["i", "i", "i"])
    found = [answer(["B-x", "O"], [0.6, 0.7], "i", 1.0), answer(["O"], [1.0], "j", 0.9), answer(["O"], [1.0], "i", 1.0)]
    assert confident_mistakes(test, found) == [(0.9, "intent", "j", "i", "c"), (0.7, "b", "O", "B-x", "a b")]
    without = Tagged(test.sentences, test.tags)
    assert confident_mistakes(without, found) == [(0.7, "b", "O", "B-x", "a b")]


def test_colours_stand_around_the_spans():
    rows = [["row", "text", "label", "start", "end"], [0, "Ada", "person", 5, 8], [0, "now", "time", 9, 12]]
    assert answers.in_colour(["call Ada now", "no"], rows) == [
        "call \033[32mAda\033[0m[person] \033[31mnow\033[0m[time]",
        "no",
    ]
    assert answers.in_colour(["a b"], [["row", "token", "tag"], [0, "a", "X"], [0, "b", "Y"]]) == ["a/X b/Y "]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere.conll",), "nowhere.conll"),
        (("small.conll",), "must have at least 10 sentences. Received: 1."),
        (("--column", "ner"), "are for a file. Received: no FILE"),
        (("home", "--test", 1), "--test must be a share between 0 and 1. Received: --test 1.0"),
        (("copies.conll",), "12 sentences, each of them twice or more. Add others."),
        (("home", "--intents", "small.conll"), "one for each sentence of home, and goes without --test-file"),
    ],
)
def test_bad_input_is_told_before_tensorflow(rnn_tf, folder, arguments, message):
    (folder.parent / "small.conll").write_text("call VERB\n", "utf-8")
    (folder.parent / "copies.conll").write_text("call VERB\n\n" * 12, "utf-8")
    code, _, errors = rnn_tf("train", "tags", *arguments)
    assert code != 0
    assert message in errors


def test_a_test_file_and_intents_beside_a_file(rnn_tf, folder):
    (folder / "other").mkdir()
    for name, line in (
        ("seq.in", "call Ada Smith now 0\nwake me at noon"),
        ("seq.out", "O B-person I-person O O\nO O O B-time"),
    ):
        (folder / "other" / name).write_text(line + "\n", "utf-8")
    (folder / "other" / "label").write_text("call\nalarm\n", "utf-8")
    code, printed, errors = rnn_tf("train", "tags", "home", "--test-file", "home/other", *QUICK, "--epochs", 1)
    assert (code, errors) == (0, "")
    assert "108 train, 12 stop the training, 2 test" in printed
    rows = zip((folder / "seq.in").read_text().splitlines(), (folder / "seq.out").read_text().splitlines(), strict=True)
    pairs = [zip(tokens.split(), tags.split(), strict=True) for tokens, tags in rows]
    text = "\n\n".join("\n".join(f"{token} {tag}" for token, tag in one) for one in pairs)
    (folder / "plain.conll").write_text(text + "\n", "utf-8")
    code, printed, errors = rnn_tf(
        "train", "tags", "home/plain.conll", "--intents", "home/label", *QUICK, "--epochs", 1
    )
    assert (code, errors) == (0, "")
    assert "intent accuracy" in printed

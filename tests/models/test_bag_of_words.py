import keras
import numpy as np
import pytest

from rnn_tf import TextClassifier, Trainer
from rnn_tf.models import bag_of_words

TEXTS, LABELS = ["good food", "bad food", "很 好", "不 好"] * 8, ["+", "-", "+", "-"] * 8


@pytest.fixture
def network():
    keras.utils.set_random_seed(0)
    return TextClassifier.from_texts(TEXTS, LABELS, units=2)


def test_it_is_a_softmax_of_which_tokens_occur(network):
    model = bag_of_words(network)
    kernel, bias = model.get_weights()
    assert kernel.shape == (1 + len(network.vocabulary), 2)  # the unknown token, and those known
    row = {token: kernel[i] for i, token in enumerate(["?", *network.vocabulary])}
    scores = np.exp([row["food"] + row["good"] + bias, row["?"] + row["好"] + bias])
    answers = model.predict(network.vectorize(["good food", "好 soup soup"]), verbose=0)
    np.testing.assert_allclose(answers, scores / scores.sum(axis=1, keepdims=True), rtol=1e-5)


def test_order_counts_and_padding_change_nothing(network):
    model = bag_of_words(network)
    alike = network.vectorize(["bad food", "food bad", "food food bad bad food", "bad food and more of it"])[:3]
    answers = model.predict(alike, verbose=0)
    np.testing.assert_allclose(answers[1:], answers[[0, 0]], rtol=1e-6)
    np.testing.assert_allclose(model.predict(alike[:1, :2], verbose=0), answers[:1], rtol=1e-6)


def test_it_learns_what_words_tell_and_no_more(network):
    model = bag_of_words(network)
    Trainer(model).fit(network.dataset(TEXTS, LABELS), epochs=200, verbose=0)
    answers = model.predict(network.vectorize(["good food", "bad food", "很好", "不好", "food not good"]), verbose=0)
    assert [network.classes[i] for i in answers.argmax(axis=1)] == ["+", "-", "+", "-", "+"]

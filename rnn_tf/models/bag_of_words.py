"""What the words of a text say without their order."""

import keras

from rnn_tf.fields.tokenization import PADDING
from rnn_tf.models.text_classifier import TextClassifier


def bag_of_words(classifier: TextClassifier) -> keras.Model:
    """A logistic regression on the tokens in a text: a baseline for a network that reads them in order.

        b_i = 1 if token i of the vocabulary occurs in the text, else 0
        p   = softmax(W b + c)

    It takes what `classifier.dataset` and `classifier.vectorize` give; padding changes nothing. It is compiled with
    Adam and the cross-entropy, and not trained yet.

    Args:
        classifier: The network. Its vocabulary and classes are those of the regression, too.

    Returns:
        A `keras.Model`, from token ids `[batch, tokens]` to class probabilities `[batch, classes]`.

    Example:
    >>> from rnn_tf import TextClassifier, Trainer
    >>> from rnn_tf.models import bag_of_words
    >>> texts, labels = ["good food", "bad food", "很好", "不好"] * 8, ["+", "-", "+", "-"] * 8
    >>> network = TextClassifier.from_texts(texts, labels, units=8)
    >>> regression = bag_of_words(network)
    >>> history = Trainer(regression).fit(network.dataset(texts, labels), epochs=2, verbose=0)
    >>> regression.predict(network.vectorize(["food good", "好"]), verbose=0).shape
    (2, 2)
    """
    ids = keras.Input([None], dtype="int64", name="ids")
    occurs = keras.layers.CategoryEncoding(len(classifier.vocabulary) + 2, output_mode="multi_hot")(ids)
    probabilities = keras.layers.Dense(len(classifier.classes), activation="softmax")(occurs[:, PADDING + 1 :])
    model = keras.Model(ids, probabilities, name="bag_of_words")
    model.compile(keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model

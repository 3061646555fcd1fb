"""Models: subclassed keras.Model, from data in its own units to an answer in its own units."""

import rnn_tf._environment
from rnn_tf.models.bag_of_words import bag_of_words
from rnn_tf.models.language_model import LanguageModel
from rnn_tf.models.sequence_classifier import SequenceClassifier
from rnn_tf.models.sequence_regressor import SequenceRegressor
from rnn_tf.models.text_classifier import TextClassifier
from rnn_tf.models.text_tagger import TextTagger

__all__ = ["LanguageModel", "SequenceClassifier", "SequenceRegressor", "TextClassifier", "TextTagger", "bag_of_words"]


def __dir__() -> list[str]:
    return __all__

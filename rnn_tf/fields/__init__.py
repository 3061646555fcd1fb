"""Fields: what people have, as what a network takes; what a network answers, as what people read."""

import rnn_tf._environment
from rnn_tf.fields.labels import Labels
from rnn_tf.fields.numbers import Numbers
from rnn_tf.fields.running_text import NextTokens, RunningText
from rnn_tf.fields.tokens import Tokens
from rnn_tf.fields.values import Values

__all__ = ["Labels", "NextTokens", "Numbers", "RunningText", "Tokens", "Values"]


def __dir__() -> list[str]:
    return __all__

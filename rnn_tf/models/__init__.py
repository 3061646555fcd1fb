"""Models: subclassed keras.Model, from data in its own units to an answer in its own units."""

import rnn_tf._environment
from rnn_tf.models.sequence_regressor import SequenceRegressor

__all__ = ["SequenceRegressor"]

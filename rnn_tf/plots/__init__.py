"""Pictures, each a matplotlib `Figure`: `figure.savefig("name.png")`, or look at it in a notebook."""

from rnn_tf.plots.series import attractor, cost, forecast, learning_curve
from rnn_tf.plots.states import hidden_states
from rnn_tf.plots.style import HIDDEN, INPUT, OUTPUT, TRUTH
from rnn_tf.plots.texts import confusion_matrix, reading

__all__ = [
    "HIDDEN",
    "INPUT",
    "OUTPUT",
    "TRUTH",
    "attractor",
    "confusion_matrix",
    "cost",
    "forecast",
    "hidden_states",
    "learning_curve",
    "reading",
]

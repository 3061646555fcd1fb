"""Pictures, each a matplotlib `Figure`: `figure.savefig("name.png")`, or look at it in a notebook."""

from rnn_tf.plots.curves import attractor, cost, forecast, hidden_states, learning_curve
from rnn_tf.plots.spans import tagged
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
    "tagged",
]


def __dir__() -> list[str]:
    return __all__

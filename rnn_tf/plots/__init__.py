"""Pictures, each a matplotlib `Figure`: `figure.savefig("name.png")`, or look at it in a notebook."""

from rnn_tf.plots.diagrams import unrolled
from rnn_tf.plots.series import (
    agreement,
    attractor,
    cost,
    ensemble,
    errors_by_step,
    forecast,
    learning_curve,
    learning_curves,
    parts,
)
from rnn_tf.plots.serving import stream, takeover
from rnn_tf.plots.states import eigenvalues, gradient_norms, hidden_states
from rnn_tf.plots.style import HIDDEN, INPUT, OUTPUT, TRUTH
from rnn_tf.plots.texts import confusion_matrix, reading

__all__ = [
    "HIDDEN",
    "INPUT",
    "OUTPUT",
    "TRUTH",
    "agreement",
    "attractor",
    "confusion_matrix",
    "cost",
    "eigenvalues",
    "ensemble",
    "errors_by_step",
    "forecast",
    "gradient_norms",
    "hidden_states",
    "learning_curve",
    "learning_curves",
    "parts",
    "reading",
    "stream",
    "takeover",
    "unrolled",
]


def __dir__() -> list[str]:
    return __all__

"""Pictures that only these notebooks draw; those of the package are in `rnn_tf.plots`."""

from pictures.diagrams import unrolled
from pictures.forecasts import ensemble, errors_by_step, parts
from pictures.serving import stream, takeover
from pictures.training import agreement, eigenvalues, gradient_norms, learning_curves

__all__ = [
    "agreement",
    "eigenvalues",
    "ensemble",
    "errors_by_step",
    "gradient_norms",
    "learning_curves",
    "parts",
    "stream",
    "takeover",
    "unrolled",
]

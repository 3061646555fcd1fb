"""Whether a network beats something simple, said plainly."""

import numpy as np

from rnn_tf.evaluation import paired_difference


def forecast_verdict(errors: dict[str, float]) -> str:
    """Says plainly whether the network, the first of `errors`, beats the baselines, the others."""
    (_, network), *baselines = errors.items()
    better = [name for name, error in baselines if error <= network]
    if not better:
        return "The network beats every baseline."
    return (
        f"The network does NOT beat {len(better)} of {len(baselines)} baselines: {'; '.join(better)}. "
        "Use that, or try other --window, --units, --cell or --features."
    )


def class_verdict(correct: np.ndarray, simple: np.ndarray, name: str, more: str) -> str:
    """Says plainly whether the network beats a simple classifier; booleans `[rows]`, whether each was right.

    Args:
        correct: Those of the network.
        simple: Those of the simple classifier.
        name: What that is.
        more: What to give more of.
    """
    difference = paired_difference(correct, simple)
    first = f"{name}: {simple.mean():.3f}."
    if difference.low > 0:
        return f"{first}\nThe network is better by {difference}."
    if difference.high < 0:
        return f"{first}\nThe network is WORSE: the difference is {difference}. Use the other, or give more {more}."
    return f"{first}\nThe network is NOT clearly better: the difference is {difference}."

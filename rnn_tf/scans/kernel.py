"""What a cell brings for its scan: the projection of its inputs, its recurrence, its weights, its output."""

from collections.abc import Callable
from typing import Any, NamedTuple

from rnn_tf.scans.projection import Projection
from rnn_tf.scans.recurrence import Recurrence


class Kernel(NamedTuple):
    """A cell's step as projection, recurrence and output, with the tensors of its weights.

    A cell has a kernel if its class has a method `make_kernel` that returns one; a derived class, which may change the
    step, must have its own.

    recurrence: The recurrence itself.
    projection: That of the inputs.
    weights: Those of the recurrence.
    read_out: What makes the output of the hidden state, of one step or of all; None where they are the same.

    Example:
    >>> from rnn_tf import ElmanCell
    >>> cell = ElmanCell(4)
    >>> cell.build((None, 3))
    >>> kernel = cell.make_kernel()
    >>> type(kernel.recurrence).__name__, tuple(kernel.projection.kernel.shape), kernel.read_out
    ('Elman', (3, 4), None)
    """

    recurrence: Recurrence
    projection: Projection
    weights: list[Any]
    read_out: Callable[[Any], Any] | None = None

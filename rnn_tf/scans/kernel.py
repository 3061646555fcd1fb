"""What a cell brings for its scan: the projection of its inputs, its recurrence, its weights, its output."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from rnn_tf.scans.linear_recurrence import Linear
from rnn_tf.scans.lookup import Lookup
from rnn_tf.scans.projection import Projection
from rnn_tf.scans.recurrence import Recurrence


class Kernel(NamedTuple):
    """A cell's step as projection, recurrence and output, with the tensors of its weights.

    A cell has a kernel if its class has a method `make_kernel` that returns one; a derived class, which may change the
    step, must have its own. Where the recurrence is a `Linear`, the class says `parallel = True`.

    recurrence: The recurrence itself, which knows how it runs over a sequence.
    projection: That of the inputs.
    weights: Those of the recurrence.
    read_out: What makes the output of the hidden state, of one step or of all; None where they are the same.
    reads_inputs: Whether `read_out` takes the inputs of the same steps, too, as its second argument.

    Example:
    >>> from rnn_tf import ElmanCell
    >>> cell = ElmanCell(4)
    >>> cell.build((None, 3))
    >>> kernel = cell.make_kernel()
    >>> type(kernel.recurrence).__name__, tuple(kernel.projection.kernel.shape), kernel.read_out
    ('Elman', (3, 4), None)
    """

    recurrence: Recurrence | Linear
    projection: Projection | Lookup
    weights: list[Any]
    read_out: Callable[..., Any] | None = None
    reads_inputs: bool = False

    def over(
        self, sequence: Any, states: Sequence[Any], dropout: Sequence[Any] = (None, None), **how: Any
    ) -> tuple[Any, list[Any]]:
        """All steps of `[batch, time, features]`: the hidden states, `[batch, time, ...]`, and the last states.

        `dropout` holds the masks on the inputs and on the hidden state; what else there is goes to `scan`.
        """
        masks, hidden_masks = dropout
        projection: Any = self.projection._replace(dropout=masks)
        return self.recurrence.over(sequence, states, self.weights, projection=projection, dropout=hidden_masks, **how)

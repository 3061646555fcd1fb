"""A sequence as its steps, and the loop over them that every scan of this package runs through.

A `tf.while_loop` takes a chunk of several steps in each turn, because a turn costs as much as several small steps; and
what can be computed for all steps of a chunk at once is. What a loop puts out for another loop over the same turns
stays in chunks, as it was written. Where one turn takes all steps, there is no loop.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from rnn_tf._exporting import traced_for_export

PARALLEL = 1  # turns at once: what waits for the state would be read and projected too soon, and fill the memory


class Steps:
    """Steps of a sequence, as one tensor `[time, batch, ...]` and as a list: one is made of the other when asked for.

    Example:
    >>> import tensorflow as tf
    >>> from rnn_tf.scans.steps import Steps
    >>> Steps(rows=[tf.zeros([2, 3]), tf.ones([2, 3])]).whole.shape
    TensorShape([2, 2, 3])
    """

    def __init__(self, whole: Any = None, rows: Sequence[Any] | None = None) -> None:
        self._whole = whole
        self._rows = rows

    @property
    def whole(self) -> Any:
        if self._whole is None:
            self._whole = tf.stack(self._rows)
        return self._whole

    @property
    def rows(self) -> Sequence[Any]:
        if self._rows is None:
            self._rows = tf.unstack(self._whole)
        return self._rows

    def again(self) -> "Steps":
        """The same, without what was made of it: a gradient may be asked for in another graph."""
        return Steps(None if self._rows else self._whole, self._rows)

    def delayed(self, first: Any) -> "Steps":
        """What came before each step: `first`, and all steps but the last."""
        return Steps(rows=[first, *self.rows[:-1]])

    def batch_major(self) -> Any:
        """`[batch, time, ...]`."""
        return swap(self._whole) if self._rows is None else tf.stack(self._rows, axis=1)


class Chunks(NamedTuple):
    """Steps as the turns of a loop take them and write them, `[size, batch, ...]` an element: see `_parts`."""

    array: tf.TensorArray
    length: Any  # steps in all, a tensor where it is not known

    @property
    def whole(self) -> Any:
        sequence = self.array.concat()
        known = self.length if isinstance(self.length, int) else None
        sequence.set_shape([known, *sequence.shape[1:]])
        return sequence

    def batch_major(self) -> Any:
        return swap(self.whole)


class Output(NamedTuple):
    """What a turn puts out, for all its steps or once."""

    shape: Any  # [batch, ...]
    dtype: Any
    once: bool = False


class _Part(NamedTuple):
    """Turns of a loop that all take `size` steps; each is one element of an array."""

    slot: Any  # of the first turn
    start: Any  # the first step
    turns: Any
    size: int


def _parts(length: Any, chunk: int) -> list[_Part]:
    """Whole chunks first, then what is left: in one turn if the length is known, else step by step."""
    if isinstance(length, int):
        whole, rest_size = divmod(length, chunk)
        rest = min(rest_size, 1)
    else:
        whole, rest, rest_size = length // chunk, length % chunk, 1
    return [_Part(0, 0, whole, chunk), _Part(whole, whole * chunk, rest, rest_size)]


def in_chunks(sequence: Any, chunk: int) -> Any:
    """`[time, batch, ...]` for a loop that TensorFlow differentiates.

    The gradient of a slice is as large as the whole: taken in every turn, it would make the cost quadratic in time.
    """
    if traced_for_export():  # which nobody differentiates
        return sequence
    length = _length(sequence)
    whole, rest = _parts(length, chunk)
    sizes = tf.concat([tf.fill([part.turns], part.size) for part in (whole, rest)], 0)
    shape = [None, *sequence.shape[1:]]
    array = tf.TensorArray(sequence.dtype, whole.turns + rest.turns, element_shape=shape, infer_shape=False)
    return Chunks(array.split(sequence, sizes), length)


def swap(sequence: Any) -> Any:
    """Time-major of batch-major, and the other way round."""
    return tf.transpose(sequence, [1, 0, *range(2, len(sequence.shape))])


def run(
    turn: Callable[[list[Steps], list[Any]], tuple[Sequence[Steps], Sequence[Any]]],
    sequences: Sequence[Any],
    carried: Sequence[Any],
    outputs: Sequence[Output],
    chunk: int | None,
    reverse: bool = False,
) -> tuple[list[Any], list[Any]]:
    """Carry tensors through time, a chunk of steps in each turn: `outputs, carried = turn(inputs, carried)`.

    Args:
        turn: Takes the steps of its chunk, of every sequence, and what the turn before left; gives its outputs as
            `Steps`, all of the chunk or one, and what it leaves. Forwards, the first outputs are what is carried,
            after every step.
        sequences: Tensors `[time, batch, ...]`, or outputs of another run, at least one step.
        carried: Tensors, for the first turn.
        outputs: Which of the first outputs of a turn are kept.
        chunk: Steps in one turn of the loop. None takes them all in one turn; their number must be known then.
        reverse: Whether to run from the last chunk to the first. A turn gets its steps in their order in either case.

    Returns:
        The outputs, `Steps` or `Chunks`, for another run with the same chunk; and what the last turn left.
    """
    if chunk is None:
        whole = [one.again() if isinstance(one, Steps) else Steps(one) for one in sequences]
        new, left = turn(whole, list(carried))
        return list(new)[: len(outputs)], list(left)
    if traced_for_export() and not reverse:  # backwards runs gradients alone
        return _run_for_export(turn, sequences, carried, outputs, chunk)
    length = _length(sequences[0])
    parts = _parts(length, chunk)

    def write(part: _Part, i: Any, carried: Any, arrays: Any) -> Any:
        i = part.turns - 1 - i if reverse else i
        slot, start = part.slot + i, part.start + i * part.size
        new, left = turn([_read(one, slot, start, part.size) for one in sequences], carried)
        arrays = [array.write(slot, one.whole) for array, one in zip(arrays, new, strict=False)]
        for now, before in zip(left, carried, strict=True):
            now.set_shape(before.shape)
        return list(left), arrays

    state: list[Any] = list(carried)
    arrays = [
        tf.TensorArray(
            output.dtype,
            size=parts[0].turns + parts[1].turns,
            element_shape=[1 if output.once else None, *output.shape],
            infer_shape=False,
        )
        for output in outputs
    ]
    for part in reversed(parts) if reverse else parts:
        if isinstance(part.turns, int) and part.turns <= 1:
            for i in range(part.turns):
                state, arrays = write(part, i, state, arrays)
        else:
            _, state, arrays = tf.while_loop(
                lambda i, *_, part=part: i < part.turns,
                lambda i, *loop, part=part: (i + 1, *write(part, i, *loop)),
                (0, state, arrays),
                maximum_iterations=part.turns,
                parallel_iterations=PARALLEL,
            )
    return [Chunks(array, length) for array in arrays], state


def _run_for_export(
    turn: Any, sequences: Sequence[Any], carried: Sequence[Any], outputs: Sequence[Output], chunk: int
) -> tuple[list[Steps], list[Any]]:
    """As `run`, forward and without a gradient, in one loop of like turns: the form that every converter knows.

    The turns end at the last step. Of the first turn, which starts at the first step, only as many steps count as
    are then left over: it leaves the states after them, and the second turn takes the others again.
    """
    length = _length(sequences[0])
    turns = (length + chunk - 1) // chunk
    counting = length - (turns - 1) * chunk  # in the first turn
    missing = tf.maximum(chunk - length, 0)
    padded = [tf.pad(one, [[0, missing]] + [[0, 0]] * (len(one.shape) - 1)) for one in sequences]
    for one, sequence in zip(padded, sequences, strict=True):
        one.set_shape([None, *sequence.shape[1:]])

    def body(i: Any, states: Any, arrays: Any) -> Any:
        start = counting + (i - 1) * chunk  # negative in the first turn
        skipped = tf.maximum(-start, 0)
        new, _ = turn([_read(one, i, start + skipped, chunk) for one in padded], states)
        arrays = [
            tf.raw_ops.TensorListSetItem(input_handle=array, index=i, item=one.whole)
            for array, one in zip(arrays, new, strict=False)
        ]
        left = [tf.gather(one.whole, chunk - 1 - skipped) for one in new[: len(states)]]
        for now, before in zip(left, states, strict=True):
            now.set_shape(before.shape)
        return i + 1, left, arrays

    # Not a tf.TensorArray, for which a batch of any size is -1: LiteRT cannot make one of that shape.
    batch = tf.shape(carried[0])[0]
    sizes = [[chunk, *(batch if size is None else size for size in output.shape)] for output in outputs]
    arrays = [
        tf.raw_ops.TensorListReserve(element_shape=size, num_elements=turns, element_dtype=output.dtype)
        for output, size in zip(outputs, sizes, strict=True)
    ]
    _, left, arrays = tf.while_loop(lambda i, *_: i < turns, body, (0, list(carried), arrays))
    known = turns if isinstance(turns, int) else -1  # LiteRT must be told
    results = []
    for array, output, size in zip(arrays, outputs, sizes, strict=True):
        stacked = tf.raw_ops.TensorListStack(
            input_handle=array, element_shape=size, element_dtype=output.dtype, num_elements=known
        )
        whole = tf.reshape(stacked, [turns * chunk, *size[1:]])
        results.append(Steps(tf.concat([whole[:counting], whole[chunk:]], 0)))
    return results, left


def _length(sequence: Any) -> Any:
    if isinstance(sequence, Chunks):
        return sequence.length
    return tf.shape(sequence)[0] if sequence.shape[0] is None else sequence.shape[0]


def _read(sequence: Any, slot: Any, start: Any, size: int) -> Steps:
    """The steps from `start`, which are element `slot` of chunks. Nothing is copied."""
    if isinstance(sequence, Chunks):
        chunk = sequence.array.read(slot)
        if chunk.shape[0] is None:
            chunk.set_shape([size, *chunk.shape[1:]])
        return Steps(chunk)
    rest = len(sequence.shape) - 1
    chunk = tf.slice(sequence, [start] + [0] * rest, [size] + [-1] * rest)
    chunk.set_shape([size, *sequence.shape[1:]])
    return Steps(chunk)

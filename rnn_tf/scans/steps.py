"""A sequence as its steps, and the loop over them that every scan of this package runs through.

Steps take one of two forms. Unrolled, they are a Python list of `[batch, ...]` tensors, one a step: the graph
holds no loop, and nothing is copied to get at a step. Looped, they are one time-major tensor `[time, batch, ...]`:
a `tf.while_loop` takes `chunk` steps in each turn, because a turn costs as much as several small steps. What a loop
puts out for another loop over the same steps stays in chunks, as it was written.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from rnn_tf._exporting import traced_for_export

Steps = Any  # list[tf.Tensor], tf.Tensor or Chunks
Step = Callable[..., tuple[Sequence[Any], Sequence[Any]]]


class Chunks(NamedTuple):
    """Looped steps as a loop takes them and writes them, `[size, batch, ...]` an element: see `_parts`."""

    array: tf.TensorArray
    length: Any  # steps in all, a tensor where it is not known


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


def split(sequence: Any, unrolled: bool) -> Steps:
    """The steps of a batch-major sequence `[batch, time, ...]`."""
    if unrolled:
        return tf.unstack(sequence, axis=1)
    return _swap(sequence)


def join(steps: Steps) -> Any:
    """The batch-major sequence `[batch, time, ...]` of its steps."""
    return tf.stack(steps, axis=1) if isinstance(steps, list) else _swap(time_major(steps))


def time_major(steps: Steps) -> Any:
    """The time-major sequence `[time, batch, ...]` of its steps."""
    if isinstance(steps, Chunks):
        sequence = steps.array.concat()
        known = steps.length if isinstance(steps.length, int) else None
        sequence.set_shape([known, *sequence.shape[1:]])
        return sequence
    return tf.stack(steps) if isinstance(steps, list) else steps


def in_chunks(sequence: Any, chunk: int) -> Steps:
    """A batch-major sequence for a loop that TensorFlow differentiates.

    The gradient of a slice is as large as the whole: taken in every turn, it would make the cost quadratic in time.
    """
    sequence = _swap(sequence)
    if traced_for_export():  # which nobody differentiates
        return sequence
    length = _length(sequence)
    whole, rest = _parts(length, chunk)
    sizes = tf.concat([tf.fill([part.turns], part.size) for part in (whole, rest)], 0)
    shape = [None, *sequence.shape[1:]]
    array = tf.TensorArray(sequence.dtype, whole.turns + rest.turns, element_shape=shape, infer_shape=False)
    return Chunks(array.split(sequence, sizes), length)


def _length(steps: Any) -> Any:
    """The state of looped steps."""
    if isinstance(steps, Chunks):
        return steps.length
    return tf.shape(steps)[0] if steps.shape[0] is None else steps.shape[0]


def _swap(sequence: Any) -> Any:
    return tf.transpose(sequence, [1, 0, *range(2, len(sequence.shape))])


def run(
    step: Step,
    sequences: Sequence[Steps],
    states: Sequence[Any],
    outputs: Sequence[tf.TensorSpec],
    chunk: int,
    reverse: bool = False,
) -> tuple[list[Steps], list[Any]]:
    """Carry `states` through time: `outputs_t, states_t = step(inputs_t, states_{t-1})`.

    Args:
        step: Takes the list of one step of every sequence and the list of states, gives the lists of outputs and
            of new states.
        sequences: Steps, all unrolled or all looped, at least one step.
        states: Tensors.
        outputs: What one step puts out, a spec for each. Only a loop needs it.
        chunk: Steps in one turn of the loop. Only a loop needs it.
        reverse: Whether to run from the last step to the first. Output t is that of step t in either case.

    Returns:
        The outputs as steps, in the form of `sequences`; and the states after the last step that was run.
    """
    if isinstance(sequences[0], list):
        return _unrolled(step, sequences, states, reverse)
    if traced_for_export() and not reverse:  # backwards runs gradients alone
        return _run_for_export(step, sequences, states, outputs, chunk)

    length = _length(sequences[0])
    parts = _parts(length, chunk)

    def turn(part: _Part, i: Any, states: Any, arrays: Any) -> Any:
        i = part.turns - 1 - i if reverse else i
        slot, start = part.slot + i, part.start + i * part.size
        pieces = [tf.unstack(_chunk(steps, slot, start, part.size)) for steps in sequences]
        results, new_states = _unrolled(step, pieces, states, reverse)
        arrays = [array.write(slot, tf.stack(result)) for array, result in zip(arrays, results, strict=True)]
        for new, old in zip(new_states, states, strict=True):
            new.set_shape(old.shape)
        return new_states, arrays

    carried: list[Any] = list(states)
    arrays = [
        tf.TensorArray(
            spec.dtype, size=parts[0].turns + parts[1].turns, element_shape=[None, *spec.shape], infer_shape=False
        )
        for spec in outputs
    ]
    for part in reversed(parts) if reverse else parts:
        if isinstance(part.turns, int) and part.turns <= 1:
            for i in range(part.turns):
                carried, arrays = turn(part, i, carried, arrays)
        else:
            _, carried, arrays = tf.while_loop(
                lambda i, *_, part=part: i < part.turns,
                lambda i, *loop, part=part: (i + 1, *turn(part, i, *loop)),
                (0, carried, arrays),
                maximum_iterations=part.turns,
            )
    return [Chunks(array, length) for array in arrays], carried


def _run_for_export(
    step: Step, sequences: Sequence[Any], states: Sequence[Any], outputs: Sequence[tf.TensorSpec], chunk: int
) -> tuple[list[Steps], list[Any]]:
    """As `run`, forward and without a gradient, in one loop of like turns: the form that every converter knows.

    The turns end at the last step. Of the first turn, which starts at the first step, only as many steps count as
    are then left over: its states are those after them, and the second turn takes the others again.
    """
    length = _length(sequences[0])
    turns = (length + chunk - 1) // chunk
    counting = length - (turns - 1) * chunk  # in the first turn
    missing = tf.maximum(chunk - length, 0)
    sequences = [tf.pad(one, [[0, missing]] + [[0, 0]] * (len(one.shape) - 1)) for one in sequences]

    def turn(i: Any, states: Any, arrays: Any) -> Any:
        start = counting + (i - 1) * chunk  # negative in the first turn
        skipped = tf.maximum(-start, 0)
        pieces = [tf.unstack(_chunk(steps, i, start + skipped, chunk)) for steps in sequences]
        rows, after, shapes = [], [], [state.shape for state in states]
        for inputs in zip(*pieces, strict=True):
            row, states = step(list(inputs), states)
            rows.append(row)
            after.append(states)
        columns = [list(zip(*over_time, strict=True)) for over_time in (rows, after)]
        # An output that is a state is stacked once.
        stacked = {tuple(map(id, one)): tf.stack(one) for one in (*columns[0], *columns[1])}  # [chunk, batch, ...]
        results, states = ([stacked[tuple(map(id, one))] for one in column] for column in columns)
        arrays = [
            tf.raw_ops.TensorListSetItem(input_handle=array, index=i, item=result)
            for array, result in zip(arrays, results, strict=True)
        ]
        states = [tf.gather(state, chunk - 1 - skipped) for state in states]
        for state, shape in zip(states, shapes, strict=True):
            state.set_shape(shape)
        return i + 1, states, arrays

    # Not a tf.TensorArray, for which a batch of any size is -1: LiteRT cannot make one of that shape.
    batch = tf.shape(states[0])[0]
    sizes = [[chunk, *(batch if size is None else size for size in spec.shape)] for spec in outputs]
    arrays = [
        tf.raw_ops.TensorListReserve(element_shape=size, num_elements=turns, element_dtype=spec.dtype)
        for spec, size in zip(outputs, sizes, strict=True)
    ]
    _, last, arrays = tf.while_loop(lambda i, *_: i < turns, turn, (0, list(states), arrays))
    known = turns if isinstance(turns, int) else -1  # LiteRT must be told
    results = []
    for array, spec, size in zip(arrays, outputs, sizes, strict=True):
        stacked = tf.raw_ops.TensorListStack(
            input_handle=array, element_shape=size, element_dtype=spec.dtype, num_elements=known
        )
        steps = tf.reshape(stacked, [turns * chunk, *size[1:]])
        results.append(tf.concat([steps[:counting], steps[chunk:]], 0))
    return results, last


def _unrolled(
    step: Step, sequences: Sequence[list[Any]], states: Sequence[Any], reverse: bool
) -> tuple[list[Any], list[Any]]:
    rows = []
    order = range(len(sequences[0]))
    for t in reversed(order) if reverse else order:
        row, states = step([steps[t] for steps in sequences], states)
        rows.append(row)
    if reverse:
        rows.reverse()
    return [list(steps) for steps in zip(*rows, strict=True)], list(states)


def _chunk(steps: Any, slot: Any, start: Any, size: int) -> Any:
    """`[size, batch, ...]`, the steps from `start`, which are element `slot` of chunks. Nothing is copied."""
    if isinstance(steps, Chunks):
        chunk = steps.array.read(slot)
        chunk.set_shape([size, *chunk.shape[1:]])
        return chunk
    rest = len(steps.shape) - 1
    chunk = tf.slice(steps, [start] + [0] * rest, [size] + [-1] * rest)
    chunk.set_shape([size, *steps.shape[1:]])
    return chunk

"""The linear recurrence, elementwise: all steps in parallel, by a blocked scan with a hand-written gradient."""

import math
from collections.abc import Callable, Sequence
from functools import partial, reduce
from typing import Any

import tensorflow as tf

from rnn_tf.scans import steps, sums
from rnn_tf.scans.gradients import with_gradient
from rnn_tf.scans.parts import Parts, are_constant, conjugate, plus, power, times, times_conjugate
from rnn_tf.scans.recurrence import first_order
from rnn_tf.scans.steps import Output, Steps

Solution = tuple[list[Any], list[Any]]  # the parts of all h_t, and those of the last

BLOCK = 32  # the most steps of a block: up to 64 it makes little difference, and each is traced
SHORT = 8  # up to here one block
OPEN_BLOCK = 16  # where the length is not known, short sequences are filled up to it


def linear_scan(
    factors: Parts,
    inputs: Parts,
    states: Parts,
    *,
    mask: Any = None,
    sequences: bool = True,
    looped: bool = False,
) -> tuple[list[Any] | None, list[Any]]:
    """All steps of a linear recurrence at once.

        h_t = a_t ∘ h_{t-1} + b_t

    and backwards, δx short for ∂L/∂x and ā for the conjugate of a:

        δh_{t-1} += ā_t ∘ δh_t        δa_t = δh_t ∘ h̄_{t-1}        δb_t = δh_t

    which is the same recurrence, from the last step to the first.

    Time is cut into blocks of about √T steps, at most 32. The first pass takes the steps of a block in turn, those of
    all blocks at once, and finds what each block makes of a state: P s + q, with the product P of its factors. These
    are the steps of a shorter recurrence, which gives the state that enters each block. The second pass goes through
    the blocks again, from there. Nothing is divided by and no logarithm is taken, so that factors may be zero; the
    products of factors must be finite, as they are where |a_t| ≤ 1. Half precision is computed in float32.

    Args:
        factors: a_t, `[batch, time, units]`; or `[units]`, the same at all steps. A list of one real tensor, or of the
            real and the imaginary part.
        inputs: b_t, `[batch, time, units]`, in as many parts.
        states: h_0, `[batch, units]`, likewise.
        mask: Boolean, `[batch, time]`, or None. A step that it leaves out keeps the state.
        sequences: Whether all h_t are asked for, or the last alone.
        looped: Whether to take one step after the other in a loop, which is what XLA compiles best.

    Returns:
        The parts of h_1, ..., h_T, `[batch, time, units]`, or None without `sequences`; and those of h_T,
        `[batch, units]`.

    Sources: G. E. Blelloch (1990), "Prefix sums and their applications", CMU-CS-90-190, for the scan; E. Martin and
    C. Cundy (2018), "Parallelizing linear recurrent neural nets over sequence length", ICLR, for its gradient.

    Example: h_t = h_{t-1} / 2 + 1.
    >>> import tensorflow as tf
    >>> from rnn_tf.scans import linear_scan
    >>> (hidden,), (last,) = linear_scan([tf.constant([0.5])], [tf.ones([1, 3, 1])], [tf.zeros([1, 1])])
    >>> hidden[0, :, 0].numpy().tolist(), last.numpy().tolist()
    ([1.0, 1.5, 1.75], [[1.75]])
    """
    dtype = inputs[0].dtype
    a, b, first = ([tf.cast(part, sums.widest(dtype)) for part in parts] for parts in (factors, inputs, states))
    if mask is not None:
        kept = tf.expand_dims(mask, 2)  # LiteRT slices no Booleans
        a = [tf.where(kept, part, 1.0 - i) for i, part in enumerate(a)]  # 1, and 0 for an imaginary part
        b = [tf.where(kept, part, 0.0) for part in b]
    if looped:
        hidden, last = _differentiable(a, b, first, None, sequences)
    else:
        hidden, last = _filled_up(partial(_differentiable, sequences=sequences), a, b, first)
    hidden, last = ([tf.cast(part, dtype) for part in parts] for parts in (hidden, last))
    return hidden or None, last


def _filled_up(solve: Callable[..., Solution], a: Parts, b: Parts, first: Parts) -> Solution:
    """`solve` for a number of steps that blocks divide, of which the first are those that were asked for."""
    length = b[0].shape[1]
    size = OPEN_BLOCK if length is None else block_size(length)
    missing = (size - (tf.shape(b[0])[1] if length is None else length) % size) % size  # ONNX has another -1 % 2
    if isinstance(missing, int) and missing == 0:
        return solve(a, b, first, size)
    length = tf.shape(b[0])[1] if length is None else length
    ends = [[0, 0], [0, missing], [0, 0]]
    a = a if are_constant(a) else [tf.pad(part, ends) for part in a]
    hidden, _ = solve(a, [tf.pad(part, ends) for part in b], first, size, sequences=True)
    hidden = [tf.slice(part, [0, 0, 0], [-1, length, -1]) for part in hidden]
    return hidden, [tf.slice(part, [0, length - 1, 0], [-1, 1, -1])[:, 0] for part in hidden]


def block_size(length: int) -> int:
    """Steps of a block: a divisor of the length near its root, if there is one."""
    if length <= SHORT:
        return length
    size = min(math.isqrt(length - 1) + 1, BLOCK)
    divisors = [one for one in range(max(-(-size // 2), 2), 2 * size + 1) if length % one == 0]
    return min(divisors, key=lambda one: abs(one - size), default=size)


def _differentiable(a: Parts, b: Parts, first: Parts, size: int | None, sequences: bool) -> Solution:
    """The scan with its gradient, in blocks of `size` steps, or with None in a loop over all of them."""
    count = len(b)

    @with_gradient
    def run(*tensors: Any) -> Any:
        a, b, first = (tensors[i * count : (i + 1) * count] for i in range(3))
        blocks = _Blocks(a, b[0], size)
        hidden, entered, last = blocks.through(_advance, blocks.split(b), first)

        def gradient(*upstream: Any) -> Any:
            d_hidden = blocks.split(upstream[:count]) if sequences else [blocks.nothing()] * count
            d_inputs, _, d_first = blocks.through(_retreat, d_hidden, upstream[-count:], reverse=True)
            return [*blocks.factor_gradients(d_inputs, hidden, entered), *map(blocks.join, d_inputs), *d_first]

        return [*(map(blocks.join, hidden) if sequences else ()), *last], first_order(gradient)

    results = run(*a, *b, *first)
    return list(results[:-count]), list(results[-count:])


def _values(a: Parts, b: Parts, first: Parts, size: int, sequences: bool = True) -> Solution:
    """The scan within another one, which has the gradient."""
    blocks = _Blocks(a, b[0], size)
    hidden, _, last = blocks.through(_advance, blocks.split(b), first)
    return list(map(blocks.join, hidden)), list(last)


class _Blocks:
    """The steps of a sequence `[batch, time, units]`, taken in turn, those of all blocks at once.

    A step is `[batch * blocks, units]`. Without a size there is one block, and its steps are those of a loop.
    """

    def __init__(self, factors: Parts, like: Any, size: int | None) -> None:
        batch, length, units = like.shape
        self._size, self._units = size, units
        self._batch = tf.shape(like)[0] if batch is None else batch
        self._length = tf.shape(like)[1] if length is None else length
        self._count = 1 if size in (None, length) else None if length is None else length // size
        rows = self._batch if size is None else self._batch * (self._length // size)
        self._zero = tf.zeros([rows, units], like.dtype)
        self._constant = are_constant(factors)
        self._factors = list(factors) if self._constant else self.split(factors)
        if self._count != 1:
            by_step: Any = None if self._constant else zip(*self._factors, strict=True)
            self._products = power(factors, size or 1) if self._constant else reduce(times, by_step)

    def split(self, parts: Parts) -> list[Any]:
        """The steps, as a list; of a loop time-major."""
        if self._size is None:
            return [steps.swap(part) for part in parts]
        return [tf.unstack(tf.reshape(part, [-1, self._size, self._units]), axis=1) for part in parts]

    def join(self, part: Any) -> Any:
        """`[batch, time, units]` of the steps."""
        if self._size is None:
            return steps.swap(part)
        return tf.reshape(tf.stack(part, axis=1), [self._batch, self._length, self._units])

    def nothing(self) -> Any:
        """Zeros at all steps."""
        if self._size is None:
            return tf.zeros([self._length, self._batch, self._units], self._zero.dtype)
        return [self._zero] * self._size

    def through(
        self, step: Callable[..., Any], inputs: Sequence[Any], first: Parts, reverse: bool = False
    ) -> tuple[list[Any], Parts, Parts]:
        """What `step` gives at all steps; the states that enter each block; and the one that leaves the last."""
        if self._count == 1:
            outputs, last = self._run(step, inputs, first, reverse)
            return outputs, first, last
        _, sums = self._run(step, inputs, [self._zero] * len(first), reverse)
        entered, last = self._carry(sums, first, reverse)
        return self._run(step, inputs, entered, reverse)[0], entered, last

    def _run(self, step: Callable[..., Any], inputs: Any, states: Parts, reverse: bool) -> Any:
        def turn(now: list[Steps], states: Any) -> tuple[list[Steps], Any]:
            order = range(len(now[0].rows))
            outputs = []
            for t in reversed(order) if reverse else order:
                rows = [one.rows[t] for one in now]
                output, states = step(self._factors if self._constant else rows[count:], rows[:count], states)
                outputs.append(output)
            outputs = outputs[::-1] if reverse else outputs
            return [Steps(rows=column) for column in zip(*outputs, strict=True)], states

        count = len(inputs)
        sequences = [*inputs, *([] if self._constant else self._factors)]
        if self._size is not None:
            shown, last = turn([Steps(rows=one) for one in sequences], states)
            return [one.rows for one in shown], last
        outputs = [Output(state.shape, state.dtype) for state in states]
        shown, last = steps.run(turn, sequences, states, outputs, 1, reverse)
        return [one.whole for one in shown], last

    def _carry(self, sums: Parts, first: Parts, reverse: bool) -> tuple[Parts, Parts]:
        """From what each block makes of nothing, the states that enter each, and the one that leaves the last."""
        count = -1 if self._count is None else self._count

        def by_block(parts: Parts) -> list[Any]:
            parts = [tf.reshape(part, [self._batch, count, self._units]) for part in parts]
            return [tf.reverse(part, [1]) for part in parts] if reverse else parts

        products = self._products if self._constant else by_block(self._products)
        products = conjugate(products) if reverse else products
        solve = _doubling if self._count is None else partial(_filled_up, _values)
        left, last = solve(products, by_block(sums), first)
        entered = [tf.concat([one[:, None], part[:, :-1]], 1) for one, part in zip(first, left, strict=True)]
        entered = [tf.reverse(part, [1]) for part in entered] if reverse else entered
        return [tf.reshape(part, [-1, self._units]) for part in entered], last

    def factor_gradients(self, d_inputs: Any, hidden: Any, entered: Parts) -> list[Any]:
        """δa_t = δh_t ∘ h̄_{t-1}; of factors that are the same at all steps, the sum."""
        if self._size is None:
            before_all = [tf.concat([first[None], h[:-1]], 0) for first, h in zip(entered, hidden, strict=True)]
            gradients = times_conjugate(before_all, d_inputs)
            return list(map(sums.total if self._constant else self.join, gradients))
        before = zip(*([first, *h[:-1]] for first, h in zip(entered, hidden, strict=True)), strict=True)
        by_step = map(times_conjugate, before, zip(*d_inputs, strict=True))
        if self._constant:
            return [sums.total(part) for part in reduce(plus, by_step)]
        return [self.join(list(part)) for part in zip(*by_step, strict=True)]


def _doubling(a: Parts, b: Parts, first: Parts) -> Solution:
    """The scan for a number of steps that the graph does not know: each turn reaches twice as far back."""
    count = len(b)
    b = [tf.concat([one[:, None], part], 1) for one, part in zip(first, b, strict=True)]
    constant = are_constant(a)
    if not constant:  # what comes before the first state counts for nothing
        a = [tf.pad(part, [[0, 0], [1, 0], [0, 0]]) for part in a]
    length = tf.shape(b[0])[1]

    def turn(reach: Any, *parts: Any) -> Any:
        def earlier(part: Any) -> Any:
            return tf.pad(tf.slice(part, [0, 0, 0], [-1, length - reach, -1]), [[0, 0], [reach, 0], [0, 0]])

        a, b = parts[:count], parts[count:]
        b_now = plus(b, times(a, list(map(earlier, b))))
        a_now = times(a, a if constant else list(map(earlier, a)))
        for new, old in zip([*a_now, *b_now], parts, strict=True):
            new.set_shape(old.shape)
        return 2 * reach, *a_now, *b_now

    _, *parts = tf.while_loop(lambda reach, *_: reach < length, turn, (1, *a, *b))
    hidden = [part[:, 1:] for part in parts[count:]]
    return hidden, [part[:, -1] for part in hidden]


def _advance(a: Parts, b: Parts, h: Parts) -> tuple[Parts, Parts]:
    """h_t, which is what is put out, too."""
    h = plus(times(a, h), b)
    return h, h


def _retreat(a: Parts, d_hidden: Parts, d_state: Parts) -> tuple[Parts, Parts]:
    """δh_t, and what of it reaches h_{t-1}."""
    d_state = plus(d_hidden, d_state)
    return d_state, times_conjugate(a, d_state)

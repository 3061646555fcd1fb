"""The linear-chain conditional random field: how probable a path is, the marginals, and the best path."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from rnn_tf.scans.gradients import with_gradient

SHUT = -1e4  # the score of what cannot be: its probability is exactly 0


class Chain(NamedTuple):
    """The scores of a chain of tags beside those of its steps.

    pairs: `[tags, tags]`, of the row's tag before the column's.
    first: `[tags]`, of the first tag.
    last: `[tags]`, of the last tag.
    """

    pairs: Any
    first: Any
    last: Any


def chain_loss(scores: Any, tags: Any, lengths: Any, chain: Chain) -> tuple[Any, Any]:
    """-log p(y) of the paths y, `[batch]`, and the marginals p(y_t = j), `[batch, timesteps, tags]`, without gradient.

        s(y) = first[y_1] + Σ_t scores[t, y_t] + Σ_t pairs[y_{t-1}, y_t] + last[y_T]
        -log p(y) = log Σ_y' exp s(y') - s(y)

    The gradient is what is expected less what is seen:

        ∂/∂scores[t, j] = p(y_t = j) - [y_t = j]
        ∂/∂pairs[i, j]  = Σ_t p(y_{t-1} = i, y_t = j) - [y_{t-1} = i, y_t = j]

    The scan that gives the sum over all paths gives these too: there is no scan back.

    Args:
        scores: Floats `[batch, timesteps, tags]`.
        tags: y, integers `[batch, timesteps]`; after the length any tag.
        lengths: Integers `[batch]`, at least 1: how many steps each row has.
        chain: The other scores.

    Source: J. Lafferty, A. McCallum and F. Pereira (2001), "Conditional random fields: probabilistic models for
    segmenting and labeling sequence data", ICML.

    Example: without scores of pairs it is the cross-entropy of each step.
    >>> import numpy as np, tensorflow as tf
    >>> from rnn_tf.scans.crf import Chain, chain_loss
    >>> nothing = Chain(tf.zeros([2, 2]), tf.zeros([2]), tf.zeros([2]))
    >>> loss, _ = chain_loss(tf.zeros([1, 3, 2]), tf.constant([[0, 1, 0]]), tf.constant([3]), nothing)
    >>> np.allclose(loss, 3 * np.log(2))
    True
    """

    def loss(scores: Any, pairs: Any, first: Any, last: Any) -> tuple[Any, Callable[..., Any]]:
        partition, marginals, expected = _all_paths(scores, lengths, Chain(pairs, first, last))
        seen = tf.one_hot(tags, pairs.shape[0], dtype=scores.dtype)
        seen *= tf.sequence_mask(lengths, tf.shape(scores)[1], scores.dtype)[..., None]
        by_pair = tf.matmul(seen[:, :-1], pairs) * seen[:, 1:]
        path = tf.reduce_sum(seen * scores, [1, 2]) + tf.reduce_sum(by_pair, [1, 2])
        path += tf.linalg.matvec(seen[:, 0], first) + tf.linalg.matvec(_at_end(seen, lengths), last)

        def gradient(upstream: Any, _: Any) -> Any:
            steps = (marginals - seen) * upstream[:, None, None]
            pairs_seen = tf.einsum("bti,btj,b->ij", seen[:, :-1], seen[:, 1:], upstream)
            ends = tf.reduce_sum(_at_end(steps, lengths), axis=0)
            return steps, expected(upstream) - pairs_seen, tf.reduce_sum(steps[:, 0], axis=0), ends

        return (partition - path, marginals), gradient

    return with_gradient(loss)(scores, *chain)


def marginals(scores: Any, lengths: Any, chain: Chain) -> Any:
    """p(y_t = j), `[batch, timesteps, tags]`, zeros after the length; for answers, not for gradients."""
    return tf.stop_gradient(_all_paths(scores, lengths, chain)[1])


def best_path(scores: Any, lengths: Any, chain: Chain) -> Any:
    """The most probable path (Viterbi), int32 `[batch, timesteps]`; after the length it means nothing.

    best_t[j] = max_i (best_{t-1}[i] + pairs[i, j]) + scores[t, j]
    """
    steps = tf.shape(scores)[1]
    inside = tf.transpose(tf.sequence_mask(lengths, steps))[..., None]  # [time, batch, 1]
    scores = tf.transpose(scores, [1, 0, 2])
    begin = scores[0] + chain.first
    stay = tf.broadcast_to(tf.range(tf.shape(begin)[1]), tf.shape(begin))

    def forth(t: Any, best: Any, came: Any) -> Any:
        ways = best[:, :, None] + chain.pairs  # [batch, from, to]
        source = tf.where(inside[t], tf.argmax(ways, axis=1, output_type=tf.int32), stay)
        return t + 1, tf.where(inside[t], tf.reduce_max(ways, axis=1) + scores[t], best), came.write(t, source)

    def back(t: Any, tag: Any, path: Any) -> Any:
        tag = tf.gather(came[t], tag, axis=1, batch_dims=1)
        return t - 1, tag, path.write(t - 1, tag)

    written = tf.TensorArray(tf.int32, steps, element_shape=begin.shape).write(0, stay)
    _, best, written = tf.while_loop(lambda t, *_: t < steps, forth, (tf.constant(1), begin, written))
    came = written.stack()
    end = tf.argmax(best + chain.last, axis=1, output_type=tf.int32)
    path = tf.TensorArray(tf.int32, steps, element_shape=end.shape).write(steps - 1, end)
    return tf.transpose(tf.while_loop(lambda t, *_: t > 0, back, (steps - 1, end, path))[2].stack())


def _at_end(steps: Any, lengths: Any) -> Any:
    """The last step of each row, `[batch, tags]`."""
    return tf.gather(steps, lengths - 1, axis=1, batch_dims=1)


def _all_paths(scores: Any, lengths: Any, chain: Chain) -> tuple[Any, Any, Callable[[Any], Any]]:
    """log Σ_y exp s(y) `[batch]`, the marginals, and the expected pairs as a function of weights `[batch]`.

    The same scan runs from both ends at once, from the last step on the transposed pairs, and each step is normalized:

        q_t = log(softmax(q_{t-1}) exp(pairs)) + scores[t]
    """
    size, timesteps = chain.pairs.shape[0], tf.shape(scores)[1]
    shift = tf.reduce_max(chain.pairs)
    pairs = tf.exp(chain.pairs - shift)
    both = tf.stack([scores, tf.reverse_sequence(scores, lengths, seq_axis=1)])
    both = tf.transpose(both, [2, 0, 1, 3])  # [time, 2, batch, tags]
    begin = both[0] + tf.stack([chain.first, chain.last])[:, None]
    logits = _scan(both, begin, tf.stack([pairs, tf.transpose(pairs)]))
    forward, backward = tf.unstack(tf.transpose(logits, [1, 2, 0, 3]))  # [batch, timesteps, tags]
    backward = tf.reverse_sequence(backward, lengths, seq_axis=1)

    inside = tf.sequence_mask(lengths, timesteps, scores.dtype)
    marginals = tf.nn.softmax(forward + backward - scores) * inside[..., None]
    partition = tf.reduce_sum(tf.reduce_logsumexp(forward, axis=2) * inside, axis=1)
    partition += shift * tf.cast(lengths - 1, scores.dtype)
    partition += tf.reduce_logsumexp(_at_end(tf.nn.log_softmax(forward), lengths) + chain.last, axis=1)

    def expected_pairs(weights: Any) -> Any:
        before, after = tf.nn.softmax(forward[:, :-1]), tf.nn.softmax(backward[:, 1:])
        total = tf.reduce_sum(tf.matmul(before, pairs) * after, axis=2)
        after *= tf.math.divide_no_nan(inside[:, 1:] * weights[:, None], total)[..., None]
        return pairs * tf.matmul(tf.reshape(before, [-1, size]), tf.reshape(after, [-1, size]), transpose_a=True)

    return partition, marginals, expected_pairs


def _scan(scores: Any, begin: Any, pairs: Any) -> Any:
    """q_1, ..., q_T of both directions, `[time, 2, batch, tags]`."""
    steps, least = tf.shape(scores)[0], np.finfo(scores.dtype.as_numpy_dtype).tiny  # so that no logarithm is infinite
    written = tf.TensorArray(scores.dtype, steps, element_shape=begin.shape).write(0, begin)

    def step(t: Any, before: Any, written: Any) -> Any:
        logits = tf.math.log(tf.matmul(before, pairs) + least) + scores[t]
        return t + 1, tf.nn.softmax(logits), written.write(t, logits)

    return tf.while_loop(lambda t, *_: t < steps, step, (tf.constant(1), tf.nn.softmax(begin), written))[2].stack()

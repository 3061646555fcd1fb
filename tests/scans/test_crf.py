"""The linear chain against a sum over all of its paths."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from rnn_tf.scans.crf import SHUT, Chain, best_path, chain_loss, marginals

TAGS = 4


def example(timesteps, dtype="float64", shut=(), seed=0):
    """Scores, a path, lengths 1, ..., timesteps, and a chain; `shut` are pairs that cannot be."""
    rng = np.random.default_rng(seed)
    pairs, first, last = (3 * rng.normal(size=size) for size in ([TAGS, TAGS], [TAGS], [TAGS]))
    for pair in shut:
        pairs[pair] = SHUT
    chain = Chain(*(tf.Variable(one, dtype=dtype) for one in (pairs, first, last)))
    scores = tf.Variable(3 * rng.normal(size=[timesteps, timesteps, TAGS]), dtype=dtype)
    return scores, tf.constant(rng.integers(TAGS, size=[timesteps, timesteps])), tf.range(1, timesteps + 1), chain


def score(scores, path, chain):
    """s(y) of one path."""
    total = chain.first[path[0]] + chain.last[path[-1]]
    total += sum(scores[t, tag] for t, tag in enumerate(path))
    return total + sum(chain.pairs[pair] for pair in itertools.pairwise(path))


def all_paths(scores, lengths, chain):
    """Partition, marginals, expected pairs and best path of each row, by enumeration."""
    chain = Chain(*(np.asarray(one) for one in chain))
    for row, length in zip(np.asarray(scores), np.asarray(lengths), strict=True):
        paths = list(itertools.product(range(TAGS), repeat=int(length)))
        totals = np.array([score(row, path, chain) for path in paths])
        partition = np.logaddexp.reduce(totals)
        shares = np.exp(totals - partition)
        steps, pairs = np.zeros([len(row), TAGS]), np.zeros([TAGS, TAGS])
        for path, share in zip(paths, shares, strict=True):
            for t, tag in enumerate(path):
                steps[t, tag] += share
            for pair in itertools.pairwise(path):
                pairs[pair] += share
        yield partition, steps, pairs, paths[int(totals.argmax())]


@pytest.mark.parametrize("timesteps", range(1, 7))
@pytest.mark.parametrize("shut", [(), ((0, 1), (2, 2))])
def test_partition_marginals_and_path_are_those_of_all_paths(timesteps, shut):
    scores, tags, lengths, chain = example(timesteps, shut=shut)
    loss, found = chain_loss(scores, tags, lengths, chain)
    path = best_path(scores, lengths, chain)
    np.testing.assert_array_equal(found, marginals(scores, lengths, chain))
    for b, (partition, steps, _, best) in enumerate(all_paths(scores, lengths, chain)):
        seen = score(scores[b].numpy(), tags[b].numpy()[: b + 1], Chain(*(one.numpy() for one in chain)))
        np.testing.assert_allclose(loss[b], partition - seen, rtol=1e-10)
        np.testing.assert_allclose(found[b], steps, atol=1e-10)
        assert path[b].numpy()[: b + 1].tolist() == list(best)


@pytest.mark.parametrize("timesteps", range(1, 7))
def test_gradients_are_those_of_all_paths(timesteps):
    scores, tags, lengths, chain = example(timesteps, seed=1)
    weights = tf.constant(np.random.default_rng(2).normal(size=timesteps))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(weights * chain_loss(scores, tags, lengths, chain)[0])
    by_scores, by_pairs, by_first, by_last = tape.gradient(loss, [scores, *chain])
    expected = [np.zeros_like(one) for one in (by_scores, by_pairs, by_first, by_last)]
    for b, (_, steps, pairs, _) in enumerate(all_paths(scores, lengths, chain)):
        path, weight = tags[b].numpy()[: b + 1], weights[b].numpy()
        steps[np.arange(b + 1), path] -= 1
        np.subtract.at(pairs, (path[:-1], path[1:]), 1)
        for total, one in zip(expected, (steps, pairs, steps[0], steps[b]), strict=True):
            if total is expected[0]:
                total[b] = weight * one
            else:
                total += weight * one
    for found, wanted in zip((by_scores, by_pairs, by_first, by_last), expected, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-10)


def test_what_follows_the_length_changes_nothing():
    scores, tags, lengths, chain = example(5, "float32")
    after = tf.sequence_mask(lengths, 5)
    noise = tf.where(after[..., None], scores, 50.0)
    for function in (marginals, lambda *args: chain_loss(args[0], tags, *args[1:])[0]):
        np.testing.assert_array_equal(function(scores, lengths, chain), function(noise, lengths, chain))
    paths = [tf.where(after, best_path(one, lengths, chain), 0) for one in (scores, noise)]
    np.testing.assert_array_equal(*paths)


def test_extreme_scores_stay_finite():
    scores, tags, lengths, chain = example(6, "float32")
    with tf.GradientTape() as tape:
        loss, _ = chain_loss(1000 * scores, tags, lengths, chain)
    for gradient in tape.gradient(loss, [scores, *chain]):
        assert np.isfinite(gradient).all()
    np.testing.assert_allclose(tf.reduce_sum(marginals(1000 * scores, lengths, chain), -1)[5], 1, rtol=1e-5)


@pytest.mark.parametrize(("jit", "timesteps"), [(False, 1), (False, 4), (True, 4)])
def test_compiled_with_open_sizes(jit, timesteps):
    scores, tags, lengths, chain = example(timesteps, "float32")
    specs = [tf.TensorSpec([None, None, TAGS]), tf.TensorSpec([None, None], tf.int64), tf.TensorSpec([None], tf.int32)]

    @tf.function(input_signature=specs, jit_compile=jit)
    def compiled(scores, tags, lengths):
        with tf.GradientTape() as tape:
            tape.watch(scores)
            loss, _ = chain_loss(scores, tags, lengths, chain)
        return loss, tape.gradient(loss, scores), best_path(scores, lengths, chain)

    with tf.GradientTape() as tape:
        loss, _ = chain_loss(scores, tags, lengths, chain)
    found = compiled(tf.constant(scores), tags, lengths)
    np.testing.assert_allclose(found[0], loss, rtol=1e-5)
    np.testing.assert_allclose(found[1], tape.gradient(loss, scores), atol=1e-6)
    inside = np.tril(np.ones([timesteps, timesteps], bool))
    np.testing.assert_array_equal(found[2].numpy()[inside], best_path(scores, lengths, chain).numpy()[inside])

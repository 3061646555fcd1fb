import keras
import numpy as np
import pytest

from rnn_tf.models.time_pooling import TimePooling

rng = np.random.default_rng(8)
SEQUENCE = rng.normal(size=[5, 6, 4]).astype("float32")
MASK = np.array(
    [
        [1, 1, 1, 1, 1, 1],
        [1, 1, 1, 0, 0, 0],  # padded at the end
        [0, 0, 1, 1, 1, 1],  # and at the start
        [0, 1, 0, 0, 1, 0],
        [0, 0, 0, 0, 0, 1],
    ],
    bool,
)


def pooled(kind, steps, bidirectional):
    """What the unmasked steps [steps, features] of one sequence pool to."""
    if not len(steps):
        return np.zeros(steps.shape[1])
    if kind == "mean":
        return steps.mean(axis=0)
    if kind == "max":
        return steps.max(axis=0)
    return np.concatenate([steps[-1, :2], steps[0, 2:]]) if bidirectional else steps[-1]


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("kinds", ["last", "mean", "max", ["max", "last", "mean"]], ids=str)
def test_equals_numpy(kinds, bidirectional):
    layer = TimePooling(kinds, bidirectional)
    names = [kinds] if isinstance(kinds, str) else kinds
    for mask in (None, MASK):
        expected = [
            np.concatenate([pooled(kind, steps if keep is None else steps[keep], bidirectional) for kind in names])
            for steps, keep in zip(SEQUENCE, [None] * 5 if mask is None else mask, strict=True)
        ]
        np.testing.assert_allclose(layer(SEQUENCE, mask=mask), expected, rtol=1e-5, atol=1e-6)
    assert layer.compute_output_shape((None, None, 4)) == (None, 4 * len(names))


@pytest.mark.parametrize("kind", ["last", "mean", "max"])
def test_masked_steps_do_not_count_whatever_they_hold(kind):
    layer = TimePooling(kind, bidirectional=True)
    for other in (1e9, -1e9, np.nan):
        padded = np.where(MASK[..., np.newaxis], SEQUENCE, np.float32(other))
        np.testing.assert_array_equal(layer(padded, mask=MASK), layer(SEQUENCE, mask=MASK))


@pytest.mark.parametrize("kind", ["last", "mean", "max"])
def test_a_sequence_without_any_step_gives_zeros(kind):
    for bidirectional in (False, True):
        layer = TimePooling(kind, bidirectional)
        np.testing.assert_array_equal(layer(SEQUENCE, mask=np.zeros([5, 6], bool)), np.zeros([5, 4]))


def test_the_mask_ends_here():
    inputs = keras.Input([None, 4])
    masked = keras.layers.Masking()(inputs)
    assert keras.Model(inputs, TimePooling("max", False)(masked))(SEQUENCE).shape == (5, 4)
    assert TimePooling("max", False).compute_mask(SEQUENCE, MASK) is None


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_counts_long_sequences(dtype):
    sequence = keras.ops.cast(np.ones([1, 3000, 2]), dtype)
    for kind in ("last", "mean", "max"):
        answer = TimePooling(kind, False, dtype=dtype)(sequence)
        assert keras.backend.standardize_dtype(answer.dtype) == dtype
        np.testing.assert_array_equal(keras.ops.cast(answer, "float32"), np.ones([1, 2]))


@pytest.mark.parametrize("kinds", ["avg", [], ["max", "max"], ["max", "first"], "", None], ids=str)
def test_kinds_are_checked(kinds):
    with pytest.raises(ValueError, match=r"`pooling` must be one of 'last', 'mean', 'max', or a list of different"):
        TimePooling(kinds, False)

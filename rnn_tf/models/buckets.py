"""Batches of sequences of similar length, so that little time is spent on padding."""

import numpy as np
import tensorflow as tf

from rnn_tf._checks import positive_integer

BUCKETS = 12  # lengths are divided so that about equally many sequences fall into each
SHUFFLED_BATCHES = 128


def similar_lengths(
    ids: list[np.ndarray], columns: tuple[np.ndarray, ...], batch_size: int, shuffle: bool, seed: int | None
) -> tf.data.Dataset:
    """Batches `(ids, *columns)`, each of sequences from one bucket of lengths, padded by 0 to its longest.

    Args:
        ids: Int32 arrays `[tokens]`, one a row.
        columns: Arrays with an entry a row.
        batch_size: Rows a batch; what is left over in a bucket makes a smaller one.
        shuffle: Whether rows, and then batches, come in an order that is new in every pass.
        seed: Of that order; `None` follows `keras.utils.set_random_seed`.
    """
    batch_size = positive_integer("batch_size", batch_size)
    lengths = np.array([max(1, len(row)) for row in ids])
    inner = np.quantile(lengths, np.arange(1, BUCKETS) / BUCKETS).astype(int) + 1
    boundaries = np.unique(inner).tolist()
    counts = np.bincount(np.searchsorted(boundaries, lengths, side="right"))
    batches = int(np.sum(-(-counts // batch_size)))
    dataset = tf.data.Dataset.from_tensor_slices((_ragged(ids), *columns))
    if shuffle:
        dataset = dataset.shuffle(len(ids), seed=seed)
    # `map` makes tensors of the rows of a ragged tensor.
    dataset = dataset.map(lambda *row: row).bucket_by_sequence_length(
        lambda row, *_: tf.size(row), boundaries, [batch_size] * (len(boundaries) + 1)
    )
    if shuffle:  # the smaller batches would come last, the shortest of them first
        dataset = dataset.shuffle(min(batches, SHUFFLED_BATCHES), seed=seed)
    return dataset.apply(tf.data.experimental.assert_cardinality(batches)).prefetch(tf.data.AUTOTUNE)


def in_order(ids: list[np.ndarray], batch_size: int) -> tf.data.Dataset:
    """Batches of ids in the order in which they come, padded by 0 to the longest of each."""
    rows = tf.data.Dataset.from_tensor_slices(_ragged(ids)).map(lambda row: row)
    return rows.padded_batch(positive_integer("batch_size", batch_size), [None]).prefetch(tf.data.AUTOTUNE)


def _ragged(ids: list[np.ndarray]) -> tf.RaggedTensor:
    """An empty text is a single padding: a batch needs one step at least."""
    rows = [row if len(row) else np.zeros(1, np.int32) for row in ids]
    return tf.RaggedTensor.from_row_lengths(np.concatenate(rows), [len(row) for row in rows])

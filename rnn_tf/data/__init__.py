"""Series and texts to learn from: the Mackey-Glass task, four collections of texts, and a user's own files."""

from rnn_tf.data.baselines import linear_autoregression, persistence, seasonal_naive
from rnn_tf.data.batched_windows import window_batches
from rnn_tf.data.corpora import chinese_reviews, imdb, library_docs, requests
from rnn_tf.data.mackey_glass import JANG_TEST_NDEI, jang_task, mackey_glass, ndei
from rnn_tf.data.memory_tasks import adding_task, copying_task
from rnn_tf.data.series import Windows, read_columns, read_series, windows
from rnn_tf.data.tagged import Tagged, TaggedSplit, read_tagged
from rnn_tf.data.text import Texts, TextSplit, read_texts, split_texts

__all__ = [
    "JANG_TEST_NDEI",
    "Tagged",
    "TaggedSplit",
    "TextSplit",
    "Texts",
    "Windows",
    "adding_task",
    "chinese_reviews",
    "copying_task",
    "imdb",
    "jang_task",
    "library_docs",
    "linear_autoregression",
    "mackey_glass",
    "ndei",
    "persistence",
    "read_columns",
    "read_series",
    "read_tagged",
    "read_texts",
    "requests",
    "seasonal_naive",
    "split_texts",
    "window_batches",
    "windows",
]


def __dir__() -> list[str]:
    return __all__

"""Series to learn from: the Mackey-Glass task, which needs no download, and a user's own CSV files."""

import rnn_tf._environment
from rnn_tf.data.mackey_glass import jang_task, mackey_glass, ndei
from rnn_tf.data.series import Windows, linear_autoregression, read_columns, read_series, windows

__all__ = [
    "Windows",
    "jang_task",
    "linear_autoregression",
    "mackey_glass",
    "ndei",
    "read_columns",
    "read_series",
    "windows",
]

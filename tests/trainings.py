"""Trainings to be interrupted: functions that give a trainer, its data, and the arguments of its `fit`."""

import keras
import numpy as np
import tensorflow as tf

from rnn_tf import RNN, LanguageModel, SequenceRegressor, TextClassifier, Trainer

WORDS = np.array(["good", "bad", "film", "book", "plot", "actor", "dull", "bright", "slow", "quick", "odd", "plain"])


def sequences(timesteps: int = 4, features: int = 1):
    x = np.random.default_rng(0).standard_normal([256, timesteps, features]).astype("float32")
    return x, x.sum((1, 2))[:, None]


def callbacks():
    return [
        keras.callbacks.EarlyStopping("loss", patience=30, restore_best_weights=True),
        keras.callbacks.ReduceLROnPlateau("loss", patience=2, factor=0.7),
    ]


def regressor(**arguments):
    return Trainer(SequenceRegressor(units=4), keras.optimizers.Adam(0.01), "mse", ["mae"], **arguments)


def arrays():
    x, y = sequences()
    held_back = x[:50], y[:50]
    arguments = {"steps": 8000, "batch_size": 48, "log_every": 200, "validation_data": held_back}
    return regressor(jit_compile=False), (x, y), {**arguments, "callbacks": callbacks()}


def xla():
    return regressor(jit_compile=True), sequences(), {"steps": 16000, "batch_size": 48, "log_every": 400}


def epochs():
    arguments = {"epochs": 80, "batch_size": 10, "log_every": 7, "callbacks": callbacks()}
    return regressor(jit_compile=False), sequences(), arguments


def texts(**arguments):
    generator = np.random.default_rng(0)
    texts = [" ".join(generator.choice(WORDS, generator.integers(1, 30))) for _ in range(300)]
    labels = ["praise" if "good" in text.split() else "blame" for text in texts]
    model = TextClassifier.from_texts(texts, labels, units=8, embedding_size=8, word_dropout=0.2)
    return Trainer(model), (texts, labels), arguments or {"epochs": 20, "log_every": 4}


def texts_by_steps():
    return texts(steps=200, batch_size=32, log_every=8, seed=3)


def language():
    text = " ".join(np.random.default_rng(0).choice(WORDS, 4000))
    model = LanguageModel.from_text(text, units=[8, 8], steps=20, dropout=0.2)
    return Trainer(model), (text,), {"steps": 500, "batch_size": 30, "log_every": 7, "validation_data": text[:500]}


def averages():
    layers = [
        keras.Input([10, 8]),
        keras.layers.Dropout(0.3),
        RNN(keras.layers.GRUCell(16, dropout=0.2, recurrent_dropout=0.2)),
        keras.layers.BatchNormalization(),
        keras.layers.GaussianNoise(0.1),
        keras.layers.Dense(1),
    ]
    optimizer = keras.optimizers.AdamW(0.003, use_ema=True, ema_overwrite_frequency=50)
    arguments = {"steps": 1200, "batch_size": 50, "log_every": 30}
    return Trainer(keras.Sequential(layers), optimizer, "mse", jit_compile=False), sequences(10, 8), arguments


def shards():
    layers = [keras.Input([40, 8]), RNN(keras.layers.LSTMCell(64)), keras.layers.Dense(1)]
    trainer = Trainer(keras.Sequential(layers), keras.optimizers.AdamW(0.003), "mse", jit_compile=False)
    return trainer, sequences(40, 8), {"steps": 160, "batch_size": 64, "log_every": 4}


def half_precision():
    keras.mixed_precision.set_global_policy("mixed_float16")
    layers = [keras.Input([4, 1]), keras.layers.SimpleRNN(8), keras.layers.Dense(1, dtype="float32")]
    arguments = {"steps": 2000, "batch_size": 50, "log_every": 50}
    return (
        Trainer(keras.Sequential(layers), keras.optimizers.Adam(0.01), "mse", jit_compile=False),
        sequences(),
        arguments,
    )


def datasets():
    dataset = tf.data.Dataset.from_tensor_slices(sequences()).shuffle(100, seed=4).batch(10)
    return regressor(jit_compile=False), (dataset,), {"epochs": 60, "log_every": 7}


KINDS = (arrays, xla, epochs, texts, texts_by_steps, language, averages, shards, half_precision, datasets)

"""Makes the golden models anew: `python tests/golden/make.py`, in a clone with rnn_tf installed. See README.md here."""

import shutil
from pathlib import Path

import keras
import numpy as np

import rnn_tf

HERE = Path(__file__).parent
EXPORTS = HERE.parents[1] / "saved_models"
QUESTIONS = [
    "Return evenly spaced values within a given interval.",
    "Compute the sum of the elements along an axis.",
    "Open the file in text mode and read a line.",
    "Raised when a process does not end in time.",
    "Makes a tensor that is sliced and gathered by indices.",
    "从文件中读取一行。",
    "",
]


def forecaster():
    (x, y), (x_test, _) = rnn_tf.data.jang_task()
    model = rnn_tf.SequenceRegressor(units=8, cell="gru")
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss="mse")
    rnn_tf.Trainer(model).fit(x, y, steps=2000, verbose=0)
    return model, x_test[:8], {"examples_api": True, "streaming": True}


def turns():
    random = np.random.default_rng(0)
    rows, names = [], []
    for _ in range(300):
        angles = np.cumsum(random.normal(0.3 * random.choice([-1, 1]), 0.2, size=random.integers(5, 15)))
        rows.append(np.stack([np.cos(angles), np.sin(angles)], axis=1).astype("float32"))
        names.append("left" if angles[-1] > angles[0] else "right")
    model = rnn_tf.SequenceClassifier(6, ["left", "right"], cell="elman", pooling=["last", "mean", "max"])
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(rows, names, epochs=15, verbose=0)
    lengths = np.array([len(row) for row in rows[:6]], "int32")
    padded = np.stack([np.pad(row, [(0, 15 - len(row)), (0, 0)]) for row in rows[:6]])
    return model, {"sequences": padded, "lengths": lengths}, {"examples_api": True, "streaming": True}


def library_docs():
    texts, labels = rnn_tf.data.library_docs(2000)
    model = rnn_tf.TextClassifier.from_texts(
        texts, labels, units=16, cell="gru", bidirectional=False, embedding_size=12, vocabulary_size=1200, dropout=0.2
    )
    model.fit(texts, labels, epochs=12, verbose=0)
    return model, QUESTIONS, {}


def main():
    for name, make in {"mackey_glass": forecaster, "turns": turns, "library_docs": library_docs}.items():
        keras.utils.set_random_seed(0)
        model, examples, arguments = make()
        model.save(HERE / f"{name}.keras")
        shutil.rmtree(EXPORTS / f"golden_{name}", ignore_errors=True)
        path = rnn_tf.export_saved_model(model, EXPORTS / f"golden_{name}", examples=examples, **arguments)
        size = sum(file.stat().st_size for file in Path(path).rglob("*") if file.is_file())
        print(f"{name}: {size} bytes of export, {(HERE / f'{name}.keras').stat().st_size} bytes of .keras")


if __name__ == "__main__":
    main()

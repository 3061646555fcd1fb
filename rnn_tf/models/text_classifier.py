"""From raw strings to the class that they belong to."""

import shutil
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnn_tf._checks import checked_arrays, positive_integer
from rnn_tf.models import tokens
from rnn_tf.models.batches import in_order, similar_lengths
from rnn_tf.models.classification import Classification
from rnn_tf.models.classifier import ClassifierModel, without_one_hot
from rnn_tf.models.columns import (
    Columns,
    as_texts,
    class_names,
    class_numbers,
    class_weights,
    holds_ids,
    holds_texts,
    learn_classes,
    read_columns,
)
from rnn_tf.models.recurrent_stack import with_objects
from rnn_tf.models.tokens import PADDING
from rnn_tf.serving.signatures import Endpoint, Signatures, named_answers
from rnn_tf.training.preparation import Prepared


@keras.saving.register_keras_serializable(package="rnn_tf")
class TextClassifier(ClassifierModel):
    """Raw strings, or token ids `[batch, tokens]`, to class probabilities `[batch, classes]`.

        x_t = E[id_t]                                      one vector for each token
        h_t = cell(x_t, h_{t-1})                           recurrent layers, reading both ways
        p   = softmax(W pool(h_1, ..., h_T) + b)           pooled over the tokens of the text

    `TextClassifier.from_texts(texts, labels)` makes one. Then `fit`, `evaluate`, `predict` and `Trainer.fit` take
    texts and labels as people have them: lists, NumPy arrays of any string type, pandas columns, or a
    `tf.data.Dataset` of `(text, label)`; labels as names or numbers. Texts are tokenised once, before the loop, and
    batches are formed of texts of similar length (`dataset`). Words and characters become tokens as
    `rnn_tf.models.tokens.separate_tokens` says, in Chinese one for each Han character, in training, in `predict` and
    in an export alike. `call` sees token ids only; 0 is padding, and changes nothing.

    Args:
        vocabulary: List of tokens; the first has id 2. Id 1 stands for any other.
        classes: List of the names of the classes, or their number.
        units: Positive integer, or a list of them for several layers. Not with cells of your own.
        cell: `"elman"`, `"gru"` or `"lstm"`; or a Keras cell of your own, or a list of them, one a layer.
        bidirectional: Whether each layer also reads from the end.
        pooling: `"last"`, `"mean"` or `"max"` over time, or a list of them to stand side by side.
        embedding_size: Positive integer, length of a token's vector.
        max_length: Positive integer, how many tokens of a text are read; the rest is left out.
        word_dropout: Fraction of the tokens to replace by the unknown one in training.
        dropout: Fraction to drop in training of each layer's inputs, the same ones at every step, and of what is
            pooled; of the latter only with cells of your own.
        recurrent_dropout: Fraction of the state to drop in training. Not with cells of your own.
        activation: σ of the cells, a name or a function. Not with cells of your own.
        shards: Of the recurrent layers, see `rnn_tf.RNN`.
        **kwargs: `name` and `dtype` of `keras.Model`. Under a mixed policy all but the output layer computes in half
            precision.

    Call arguments:
        inputs: Integer tensor `[batch, tokens]`, token ids, padded by 0.
        training: Whether dropout is active.

    Returns:
        Float tensor `[batch, classes]`, each row summing to 1.

    Raises:
        ValueError: If an argument is out of its range, a text is not a string, or a label is not among the classes.

    Sources: pooling over time, R. Johnson and T. Zhang (2016), "Supervised and semi-supervised text categorization
    using LSTM for region embeddings", ICML; dropout, Y. Gal and Z. Ghahramani (2016), "A theoretically grounded
    application of dropout in recurrent neural networks", NeurIPS; word dropout, M. Iyyer et al. (2015), "Deep unordered
    composition rivals syntactic methods for text classification", ACL; first vectors, Y. Kim (2014), "Convolutional
    neural networks for sentence classification", EMNLP.

    Example:
    >>> from rnn_tf import TextClassifier
    >>> texts, labels = ["good food", "bad food", "很好", "不好"] * 8, ["+", "-", "+", "-"] * 8
    >>> model = TextClassifier.from_texts(texts, labels, units=8)
    >>> history = model.fit(texts, labels, epochs=2, verbose=0)
    >>> model.predict(["good", "好"], verbose=0).shape
    (2, 2)
    """

    def __init__(
        self,
        vocabulary: Sequence[str],
        classes: int | Sequence[Any],
        units: int | Sequence[int] | None = None,
        cell: Any = "lstm",
        bidirectional: bool = True,
        pooling: str | Sequence[str] = ("max", "mean"),
        embedding_size: int = 128,
        max_length: int = 512,
        word_dropout: float = 0.0,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        activation: Any = "tanh",
        shards: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(autocast=False, **kwargs)  # ids are not to be rounded
        if isinstance(vocabulary, str) or not vocabulary or not all(isinstance(token, str) for token in vocabulary):
            raise ValueError(
                f"`vocabulary` must be a list of strings, at least one. Received: {vocabulary!r:.200}. "
                "TextClassifier.from_texts learns one."
            )
        self.vocabulary = list(vocabulary)
        self.classes = class_names(classes)
        self.max_length = positive_integer("max_length", max_length)
        if not 0 <= word_dropout < 1:
            raise ValueError(f"`word_dropout` must be at least 0 and less than 1. Received: {word_dropout!r}.")
        self.word_dropout = word_dropout
        self.vectorizer = tokens.make_vectorizer(self.vocabulary)
        self.word_seeds = keras.random.SeedGenerator()
        self.embedding = keras.layers.Embedding(
            len(self.vocabulary) + 2,
            positive_integer("embedding_size", embedding_size),
            embeddings_initializer=keras.initializers.RandomUniform(-0.25, 0.25),  # as Kim (2014) draws them
            name="embedding",
            dtype=self.dtype_policy,
        )
        self.classification = Classification(
            len(self.classes),
            pooling,
            units,
            cell,
            activation,
            dropout,
            recurrent_dropout,
            bidirectional,
            shards,
            name="classification",
            dtype=self.dtype_policy,
        )

    @classmethod
    def from_texts(
        cls,
        texts: Any,
        labels: Any = None,
        *,
        classes: Sequence[Any] | None = None,
        vocabulary_size: int = 20_000,
        min_count: int = 1,
        embeddings: Mapping[str, Any] | None = None,
        units: int | Sequence[int] | None = None,
        cell: Any = "lstm",
        word_dropout: float = 0.3,
        dropout: float = 0.5,
        **arguments: Any,
    ) -> "TextClassifier":
        """A classifier of the vocabulary and the classes that occur in `texts` and `labels`; not trained yet.

        It is compiled with Adam and the cross-entropy; `compile` it anew for something else.

        Args:
            texts: List, array, or pandas column of strings, or a `tf.data.Dataset` of `(text, label)`.
            labels: One a text, names or numbers; not with a dataset.
            classes: Names of the classes, if others than those that occur shall be known, or in another order.
            vocabulary_size: Positive integer, how many tokens to know at most: the most frequent.
            min_count: Positive integer, how often a token must occur to be known.
            embeddings: Dict of pretrained vectors by token, all of one length. They are trained on; a token of the
                vocabulary that is not among them starts with a small random vector of its own.
            units: As in the class; 64 if neither units nor a cell of your own are given.
            cell: As in the class.
            word_dropout: As in the class. It also teaches what an unknown token is.
            dropout: As in the class.
            **arguments: The others of the class.

        Raises:
            ValueError: If a text is not a string, there is one class only, or the vocabulary would be empty.
        """
        columns = read_columns(texts, labels)
        if classes is None:
            classes = learn_classes(columns.labels)
        vocabulary = tokens.learn_vocabulary(columns.texts, vocabulary_size, min_count)
        if embeddings is not None:
            arguments["embedding_size"] = _vector_size(embeddings)
        if units is None and isinstance(cell, str):
            units = 64
        model = cls(
            vocabulary, classes, units=units, cell=cell, word_dropout=word_dropout, dropout=dropout, **arguments
        )
        model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
        model.build((None, None))
        if embeddings is not None:
            model._set_embeddings(embeddings)
        return model

    def _set_embeddings(self, embeddings: Mapping[str, Any]) -> None:
        table = self.embedding.embeddings.numpy()
        for row, token in enumerate(self.vocabulary, start=2):
            if token in embeddings:
                table[row] = embeddings[token]
        self.embedding.embeddings.assign(table)

    def build(self, input_shape: Any) -> None:
        """Make the weights, for token ids `[batch, tokens]`."""
        shape = tuple(input_shape)
        if len(shape) != 2:
            raise ValueError(f"TextClassifier takes token ids of shape [batch, tokens]. Received: shape {shape}.")
        self.embedding.build(shape)
        self.classification.build((*shape, self.embedding.output_dim))

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Class probabilities `[batch, classes]` of token ids: see the class."""
        if len(inputs.shape) != 2 or not tf.as_dtype(inputs.dtype).is_integer:
            raise ValueError(
                "TextClassifier is called on token ids, integers of shape [batch, tokens]. Received: "
                f"{tf.as_dtype(inputs.dtype).name} of shape {tuple(inputs.shape)}. Texts are for model.predict(texts), "
                "or for model.vectorize(texts) first."
            )
        mask = keras.ops.not_equal(inputs, PADDING)
        if training and self.word_dropout:
            drop = keras.random.uniform(tf.shape(inputs), seed=self.word_seeds) < self.word_dropout
            inputs = tf.where(mask & drop, tf.cast(tokens.UNKNOWN, inputs.dtype), inputs)
        return self.classification(self.embedding(inputs), mask=mask, training=training)

    def vectorize(self, texts: Any) -> tf.Tensor:
        """Token ids `[batch, tokens]` of a list or tensor of texts, padded by 0 to the longest of them."""
        return self._padded(self.vectorizer(texts if tf.is_tensor(texts) else tf.constant(as_texts(texts))))

    def _padded(self, ids: tf.RaggedTensor) -> tf.Tensor:
        ids = ids[:, : self.max_length].to_tensor(PADDING)
        return tf.pad(ids, [[0, 0], [0, tf.cast(tf.shape(ids)[1] == 0, tf.int32)]])  # one step at least

    def dataset(
        self,
        texts: Any,
        labels: Any = None,
        sample_weight: Any = None,
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
    ) -> tf.data.Dataset:
        """Batches `(ids, class numbers)` of texts of similar length, each padded to its longest.

        The texts are tokenised here and now, and held as token ids; what comes out takes no further work. `fit` and
        `Trainer.fit` make one of this kind from raw strings; make it yourself to use it several times.

        Args:
            texts: As `fit` takes them.
            labels: One a text, names or numbers; not with a dataset.
            sample_weight: One number a text; the batches are `(ids, class numbers, weights)` then.
            batch_size: Positive integer, texts a batch.
            shuffle: Whether every pass has an order of its own.
            seed: Of that order. `None` follows `keras.utils.set_random_seed`.

        Returns:
            A finite `tf.data.Dataset` of known cardinality.
        """
        columns = read_columns(texts, without_one_hot(labels, self.classes), sample_weight)
        return self._batches(columns, class_numbers(columns.labels, self.classes), batch_size, shuffle, seed)

    def _batches(
        self, columns: Columns, numbers: np.ndarray, batch_size: int, shuffle: bool, seed: int | None
    ) -> tf.data.Dataset:
        weights = () if columns.sample_weight is None else (columns.sample_weight,)
        ids = tokens.ids_of(self.vectorizer, columns.texts, self.max_length)
        return similar_lengths(ids, (self._as_targets(numbers), *weights), batch_size, shuffle, seed)

    def prepare_data(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Any = None,
        *,
        training: bool,
        batch_size: int | None = None,
        shuffle: bool = False,
        seed: int | None = None,
    ) -> Prepared:
        """Texts as a dataset of token ids and class numbers; token ids as they are."""
        if training and not self.built:
            self.build((None, None))
        if isinstance(x, tf.data.Dataset) and not holds_texts(x):
            return Prepared(x, y, sample_weight, class_weights(class_weight, None, self.classes))
        if y is None and not isinstance(x, tf.data.Dataset):
            raise ValueError("TextClassifier needs labels. Received: y=None. Give fit(texts, labels).")
        y = without_one_hot(y, self.classes)
        if holds_ids(x):
            numbers = class_numbers(y, self.classes)
            x, y, sample_weight = checked_arrays(x=x, y=self._as_targets(numbers), sample_weight=sample_weight)
            return Prepared(x, y, sample_weight, class_weights(class_weight, numbers, self.classes))
        columns = read_columns(x, y, sample_weight)
        numbers = class_numbers(columns.labels, self.classes)
        if batch_size is None:
            batch_size = columns.batch_size or 32
        batches = self._batches(columns, numbers, batch_size, shuffle, seed)
        return Prepared(batches, class_weight=class_weights(class_weight, numbers, self.classes))

    def _predict(self, x: Any, batch_size: int | None = None, verbose: str | int = "auto", **kwargs: Any) -> np.ndarray:
        """Of texts, or of token ids, in the order in which they come."""
        if isinstance(x, tf.data.Dataset) and not holds_texts(x):
            return super()._predict(x, verbose=verbose, **kwargs)
        if holds_ids(x):
            return super()._predict(np.asarray(x), batch_size=batch_size, verbose=verbose, **kwargs)
        texts = read_columns(x).texts
        ids = tokens.ids_of(self.vectorizer, texts, self.max_length)
        order = np.argsort([len(row) for row in ids], kind="stable")
        batches = in_order([ids[row] for row in order], 32 if batch_size is None else batch_size)
        probabilities = super()._predict(batches, verbose=verbose, **kwargs)
        answers = np.empty_like(probabilities)
        answers[order] = probabilities
        return answers

    def reading(self, text: str) -> tuple[list[str], np.ndarray]:
        """The tokens of one text, and the class probabilities `[tokens, classes]` after each as it is read.

        Row t is the answer to the first t tokens alone.
        """
        (found,) = tokens.tokens_of(as_texts([text]))
        found = found[: self.max_length]
        if not found:
            raise ValueError(f"There is nothing to read. Received: {text!r}, a text without tokens.")
        (ids,) = tokens.ids_of(self.vectorizer, [text], self.max_length)
        prefixes = np.tril(np.tile(ids, [len(ids), 1]))  # row t: the first t + 1 ids, then padding
        return [token.decode() for token in found], super()._predict(prefixes, verbose=0)

    def serving_signatures(self) -> Signatures:
        """What is exported: see `rnn_tf.export_saved_model`."""
        # From a file, so that the export holds the vocabulary as assets/vocabulary.txt, one token a line.
        folder = tempfile.mkdtemp()
        path = Path(folder, "vocabulary.txt")
        path.write_text("\n".join(self.vocabulary), encoding="utf-8", newline="\n")
        vectorizer = tokens.make_vectorizer(str(path))
        weakref.finalize(vectorizer, shutil.rmtree, folder, ignore_errors=True)

        def classify(text: Any) -> dict[str, Any]:
            return named_answers(self(self._padded(vectorizer(text)), training=False), self.classes)

        step = self.classification.step_endpoint(
            tf.TensorSpec([None], tf.int32, name="token_ids"),
            lambda token_ids: (self.embedding(token_ids), tf.not_equal(token_ids, PADDING)),
            self.classes,
        )
        predict = Endpoint(classify, [tf.TensorSpec([None], tf.string, name="text")])
        return Signatures(predict, step, [vectorizer])

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            **self.classification.settings(),
            "vocabulary": self.vocabulary,
            "classes": self.classes,
            "embedding_size": self.embedding.output_dim,
            "max_length": self.max_length,
            "word_dropout": self.word_dropout,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "TextClassifier":
        return cls(**with_objects(config, custom_objects))


def _vector_size(embeddings: Mapping[str, Any]) -> int:
    shapes = {np.shape(vector) for vector in embeddings.values()} if isinstance(embeddings, Mapping) else set()
    if len(shapes) != 1 or len(next(iter(shapes))) != 1:
        raise ValueError(
            "`embeddings` must be a dict of vectors by token, all of one length. Received: vectors of shapes "
            f"{sorted(shapes)}."
        )
    return int(next(iter(shapes))[0])

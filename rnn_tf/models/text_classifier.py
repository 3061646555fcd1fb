"""From raw strings to the class that they belong to."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnn_tf._checks import same_rows
from rnn_tf.fields.columns import as_column, columns_of
from rnn_tf.fields.labels import Labels, learn_classes
from rnn_tf.fields.tokenization import frequent_tokens, tokens_of
from rnn_tf.fields.tokens import Tokens, as_texts, vector_size
from rnn_tf.models.classifier import Classifier


@keras.saving.register_keras_serializable(package="rnn_tf")
class TextClassifier(Classifier):
    """Raw strings, or token ids `[batch, tokens]`, to class probabilities `[batch, classes]`.

        x_t = E[id_t]                                      one vector for each token
        h_t = cell(x_t, h_{t-1})                           recurrent layers, reading both ways
        p   = softmax(W pool(h_1, ..., h_T) + b)           pooled over the tokens of the text

    `TextClassifier.from_texts(texts, labels)` makes one. Then `fit`, `evaluate`, `predict` and `Trainer.fit` take
    texts and labels as people have them: lists, NumPy arrays of any string type, pandas columns, or a
    `tf.data.Dataset` of `(text, label)`; labels as names or numbers. Texts are tokenised once, before the loop, and
    batches are formed of texts of similar length (`dataset`). Words and characters become tokens as
    `rnn_tf.fields.tokenization.separate_tokens` says, in Chinese one for each Han character, in training, in `predict`
    and in an export alike. `call` sees token ids only; 0 is padding, and changes nothing.

    Args:
        vocabulary: List of tokens; the first has id 2. Id 1 stands for any other.
        classes: List of the names of the classes, or their number.
        units: Positive integer, or a list of them for several layers. Not with cells of your own.
        cell: `"elman"`, `"gru"`, `"lstm"`, or parallel in time `"mingru"`, `"minlstm"`, `"lru"`; or a Keras cell of
            your own, or a list of them, one a layer.
        bidirectional: Whether each layer also reads from the end.
        pooling: `"last"`, `"mean"` or `"max"` over time, or a list of them to stand side by side.
        embedding_size: Positive integer, length of a token's vector.
        max_length: Positive integer, how many tokens of a text are read; the rest is left out.
        word_dropout: Fraction of the tokens to replace by the unknown one in training.
        dropout: Fraction to drop in training of each layer's inputs, the same ones at every step, and of what is
            pooled; with cells of your own, only of what is pooled.
        recurrent_dropout: Fraction of the state to drop in training. Not with parallel cells, or cells of your own.
        activation: σ of the cells, a name or a function; of a parallel cell that of its candidate, or of an LRU's
            output. Not with cells of your own.
        shards: See `rnn_tf.RNN`.
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

    field_in: Tokens

    def __init__(
        self,
        vocabulary: Sequence[str],
        classes: int | Sequence[Any],
        units: int | Sequence[int] | None = None,
        *,
        embedding_size: int = 128,
        max_length: int = 512,
        word_dropout: float = 0.0,
        cell: Any = "lstm",
        bidirectional: bool = True,
        pooling: str | Sequence[str] = ("max", "mean"),
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        activation: Any = "tanh",
        shards: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.field_in = Tokens(
            type(self).__name__,
            vocabulary,
            embedding_size,
            max_length,
            word_dropout,
            name="field_in",
            dtype=self.dtype_policy,
        )
        self.field_out = Labels(classes, name="field_out", dtype=self.variable_dtype)
        self.encoder, self.head = self.label_network(
            units, pooling, dropout, cell, bidirectional, activation, recurrent_dropout, shards
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
            classes: Names of the classes, to add some that do not occur, or to set another order.
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
        if isinstance(texts, tf.data.Dataset):
            texts, labels, _, _ = columns_of(texts, labels)
        texts, labels = as_texts(texts), labels if labels is None else as_column("labels", labels)
        same_rows(texts=texts, labels=labels)
        if classes is None:
            classes = learn_classes(labels)
        tokens = list(tokens_of(texts))
        vocabulary = frequent_tokens(tokens, vocabulary_size, min_count)
        if embeddings is not None:
            arguments["embedding_size"] = vector_size(embeddings)
        if units is None and isinstance(cell, str):
            units = 64
        model = cls(
            vocabulary, classes, units=units, cell=cell, word_dropout=word_dropout, dropout=dropout, **arguments
        )
        model.compile(optimizer="adam", loss=model.head.loss, metrics=["accuracy"])
        model.build((None, None))
        model.field_in.set_vectors(embeddings or {})
        model.field_in.remember(texts, tokens)  # most people train on them next
        return model

    @property
    def vocabulary(self) -> list[str]:
        """The tokens that it knows; the first has id 2."""
        return self.field_in.vocabulary

    def vectorize(self, texts: Any) -> tf.Tensor:
        """Token ids `[batch, tokens]` of a list or tensor of texts, padded by 0 to the longest of them."""
        return self.field_in.vectorize(texts)

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

        The texts are tokenised at once and held as token ids; the batches need no further work. `fit` and
        `Trainer.fit` make one of this kind from raw strings; make it yourself to use it several times.

        Args:
            texts: As `fit` takes them.
            labels: One a text, names or numbers; not with a dataset.
            sample_weight: One number a text; the batches are `(ids, class numbers, weights)` then.
            batch_size: Positive integer, texts a batch.
            shuffle: Whether every pass has an order of its own.
            seed: A seed for that order. `None` follows `keras.utils.set_random_seed`.

        Returns:
            A finite `tf.data.Dataset` of known cardinality.
        """
        columns = self.prepare_data(
            texts, labels, sample_weight, training=False, batch_size=batch_size, shuffle=shuffle, seed=seed
        )
        return columns.x.dataset()

    def reading(self, text: str) -> tuple[list[str], np.ndarray]:
        """The tokens of one text, and the class probabilities `[tokens, classes]` after each as it is read.

        Row t is the answer to the first t tokens alone.
        """
        (found,) = tokens_of(as_texts([text]))
        found = found[: self.field_in.max_length]
        if not found:
            raise ValueError(f"There is nothing to read. Received: {text!r}, a text without tokens.")
        ids = self.field_in.rows([text]).values
        prefixes = np.tril(np.tile(ids, [len(ids), 1]))  # row t: the first t + 1 ids, then padding
        return [token.decode() for token in found], self.predict(prefixes, verbose=0)

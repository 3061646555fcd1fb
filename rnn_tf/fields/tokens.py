"""Texts, as token ids and vectors."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnn_tf._checks import checked_arrays, positive_integer
from rnn_tf.data.text import HALF_CHARACTER
from rnn_tf.fields import tokenization
from rnn_tf.fields.columns import as_column
from rnn_tf.fields.field import InputField, RawInputs
from rnn_tf.fields.tokenization import PADDING
from rnn_tf.layers import Embedding


class Tokens(InputField):
    """Raw strings, or token ids `[batch, tokens]` padded by 0, as vectors `[batch, tokens, embedding_size]`.

        x_t = E[id_t]

    Args:
        owner: Name of the model, for errors.
        vocabulary: List of tokens; the first has id 2. Id 1 stands for any other.
        embedding_size: Positive integer, length of a token's vector.
        max_length: Positive integer, how many tokens of a text are read; the rest is left out.
        word_dropout: Fraction of the tokens to replace by the unknown one in training.

    Example:
    >>> from rnn_tf.fields import Tokens
    >>> field = Tokens("a model", ["good", "bad"], embedding_size=4, max_length=9, word_dropout=0.0)
    >>> field.vectorize(["Good!", "bad good bad"]).numpy().tolist()
    [[2, 1, 0], [3, 2, 3]]
    """

    noun = "texts"

    def __init__(
        self,
        owner: str,
        vocabulary: Sequence[str],
        embedding_size: int,
        max_length: int,
        word_dropout: float,
        **kwargs: Any,
    ) -> None:
        super().__init__(autocast=False, **kwargs)  # ids must not be rounded
        self.owner = owner
        self.vocabulary = tokenization.checked_vocabulary(vocabulary, f"{owner}.from_texts")
        self.max_length = positive_integer("max_length", max_length)
        self.word_dropout = tokenization.checked_word_dropout(word_dropout)
        self.vectorizer = tokenization.make_vectorizer(self.vocabulary)
        self._remembered: tuple[Any, Any] = None, None
        self.word_seeds = keras.random.SeedGenerator()
        self.embedding = Embedding(
            len(self.vocabulary) + 2,
            positive_integer("embedding_size", embedding_size),
            embeddings_initializer=keras.initializers.RandomUniform(-0.25, 0.25),  # as Kim (2014) draws them
            name="embedding",
            dtype=self.dtype_policy,
        )

    def build(self, input_shape: Any) -> None:
        """Make the vectors, for token ids `[batch, tokens]`."""
        shape = tuple(input_shape)
        if len(shape) != 2:
            raise ValueError(f"{self.owner} takes token ids of shape [batch, tokens]. Received: shape {shape}.")
        self.embedding.build(shape)

    def sequence_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return (*input_shape, self.embedding.output_dim)

    def input_shape(self, x: Any) -> Any:
        return None, None

    def call(self, inputs: Any, mask: Any = None, training: bool = False) -> tuple[Any, Any]:
        if len(inputs.shape) != 2 or not tf.as_dtype(inputs.dtype).is_integer:
            raise ValueError(
                f"{self.owner} is called on token ids, integers of shape [batch, tokens]. Received: "
                f"{tf.as_dtype(inputs.dtype).name} of shape {tuple(inputs.shape)}. Texts are for model.predict(texts), "
                "or for model.vectorize(texts) first."
            )
        mask = self.steps(inputs)
        if training and self.word_dropout:
            inputs = tokenization.drop_words(inputs, mask, self.word_dropout, self.word_seeds)
        return self.embedding(inputs), mask

    def steps(self, inputs: Any, mask: Any = None) -> Any:
        return keras.ops.not_equal(inputs, PADDING)

    def takes(self, x: Any) -> bool:
        return not isinstance(x, tf.data.Dataset) or holds_texts(x)

    def rows(self, column: Any, *, finite: bool = True) -> Any:
        if holds_ids(column):
            return checked_arrays(x=column)[0]
        texts, (known, ids) = as_texts(column), self._remembered
        self._remembered = None, None
        return ids if texts == known else tokenization.ids_of(self.vectorizer, texts, self.max_length)

    def remember(self, texts: list[str | bytes], tokens: Sequence[Sequence[bytes]]) -> None:
        """Keep the ids of texts whose tokens are known already, for the next call of `rows`, which lets go of them."""
        self._remembered = texts, tokenization.ids_of_tokens(self.vocabulary, tokens, self.max_length)

    def set_vectors(self, embeddings: Mapping[str, Any]) -> None:
        """Let tokens start with vectors of their own, by token; others keep theirs."""
        table = self.embedding.embeddings.numpy()
        for row, token in enumerate(self.vocabulary, start=2):
            if token in embeddings:
                table[row] = embeddings[token]
        self.embedding.embeddings.assign(table)

    def vectorize(self, texts: Any) -> tf.Tensor:
        """Token ids `[batch, tokens]` of a list or tensor of texts, padded by 0 to the longest of them."""
        return self._padded(self.vectorizer(texts if tf.is_tensor(texts) else tf.constant(as_texts(texts))))

    def _padded(self, ids: tf.RaggedTensor) -> tf.Tensor:
        ids = ids[:, : self.max_length].to_tensor(PADDING)
        return tf.pad(ids, [[0, 0], [0, tf.cast(tf.shape(ids)[1] == 0, tf.int32)]])  # one step at least

    def raw_inputs(self) -> RawInputs:
        vectorizer = tokenization.in_a_file(self.vocabulary, tokenization.make_vectorizer)
        specs = [tf.TensorSpec([None], tf.string, name="text")]
        return RawInputs(specs, lambda text: self._padded(vectorizer(text)), [vectorizer])

    def step_spec(self) -> tf.TensorSpec:
        return tf.TensorSpec([None], tf.int32, name="token_ids")

    def step(self, inputs: Any) -> tuple[Any, Any]:
        return self.embedding(inputs), self.steps(inputs)

    def settings(self) -> dict[str, Any]:
        return {
            "vocabulary": self.vocabulary,
            "embedding_size": self.embedding.output_dim,
            "max_length": self.max_length,
            "word_dropout": self.word_dropout,
        }


def holds_texts(dataset: tf.data.Dataset) -> bool:
    """Whether the inputs of a dataset are strings."""
    spec = dataset.element_spec
    first = spec[0] if isinstance(spec, tuple) else spec
    return isinstance(first, tf.TensorSpec) and first.dtype == tf.string


def holds_ids(x: Any) -> bool:
    """Whether x is an array `[rows, tokens]` of integers."""
    if not hasattr(x, "__array__") and not (
        isinstance(x, (list, tuple)) and x and isinstance(x[0], (list, tuple, np.ndarray))
    ):
        return False
    try:
        array = np.asarray(x)
    except ValueError:  # rows of different lengths
        return False
    return array.ndim == 2 and array.dtype.kind in "iu"


def as_texts(values: Any) -> list[str | bytes]:
    """Texts as a list, checked."""
    texts = as_column("texts", values)
    for row, text in enumerate(texts):
        if not isinstance(text, (str, bytes)):
            raise ValueError(
                f"Every text must be a string. Received: {text!r} of type {type(text).__name__} in row {row}. Remove "
                'the row, or write its text as a string; "" stands for an empty one.'
            )
        if isinstance(text, str) and HALF_CHARACTER.search(text):
            raise ValueError(
                f"Every text must hold whole characters. Received: half a surrogate pair in row {row}, as is left "
                "where an emoji was cut in two. Correct it, or remove the row."
            )
    return texts


def vector_size(embeddings: Mapping[str, Any]) -> int:
    """The length of the vectors of `embeddings`, a dict by token."""
    shapes = {np.shape(vector) for vector in embeddings.values()} if isinstance(embeddings, Mapping) else set()
    if len(shapes) != 1 or len(next(iter(shapes))) != 1:
        raise ValueError(
            "`embeddings` must be a dict of vectors by token, all of one length. Received: vectors of shapes "
            f"{sorted(shapes)}."
        )
    return int(next(iter(shapes))[0])

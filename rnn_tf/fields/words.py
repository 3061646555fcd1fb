"""Sentences as words, each a vector of its own beside what its spelling tells."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from rnn_tf._checks import positive_integer
from rnn_tf.fields.columns import as_column
from rnn_tf.fields.field import InputField, RawInputs
from rnn_tf.fields.tokenization import (
    INVISIBLE,
    PADDING,
    SPACES,
    UNKNOWN,
    checked_vocabulary,
    checked_word_dropout,
    chunks,
    cut,
    drop_words,
    frequent_tokens,
    in_a_file,
    lower_case,
    whole_characters,
)
from rnn_tf.layers import RNN, Embedding
from rnn_tf.training.batches import Ragged

CUTS = ("spaces", "words")
SPELLED = 20  # characters of a word that are read
CHUNK = 2**16  # words that are encoded at once


class Sentence(NamedTuple):
    """The text, its tokens as they stand there, and at which character each starts."""

    text: str
    tokens: list[str]
    starts: list[int]


class Words(InputField):
    """Sentences, or what `encode` makes of them, as vectors `[batch, tokens, features]`.

        x_t = [E[word_t]; GRU(C[character_1], ..., C[character_n])]

    A word is looked up in lower case, its digits as 0. The second part reads its characters as they are, from both
    ends, and tells something about words that training never had. `encode` gives a row `[1 + characters]` for each
    token: the id of its word, then those of its characters; 0 is padding.

    Args:
        owner: Name of the model, for errors.
        vocabulary: List of words as `normalized` writes them; the first has id 2. Id 1 stands for any other.
        characters: String of the characters that are known, or "" to read words alone.
        embedding_size: Positive integer, length of a word's vector.
        character_units: Positive integer, units of the GRU in each direction.
        word_dropout: Fraction of the words to replace by the unknown one in training. Their characters stay.
        tokens: Where strings are cut: `"spaces"`, or `"words"`, as `rnn_tf.fields.tokenization.cut` says.
    """

    noun = "sentences"

    def __init__(
        self,
        owner: str,
        vocabulary: Sequence[str],
        characters: str,
        embedding_size: int,
        character_units: int,
        word_dropout: float,
        tokens: str,
        **kwargs: Any,
    ) -> None:
        super().__init__(autocast=False, **kwargs)  # ids must not be rounded
        if tokens not in CUTS:
            raise ValueError(f"`tokens` must be one of {', '.join(map(repr, CUTS))}. Received: tokens={tokens!r}.")
        self.owner = owner
        self.vocabulary = checked_vocabulary(vocabulary, f"{owner}.from_data")
        self.characters = characters
        self.word_dropout = checked_word_dropout(word_dropout)
        self.tokens = tokens
        self.lookup = _lookup(self.vocabulary)
        self.word_seeds = keras.random.SeedGenerator()
        self.embedding = Embedding(
            len(self.vocabulary) + 2,
            positive_integer("embedding_size", embedding_size),
            embeddings_initializer=keras.initializers.RandomUniform(-0.25, 0.25),
            name="embedding",
            dtype=self.dtype_policy,
        )
        self.character_units = positive_integer("character_units", character_units)
        if characters:
            self.character_embedding = Embedding(
                len(characters) + 2,
                character_units,
                embeddings_initializer=keras.initializers.RandomUniform(-0.25, 0.25),
                name="character_embedding",
                dtype=self.dtype_policy,
            )
            reader = RNN(keras.layers.GRUCell(character_units, dtype=self.dtype_policy), dtype=self.dtype_policy)
            self.spelling = keras.layers.Bidirectional(reader, name="spelling", dtype=self.dtype_policy)

    def build(self, input_shape: Any) -> None:
        self.embedding.build((None, None))
        if self.characters:
            self.character_embedding.build((None, None))
            self.spelling.build((None, None, self.character_units))

    def sequence_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return (*input_shape[:2], self.embedding.output_dim + 2 * self.character_units * bool(self.characters))

    def input_shape(self, x: Any) -> Any:
        return None, None, None

    def call(self, inputs: Any, mask: Any = None, training: bool = False) -> tuple[Any, Any]:
        if len(inputs.shape) != 3 or not tf.as_dtype(inputs.dtype).is_integer:
            raise ValueError(
                f"{self.owner} is called on integers of shape [batch, tokens, 1 + characters]. Received: "
                f"{tf.as_dtype(inputs.dtype).name} of shape {tuple(inputs.shape)}. Sentences are for "
                "model.tag(sentences), or for model.field_in.rows(sentences).padded() first."
            )
        mask, words = self.steps(inputs), inputs[:, :, 0]
        if training and self.word_dropout:
            words = drop_words(words, mask, self.word_dropout, self.word_seeds)
        vectors = self.embedding(words)
        if not self.characters:
            return vectors, mask
        batch, timesteps, size = tf.unstack(tf.shape(inputs))
        spelled = tf.reshape(inputs[:, :, 1:], [batch * timesteps, size - 1])  # a word a row
        spelling = self.spelling(self.character_embedding(spelled), mask=spelled != PADDING, training=training)
        spelling = tf.reshape(spelling, [batch, timesteps, 2 * self.character_units])
        return tf.concat([vectors, spelling], axis=-1), mask

    def steps(self, inputs: Any, mask: Any = None) -> Any:
        return keras.ops.not_equal(inputs[:, :, 0], PADDING)

    def takes(self, x: Any) -> bool:
        return not isinstance(x, tf.data.Dataset)

    def rows(self, column: Any, *, finite: bool = True) -> Any:
        sentences = self.sentences(column)
        empty = next((row for row, one in enumerate(sentences) if not one.tokens), None)
        if finite and empty is not None:
            raise ValueError(
                f"Every sentence must have at least one token. Received: none in sentence {empty}. Remove it, and its "
                "tags."
            )
        return self.encoded(sentences)

    def sentences(self, column: Any) -> list[Sentence]:
        """A column of sentences with their tokens."""
        return cut_sentences(column, self.tokens)

    def encoded(self, sentences: Sequence[Sentence]) -> Ragged:
        """Sentences as rows for the network."""
        tokens = [token for one in sentences for token in one.tokens]
        return Ragged(self.encode(tokens), np.array([len(one.tokens) for one in sentences]))

    def encode(self, tokens: Sequence[str]) -> np.ndarray:
        """Int32 rows `[tokens, 1 + characters]`."""
        chunks = [self.ids(tf.constant(tokens[i : i + CHUNK], tf.string)).numpy() for i in range(0, len(tokens), CHUNK)]
        size = max((chunk.shape[1] for chunk in chunks), default=2)
        return np.concatenate(
            [np.zeros([0, size], np.int32)] + [np.pad(one, [[0, 0], [0, size - one.shape[1]]]) for one in chunks]
        )

    def ids(self, tokens: Any, lookup: Any = None) -> Any:
        """The ids of tokens `[tokens]`, int32 `[tokens, 1 + characters]`, in the graph."""
        words = tf.maximum(tf.cast((lookup or self.lookup)(normalized(tokens)), tf.int32), UNKNOWN)[:, None]
        if not self.characters:
            return words
        known = np.array(sorted(map(ord, self.characters)), np.int32)
        codes = tf.strings.unicode_decode(whole_characters(tokens), "UTF-8")[:, :SPELLED]
        place = tf.minimum(tf.searchsorted(known, codes.flat_values), len(known) - 1)
        numbers = tf.where(tf.gather(known, place) == codes.flat_values, place + UNKNOWN + 1, UNKNOWN)
        return tf.concat([words, codes.with_flat_values(numbers).to_tensor(PADDING)], axis=1)

    def raw_inputs(self) -> RawInputs:
        lookup = in_a_file(self.vocabulary, _lookup)

        def read(text: Any) -> Any:
            tokens, _ = cut(text, self.tokens)
            ids = tokens.with_values(self.ids(tokens.values, lookup)).to_tensor(PADDING)
            return tf.pad(ids, [[0, 0], [0, tf.cast(tf.shape(ids)[1] == 0, tf.int32)], [0, 0]])  # one step at least

        return RawInputs([tf.TensorSpec([None], tf.string, name="text")], read, [lookup])

    def step_spec(self) -> tf.TensorSpec:
        return tf.TensorSpec([None, None], tf.int32, name="word_ids")

    def step(self, inputs: Any) -> tuple[Any, Any]:
        vectors, mask = self(inputs[:, None])
        return vectors[:, 0], mask[:, 0]

    def settings(self) -> dict[str, Any]:
        return {
            "vocabulary": self.vocabulary,
            "characters": self.characters,
            "embedding_size": self.embedding.output_dim,
            "character_units": self.character_units,
            "word_dropout": self.word_dropout,
            "tokens": self.tokens,
        }


def normalized(tokens: Any) -> tf.Tensor:
    """Tokens as they are looked up: in lower case, each digit as 0, without invisible marks."""
    tokens = tf.strings.regex_replace(tf.strings.regex_replace(whole_characters(tokens), SPACES, " "), INVISIBLE, "")
    return lower_case(tf.strings.regex_replace(tf.strings.regex_replace(tokens, "’", "'"), r"\p{Nd}", "0"))


def learn_words(tokens: Sequence[str], size: int, min_count: int) -> tuple[list[str], str]:
    """The most frequent words, as `normalized` writes them, and all characters that occur more than once."""
    words = (normalized(tf.constant(tokens[i : i + CHUNK])).numpy().tolist() for i in range(0, len(tokens), CHUNK))
    counts = Counter(character for token in tokens for character in token)
    return frequent_tokens(words, size, min_count), "".join(sorted(one for one, count in counts.items() if count > 1))


def cut_sentences(column: Any, at: str) -> list[Sentence]:
    """Strings, cut into tokens, or lists of tokens; the text of a list has a space between two tokens."""
    values = as_column("sentences", column)
    texts = [value for value in values if isinstance(value, (str, bytes))]
    found = _cut_all(texts, at)
    return [next(found) if isinstance(one, (str, bytes)) else _joined(row, one) for row, one in enumerate(values)]


def _cut_all(texts: Sequence[str | bytes], at: str) -> Iterator[Sentence]:
    for chunk in chunks(texts):
        tokens, starts = cut(chunk, at)
        for text, found, places in zip(
            whole_characters(chunk).numpy(), tokens.to_list(), starts.to_list(), strict=True
        ):
            yield Sentence(text.decode(), [token.decode() for token in found], places)


def _joined(row: int, value: Any) -> Sentence:
    values = value.tolist() if isinstance(value, np.ndarray) else value
    if not isinstance(values, (list, tuple)) or not all(isinstance(token, str) and token for token in values):
        raise ValueError(
            "A sentence must be a string, or a list of tokens, strings that are not empty. Received: "
            f"{value!r:.60} as sentence {row}."
        )
    ends = np.cumsum([len(token) + 1 for token in values], dtype=int)
    return Sentence(" ".join(values), list(values), [0, *ends.tolist()][: len(values)])


def _lookup(vocabulary: Sequence[str] | str) -> keras.layers.StringLookup:
    return keras.layers.StringLookup(vocabulary=vocabulary, mask_token="")

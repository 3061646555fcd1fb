"""From raw strings to token ids, by TensorFlow ops alone, so that an export takes raw strings too."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnn_tf._checks import positive_integer
from rnn_tf.training.batches import Ragged

PADDING, UNKNOWN = 0, 1  # ids that TextVectorization keeps for itself; the vocabulary follows
CHUNK = 1024  # texts that are tokenised at once


@keras.saving.register_keras_serializable(package="rnn_tf")
def separate_tokens(texts: Any) -> tf.Tensor:
    """Texts in lower case with one space between two tokens.

    - A run of letters and digits is a token: `rnn`, `2024`, `naïve`; so are `don't` and `3.5`, with an apostrophe
      between letters and a point or comma between digits.
    - A Han character, hiragana or katakana is a token by itself: Chinese and Japanese need no spaces.
    - Any other character that is not a space is a token by itself: `!`, `。`, an emoji.
    - Bytes that are not UTF-8 become U+FFFD, invisible marks (zero-width joiners, soft hyphens) disappear.

    Args:
        texts: String tensor.

    Example:
    >>> from rnn_tf.fields.tokenization import separate_tokens
    >>> separate_tokens(["Don't panic: 看了3.5遍iPhone!"])[0].numpy().decode().split()
    ["don't", 'panic', ':', '看', '了', '3.5', '遍', 'iphone', '!']
    """
    texts = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8")
    texts = tf.strings.regex_replace(texts, r"[\p{Z}\p{Cc}]", " ")
    # The lower case of İ and I depends on the server's locale, so replace them first.
    texts = tf.strings.lower(tf.strings.regex_replace(texts, "İ", "i"))
    texts = tf.strings.lower(texts, encoding="utf-8")
    beside_a_mark = (r"(^|[^\p{L}\p{N}\p{M}])(')|(^|[^\p{N}])([.,])", r"\1\3 \2\4 ")
    for pattern, replacement in (
        (r"[\p{Cf}\x{FE00}-\x{FE0F}]", ""),
        ("’", "'"),
        (r"([^\p{L}\p{N}\p{M}\s'.,]|[\p{Han}\p{Hiragana}\p{Katakana}])", r" \1 "),
        beside_a_mark,
        beside_a_mark,  # twice, since a mark that was just set apart cannot be the left neighbour of the next
        (r"(')([^\p{L}\p{N}]|$)|([.,])([^\p{N}]|$)", r" \1\3 \2\4"),
    ):
        texts = tf.strings.regex_replace(texts, pattern, replacement)
    return texts


def make_vectorizer(vocabulary: Sequence[str] | str) -> keras.layers.TextVectorization:
    """Texts `[batch]` to a ragged tensor of ids `[batch, tokens]`; `vocabulary` may be the path of a file of it."""
    vectorizer = keras.layers.TextVectorization(
        standardize=separate_tokens, split="whitespace", ragged=True, vocabulary=vocabulary
    )
    vectorizer.build((None,))  # an export asks for it
    return vectorizer


def tokens_of(texts: Sequence[str | bytes]) -> Iterator[list[bytes]]:
    """The tokens of each text."""
    for chunk in _chunks(texts):
        yield from tf.strings.split(separate_tokens(chunk)).to_list()


def learn_vocabulary(texts: Sequence[str | bytes], size: int, min_count: int) -> list[str]:
    """The `size` most frequent tokens of those that occur at least `min_count` times, the most frequent first."""
    return frequent_tokens(tokens_of(texts), size, min_count)


def frequent_tokens(tokens: Iterable[Sequence[bytes]], size: int, min_count: int) -> list[str]:
    """As `learn_vocabulary`, from the tokens of each text."""
    positive_integer("vocabulary_size", size)
    positive_integer("min_count", min_count)
    counts = Counter(token for row in tokens for token in row)
    frequent = [token for token, count in counts.items() if count >= min_count]
    frequent.sort(key=lambda token: (-counts[token], token))
    if not frequent:
        raise ValueError(
            f"The vocabulary would be empty: of {len(counts)} different tokens none occurs {min_count} times. "
            "Give more text, or a smaller `min_count`."
        )
    return [token.decode() for token in frequent[:size]]


def ids_of(vectorizer: keras.layers.TextVectorization, texts: Sequence[str | bytes], limit: int) -> Ragged:
    """The int32 ids of each text's first `limit` tokens."""
    chunks = [vectorizer(chunk)[:, :limit] for chunk in _chunks(texts)]
    return Ragged(
        np.concatenate([ids.values.numpy() for ids in chunks]).astype(np.int32),
        np.concatenate([ids.row_lengths().numpy() for ids in chunks]),
    )


def ids_of_tokens(vocabulary: Sequence[str], tokens: Sequence[Sequence[bytes]], limit: int) -> Ragged:
    """As `ids_of`, from the tokens of each text."""
    ids = {token.encode(): number for number, token in enumerate(vocabulary, start=UNKNOWN + 1)}
    lengths = np.array([min(len(row), limit) for row in tokens])
    values = (ids.get(token, UNKNOWN) for row in tokens for token in row[:limit])
    return Ragged(np.fromiter(values, np.int32, lengths.sum()), lengths)


def _chunks(texts: Sequence[str | bytes]) -> Iterator[tf.Tensor]:
    for first in range(0, len(texts), CHUNK):
        yield tf.constant(texts[first : first + CHUNK])

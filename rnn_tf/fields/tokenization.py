"""From raw strings to token ids, by TensorFlow ops alone, so that an export takes raw strings too."""

import shutil
import tempfile
import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnn_tf._checks import positive_integer
from rnn_tf.training.batches import Ragged

PADDING, UNKNOWN = 0, 1  # ids that TextVectorization keeps for itself; the vocabulary follows
CHUNK = 1024  # texts that are tokenised at once
SPACES = r"[\p{Z}\p{Cc}]"
INVISIBLE = r"[\p{Cf}\x{FE00}-\x{FE0F}]"
GAP = "\n"  # between tokens that keep their places: no text has it once its spaces are plain


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
    texts = lower_case(tf.strings.regex_replace(whole_characters(texts), SPACES, " "))
    return _apart(tf.strings.regex_replace(tf.strings.regex_replace(texts, INVISIBLE, ""), "’", "'"), " ")


def cut(texts: Any, at: str) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
    """The tokens of texts as they stand there, and where they begin, both `[batch, tokens]`.

    Args:
        texts: String tensor `[batch]`.
        at: `"spaces"`, which separate tokens; or `"words"`, for text that nobody cut: at the places where
            `separate_tokens` cuts.

    Example:
    >>> from rnn_tf.fields.tokenization import cut
    >>> tokens, starts = cut(["Don't  panic: 看了"], at="words")
    >>> [token.decode() for token in tokens[0].numpy()], starts[0].numpy().tolist()
    (["Don't", 'panic', ':', '看', '了'], [0, 7, 12, 14, 15])
    """
    texts = tf.strings.regex_replace(whole_characters(texts), SPACES, " ")  # one for one: places stay
    texts = tf.strings.regex_replace(_apart(texts, GAP) if at == "words" else texts, " ", f"{GAP} {GAP}")
    pieces = tf.strings.split(texts, GAP)
    lengths = tf.strings.length(pieces.flat_values, unit="UTF8_CHAR")
    ends = tf.cumsum(lengths)
    first = tf.gather(tf.concat([[0], ends], 0), pieces.row_starts())  # characters in the texts before
    starts = pieces.with_flat_values(ends - lengths - tf.gather(first, pieces.value_rowids()))
    are_tokens = pieces.with_flat_values(tf.strings.strip(pieces.flat_values) != "")
    return tf.ragged.boolean_mask(pieces, are_tokens), tf.ragged.boolean_mask(starts, are_tokens)


def whole_characters(texts: Any) -> tf.Tensor:
    """Texts in UTF-8; bytes that are not become U+FFFD."""
    return tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8")


def lower_case(texts: Any) -> tf.Tensor:
    """Texts in lower case."""
    # The lower case of İ and I depends on the server's locale, so replace them first.
    texts = tf.strings.lower(tf.strings.regex_replace(texts, "İ", "i"))
    return tf.strings.lower(texts, encoding="utf-8")


def _apart(texts: Any, gap: str) -> tf.Tensor:
    """Texts with a gap between two tokens."""
    beside_a_mark = (r"(^|[^\p{L}\p{N}\p{M}])(['’])|(^|[^\p{N}])([.,])", rf"\1\3{gap}\2\4{gap}")
    for pattern, replacement in (
        (r"([^\p{L}\p{N}\p{M}\p{Cf}\s'’.,]|[\p{Han}\p{Hiragana}\p{Katakana}])", rf"{gap}\1{gap}"),
        beside_a_mark,
        beside_a_mark,  # twice, since a mark that was just set apart cannot be the left neighbour of the next
        (r"(['’])([^\p{L}\p{N}]|$)|([.,])([^\p{N}]|$)", rf"{gap}\1\3{gap}\2\4"),
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


def checked_vocabulary(vocabulary: Any, learned_by: str) -> list[str]:
    """The vocabulary as a list; errors name what learns one."""
    if isinstance(vocabulary, str) or not vocabulary or not all(isinstance(token, str) for token in vocabulary):
        raise ValueError(
            f"`vocabulary` must be a list of strings, at least one. Received: {vocabulary!r:.200}. {learned_by} learns "
            "one."
        )
    return list(vocabulary)


def checked_word_dropout(share: float) -> float:
    """The share, if it is one."""
    if not 0 <= share < 1:
        raise ValueError(f"`word_dropout` must be at least 0 and less than 1. Received: {share!r}.")
    return share


def drop_words(ids: Any, mask: Any, share: float, seeds: keras.random.SeedGenerator) -> tf.Tensor:
    """Ids `[batch, tokens]`, a share of which has become the unknown token."""
    drop = keras.random.uniform(tf.shape(ids), seed=seeds) < share
    return tf.where(mask & drop, tf.cast(UNKNOWN, ids.dtype), ids)


def in_a_file(vocabulary: Sequence[str], make: Callable[[str], Any]) -> Any:
    """The layer that `make` makes of a file of the vocabulary, an entry a line: an export has it as an asset."""
    folder = tempfile.mkdtemp()
    path = Path(folder, "vocabulary.txt")
    path.write_text("\n".join(vocabulary), encoding="utf-8", newline="\n")
    layer = make(str(path))
    weakref.finalize(layer, shutil.rmtree, folder, ignore_errors=True)
    return layer


def tokens_of(texts: Sequence[str | bytes]) -> Iterator[list[bytes]]:
    """The tokens of each text."""
    for chunk in chunks(texts):
        yield from tf.strings.split(separate_tokens(chunk)).to_list()


def learn_vocabulary(texts: Sequence[str | bytes], size: int, min_count: int) -> list[str]:
    """The `size` most frequent tokens of those that occur at least `min_count` times, the most frequent first."""
    return frequent_tokens(tokens_of(texts), size, min_count)


def frequent_tokens(tokens: Iterable[Sequence[bytes]], size: int, min_count: int) -> list[str]:
    """As `learn_vocabulary`, from the tokens of each text."""
    return most_frequent(Counter(token for row in tokens for token in row), size, min_count)


def most_frequent(counts: Counter[bytes], size: int, min_count: int) -> list[str]:
    """As `learn_vocabulary`, from how often each token occurs."""
    positive_integer("vocabulary_size", size)
    positive_integer("min_count", min_count)
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
    found = [vectorizer(chunk)[:, :limit] for chunk in chunks(texts)]
    return Ragged(
        np.concatenate([ids.values.numpy() for ids in found]).astype(np.int32),
        np.concatenate([ids.row_lengths().numpy() for ids in found]),
    )


def ids_of_tokens(vocabulary: Sequence[str], tokens: Sequence[Sequence[bytes]], limit: int) -> Ragged:
    """As `ids_of`, from the tokens of each text."""
    ids = {token.encode(): number for number, token in enumerate(vocabulary, start=UNKNOWN + 1)}
    lengths = np.array([min(len(row), limit) for row in tokens])
    values = (ids.get(token, UNKNOWN) for row in tokens for token in row[:limit])
    return Ragged(np.fromiter(values, np.int32, lengths.sum()), lengths)


def chunks(texts: Sequence[str | bytes]) -> Iterator[tf.Tensor]:
    """Texts as tensors, some at once."""
    for first in range(0, len(texts), CHUNK):
        yield tf.constant(texts[first : first + CHUNK])

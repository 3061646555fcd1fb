"""One long text, as the ids of its tokens, their vectors, and text again."""

from collections import Counter
from collections.abc import Iterator, Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnn_tf._checks import positive_integer
from rnn_tf.data.files import content_of
from rnn_tf.data.text import HALF_CHARACTER
from rnn_tf.fields.columns import as_column
from rnn_tf.fields.field import AnswerField, InputField, RawInputs
from rnn_tf.fields.tokenization import PADDING, UNKNOWN, checked_vocabulary, most_frequent, whole_characters
from rnn_tf.layers import Embedding
from rnn_tf.layers.rows import MOST_ROWS
from rnn_tf.training.batches import Ragged

LINE_END = 2  # the id of "\n", the first token of every vocabulary; a text is read as if it followed a line end
CHUNK = 2**18  # characters that are cut at once
GAP = "\0"
_LETTER = r"[^\p{P}\p{S}\p{Z}\p{C}\p{Han}\p{Hiragana}\p{Katakana}]"  # or a digit, or a mark on one
WORD = rf"( ?{_LETTER}+(?:['’]{_LETTER}+)*| ?[\p{{Han}}\p{{Hiragana}}\p{{Katakana}}\p{{P}}\p{{S}}]|[\p{{Z}}\p{{C}}])"
KINDS = ("characters", "words", "spaces")


class RunningText(InputField):
    r"""Texts as token ids `[batch, tokens]` and vectors `[batch, tokens, embedding_size]`.

        x_t = E[id_t]

    Args:
        vocabulary: List of tokens, of which the first is `"\n"`, with id 2. Id 1 stands for any other token.
        tokens: What a token is: see `split`.
        embedding_size: Positive integer, length of a token's vector.
        tied: Whether the vectors are the rows of the output layer, too.

    Example:
    >>> from rnn_tf.fields import RunningText
    >>> field = RunningText(["\n", "a", "b"], "characters", embedding_size=4)
    >>> field.ids(["ab", "b\nc"])
    <tf.RaggedTensor [[3, 4], [4, 2, 1]]>
    """

    noun = "texts"

    def __init__(
        self, vocabulary: Sequence[str], tokens: str, embedding_size: int, tied: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(autocast=False, **kwargs)  # ids must not be rounded
        self.supports_jit = False  # XLA takes seconds to compile the loops, and makes large ones no faster
        self.vocabulary = checked_vocabulary(vocabulary, "LanguageModel.from_text")
        if self.vocabulary[0] != "\n" or len(set(self.vocabulary)) < len(self.vocabulary):
            raise ValueError(
                "`vocabulary` must begin with '\\n', the end of a line, which every text follows, and hold each token "
                f"once. Received: {self.vocabulary[:5]}, ... LanguageModel.from_text learns one."
            )
        self.tokens = checked_kind(tokens)
        self.tied = tied
        self.size = len(self.vocabulary) + 2
        self.lookup = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(
                tf.constant(self.vocabulary), tf.range(LINE_END, self.size, dtype=tf.int32)
            ),
            UNKNOWN,
        )
        self.embedding = Embedding(
            self.size,
            positive_integer("embedding_size", embedding_size),
            embeddings_initializer=keras.initializers.RandomUniform(-0.1, 0.1),
            name="embedding",
            dtype=self.dtype_policy,
        )

    def build(self, input_shape: Any) -> None:
        """Make the vectors."""
        self.embedding.build(input_shape)

    def table(self) -> Any:
        """All vectors, if there are few, or the output layer shares them; read once a step, and None otherwise.

        TensorFlow copies the whole table at every read that follows a lookup in the variable itself.
        """
        if not self.tied and self.size > MOST_ROWS:
            return None
        return tf.cast(self.embedding.embeddings.value, self.compute_dtype)

    def call(self, inputs: Any, mask: Any = None, training: bool = False) -> tuple[Any, Any]:
        return self.embedding(inputs), self.steps(inputs)

    def steps(self, inputs: Any, mask: Any = None) -> Any:
        return keras.ops.not_equal(inputs, PADDING)

    def sequence_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return (*input_shape, self.embedding.output_dim)

    def input_shape(self, x: Any) -> Any:
        return None, None

    def takes(self, x: Any) -> bool:
        numbers = isinstance(x, np.ndarray) and x.dtype.kind not in "OSU"
        return not numbers and not isinstance(x, (tf.Tensor, tf.data.Dataset))

    def rows(self, column: Any, *, finite: bool = True) -> Ragged:
        """Each text of a list, after the line end that it follows."""
        ids = self.after_line_end(self.ids([checked_text(text) for text in as_column("texts", column)]))
        return Ragged(ids.values.numpy(), ids.row_lengths().numpy())

    def ids(self, texts: Any) -> tf.RaggedTensor:
        """Int32 ids `[batch, tokens]` of texts `[batch]`, in the graph."""
        tokens = split(texts, self.tokens)
        return tokens.with_values(self.lookup.lookup(tokens.values))

    @staticmethod
    def after_line_end(ids: tf.RaggedTensor) -> tf.RaggedTensor:
        """The ids with a line end before each text."""
        return tf.concat([tf.fill([ids.nrows(), 1], LINE_END), ids], 1)

    def stream(self, text: Any) -> np.ndarray:
        """The ids of one long text, after a line end, in the smallest dtype that holds them."""
        ids = np.empty([1 + len(text)], np.min_scalar_type(self.size))  # of pages that nobody writes no memory is taken
        ids[0], end = LINE_END, 1
        for chunk in chunks(text):
            found = self.ids([chunk]).values.numpy()
            ids[end : end + len(found)] = found
            end += len(found)
        return ids[:end]

    def raw_inputs(self) -> RawInputs:
        specs = [tf.TensorSpec([None], tf.string, name="prompts")]
        return RawInputs(specs, lambda text: self.after_line_end(self.ids(text)), [self.lookup])

    def step_spec(self) -> tf.TensorSpec:
        return tf.TensorSpec([None], tf.int32, name="token_ids")

    def step(self, inputs: Any) -> tuple[Any, Any]:
        return self.embedding(inputs), self.steps(inputs)

    def settings(self) -> dict[str, Any]:
        return {
            "vocabulary": self.vocabulary,
            "tokens": self.tokens,
            "embedding_size": self.embedding.output_dim,
            "tied": self.tied,
        }


class NextTokens(AnswerField):
    r"""The tokens that a model of language answers, as text.

    Args:
        vocabulary: As in `RunningText`.
        tokens: As in `RunningText`.

    Example:
    >>> from rnn_tf.fields import NextTokens
    >>> field = NextTokens(["\n", "the", "cat"], "spaces")
    >>> field.text([[2]], [[3, 4]]).numpy().tolist()
    [b'the cat']
    """

    noun = "next tokens"

    def __init__(self, vocabulary: Sequence[str], tokens: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.between = " " if tokens == "spaces" else ""
        self.shown = np.array(["", "�", *vocabulary], object)

    def call(self, answers: Any) -> Any:
        return answers

    def pieces(self, before: Any, ids: Any) -> Any:
        """Ids as the pieces of text that, one after the other, make it up; with those right before each of them."""
        found = tf.gather(tf.constant(self.shown.tolist()), ids)
        if not self.between:
            return found
        return tf.where(_is_word(before) & _is_word(ids), self.between + found, found)

    def text(self, before: Any, ids: Any) -> Any:
        """The text of ids `[batch, tokens]`, given the id `[batch, 1]` before the first."""
        ids = tf.convert_to_tensor(ids)
        earlier = tf.concat([tf.cast(before, ids.dtype), ids], 1)[:, :-1]
        return tf.strings.reduce_join(self.pieces(earlier, ids), -1)

    def named(self, answers: Any) -> dict[str, Any]:
        return {"logits": answers}

    def rows(self, column: Any, *, finite: bool = True) -> Any:
        raise ValueError(
            "A text is its own answer, and has no weights. Received: more beside it. Write fit(text), with "
            "validation_data=text; for several files give a list of paths, to validate on ([path, path],)."
        )

    def class_weights(self, weights: Any, rows: Any) -> None:
        return None

    def settings(self) -> dict[str, Any]:
        return {}


def _is_word(ids: Any) -> Any:
    return (ids != PADDING) & (ids != LINE_END)


def split(texts: Any, tokens: str) -> tf.RaggedTensor:
    r"""The tokens of texts, string `[batch]`, as strings `[batch, tokens]`.

    Args:
        texts: String tensor `[batch]`.
        tokens: `"characters"`; `"words"`: a word with the space before it, a punctuation mark, a Han character, or a
            space that is left, so that the tokens one after the other are the text; or `"spaces"`, for a text whose
            tokens stand between spaces. The end of a line is a token in all of them.

    Example:
    >>> from rnn_tf.fields.running_text import split
    >>> [token.decode() for token in split(["Don't stop, 看了"], "words")[0].numpy()]
    ["Don't", ' stop', ',', ' 看', '了']
    >>> [token.decode() for token in split(["a  <unk>\nb"], "spaces")[0].numpy()]
    ['a', '<unk>', '\n', 'b']
    """
    texts = whole_characters(texts)
    if tokens == "characters":
        return tf.strings.unicode_split(texts, "UTF-8")
    texts = tf.strings.regex_replace(texts, GAP, " ")
    if tokens == "words":
        texts = tf.strings.regex_replace(texts, WORD, rf"\1{GAP}")
    else:
        texts = tf.strings.regex_replace(texts, "\n", f"{GAP}\n{GAP}")
        texts = tf.strings.regex_replace(texts, r"[\p{Z}\t\x0B-\x0D\x1C-\x1F\x{85}]", GAP)
    found = tf.strings.split(texts, GAP)
    return tf.ragged.boolean_mask(found, found != "")


def checked_kind(tokens: str) -> str:
    """What a token is, if it is known."""
    if tokens not in KINDS:
        raise ValueError(f"`tokens` must be one of {', '.join(map(repr, KINDS))}. Received: tokens={tokens!r}.")
    return tokens


def checked_text(text: Any) -> str:
    """A text, if it is one of whole characters."""
    if isinstance(text, bytes):
        text = text.decode(errors="replace")
    if not isinstance(text, str):
        raise ValueError(f"A text must be a string. Received: {text!r:.60} of type {type(text).__name__}.")
    if HALF_CHARACTER.search(text):
        raise ValueError(
            "A text must hold whole characters. Received: half a surrogate pair, as is left where an emoji was cut in "
            "two. Write text.encode(errors='replace').decode()."
        )
    return text


def read_text(source: Any) -> str:
    """One long text: a string as it is; a `pathlib.Path`, or a list of them, whose files are read one after the other.

    Raises:
        ValueError: If it is something else, or a file is not in UTF-8.
    """
    paths = source if isinstance(source, (list, tuple)) and source else [source]
    if all(isinstance(path, PathLike) for path in paths):
        files = [content_of(Path(fspath(path)), "It needs a text.").decode() for path in paths]
        return "".join(text if text.endswith("\n") or text is files[-1] else text + "\n" for text in files)
    if isinstance(source, (str, bytes)):
        return checked_text(source)
    raise ValueError(
        "A text must be one string, or a pathlib.Path, or a list of paths. Received: "
        f"{type(source).__name__}. For several texts write '\\n'.join(texts)."
    )


def chunks(text: str) -> Iterator[str]:
    """Parts of a text that are cut into tokens one by one: after the end of a line, or before a space."""
    start = 0
    while start < len(text):
        end = min(start + CHUNK, len(text))
        if end < len(text):
            line, space = text.rfind("\n", start, end) + 1, text.rfind(" ", start, end)
            end = max(line, space if space > start else 0) or end  # a word takes the space before it
        yield text[start:end]
        start = end


def learn_tokens(text: str, tokens: str, size: int, min_count: int) -> list[str]:
    """A vocabulary: the end of a line, and the most frequent tokens."""
    checked_kind(tokens)
    counts: Counter[bytes] = Counter()
    for chunk in chunks(text):
        found, _, times = tf.unique_with_counts(split([chunk], tokens).values)
        counts.update(dict(zip(found.numpy().tolist(), times.numpy().tolist(), strict=True)))
    return ["\n", *(token for token in most_frequent(counts, size, min_count) if token != "\n")]

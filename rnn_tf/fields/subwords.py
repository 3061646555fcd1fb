"""From raw strings to ids of subwords and back, by TensorFlow ops alone, so that an export takes and gives strings."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from rnn_tf._checks import positive_integer
from rnn_tf.fields.tokenization import PADDING, UNKNOWN, chunks, whole_characters
from rnn_tf.fields.tokens import as_texts

BEGIN, END = 2, 3  # of a text
FIRST = 4  # id of the first token
LONGEST = 32  # characters of a word, which bounds the turns of merging; a longer run is several words
NEVER = tf.int64.max  # in place of an id, where two tokens make none
GAP = "\n"  # between words: no text has it once its spaces are plain

# Ranges of code points: what \p{L} and its like hold differs from one library's version of Unicode to the next one's.
INVISIBLE = (
    r"[\x{00}-\x{08}\x{0e}-\x{1b}\x{7f}-\x{84}\x{86}-\x{9f}\x{ad}\x{200c}-\x{200f}\x{202a}-\x{202e}\x{2060}-\x{206f}]"
)
ODD_SPACE = (
    r"[\x{09}-\x{0d}\x{1c}-\x{1f}\x{85}\x{a0}\x{1680}\x{2000}-\x{200b}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}]"
)
_SYMBOL = (  # or digit
    r"!-@\[-`{-~\x{a1}-\x{bf}\x{d7}\x{f7}\x{2010}-\x{2027}\x{2030}-\x{205e}\x{20a0}-\x{20bf}\x{2190}-\x{27ff}"
    r"\x{3001}-\x{3003}\x{3008}-\x{301f}\x{ff01}-\x{ff20}\x{ff3b}-\x{ff40}\x{ff5b}-\x{ff65}"
)
_HAN = r"\x{3005}-\x{3007}\x{3400}-\x{9fff}\x{f900}-\x{faff}\x{20000}-\x{3ffff}"
WORD = rf" ?(?:[{_SYMBOL}]|[{_HAN}]{{1,{LONGEST}}}|[^ {_SYMBOL}{_HAN}]{{1,{LONGEST}}})"


def cut(texts: Any) -> tf.RaggedTensor:
    """The words of texts `[batch]`, inside which characters are merged: `[batch, words]`, the last of each text "".

    A word is a run of letters, a run of Han characters, a digit or a symbol, with the space before it; before a text
    there is one, too. Spaces of all kinds become plain, runs of them single; invisible characters disappear.

    Args:
        texts: String tensor. Bytes that are not UTF-8 become U+FFFD.

    Example:
    >>> from rnn_tf.fields.subwords import cut
    >>> cut(["It's  20%."]).to_list()
    [[b' It', b"'", b's', b' 2', b'0', b'%', b'.', b'']]
    """
    texts = tf.strings.regex_replace(whole_characters(texts), INVISIBLE, "")
    texts = tf.strings.strip(tf.strings.regex_replace(tf.strings.regex_replace(texts, ODD_SPACE, " "), "  +", " "))
    texts = tf.where(texts == "", "", " " + texts)
    return tf.strings.split(tf.strings.regex_replace(texts, WORD, rf"\0{GAP}"), GAP)


def learn_subwords(texts: Sequence[str | bytes], size: int) -> dict[str, list[Any]]:
    """Learn the tokens and merges that `Subwords` takes, as lists of strings.

    The characters of the texts are the first tokens; where there is no room for all of them, those in most words. Then
    the two tokens that are next to each other most often become a token, again and again, until there is no more room
    or no two are next to each other twice.

    Args:
        texts: List of strings; of both languages, for a vocabulary that both share.
        size: Positive integer, how many ids there may be: four that stand for no text, and the tokens.

    Returns:
        `"tokens"`: the characters, then what each merge makes. `"merges"`: pairs of tokens, the earliest first.

    Raises:
        ImportError: If `tokenizers` is not installed.
        ValueError: If the texts hold no character, or `size` leaves no room for one.

    Source: R. Sennrich, B. Haddow and A. Birch (2016), "Neural machine translation of rare words with subword units",
    ACL.

    Example:
    >>> from rnn_tf.fields.subwords import learn_subwords
    >>> learn_subwords(["low lower lowest"], size=99)["merges"]
    [[' ', 'l'], ['o', 'w'], [' l', 'ow'], [' low', 'e']]
    """
    try:
        from tokenizers import Tokenizer, models, trainers
    except ImportError:
        raise ImportError(
            'Subwords are learned by tokenizers. Install it with: pip install "rnn-tf[translation]"'
        ) from None
    if positive_integer("size", size) <= FIRST:
        raise ValueError(f"`size` must be greater than {FIRST}, the ids that stand for no text. Received: size={size}.")
    texts = as_texts(texts)
    counts: Counter[str] = Counter()
    for chunk in chunks(texts):
        words, _, times = tf.unique_with_counts(cut(chunk).values)
        counts.update({word.decode(): int(n) for word, n in zip(words.numpy(), times.numpy(), strict=True)})
    characters: Counter[str] = Counter()
    for word, n in counts.items():
        characters.update(dict.fromkeys(word, n))
    if not characters:
        raise ValueError(f"Texts to learn from must hold a character. Received: {len(texts)} texts that hold none.")
    alphabet = sorted(characters, key=lambda character: (-characters[character], character))[: size - FIRST]
    trainer = trainers.BpeTrainer(
        vocab_size=size - FIRST,
        min_frequency=2,
        initial_alphabet=alphabet,
        limit_alphabet=len(alphabet),
        show_progress=False,
    )
    learned = Tokenizer(models.BPE())  # which adds no tokens: "</s>" in a text is four characters
    learned.train_from_iterator(([word] * n for word, n in counts.items()), trainer)
    model = json.loads(learned.to_str())["model"]
    return {"tokens": sorted(model["vocab"], key=model["vocab"].get), "merges": model["merges"]}


class Subwords(tf.Module):
    """Texts as ids of subwords, by byte-pair encoding, and as texts again.

    A word, as `cut` finds it, is at first its characters. Of all pairs of neighbours that are merges, the earliest
    merge is done, at its leftmost place; again and again, until no pair is a merge. Cases differ. Id 0 is padding, 1 a
    character that is no token, 2 and 3 the begin and the end of a text, which `encode` does not add.

    TensorFlow cannot normalize Unicode: "é" of one code point and "é" of two are different texts. Where both may
    come, give `unicodedata.normalize("NFC", text)` to `learn_subwords` and to `encode`.

    Args:
        tokens: List of strings, as `learn_subwords` learns them; the first has id 4.
        merges: List of pairs of tokens, the earliest first.

    Attributes:
        size: How many ids there are.

    Raises:
        ValueError: If `merges` do not make `tokens`.

    Source: R. Sennrich, B. Haddow and A. Birch (2016), "Neural machine translation of rare words with subword units",
    ACL.

    Example:
    >>> from rnn_tf.fields.subwords import Subwords, learn_subwords
    >>> subwords = Subwords(**learn_subwords(["low lower lowest"], size=99))
    >>> subwords.encode(["lowest low", ""])
    <tf.RaggedTensor [[15, 9, 10, 14], []]>
    >>> [text.decode() for text in subwords.decode([[15, 9, 10, 14], [14, 1, 3, 0]]).numpy()]
    ['lowest low', 'low⁇']
    """

    def __init__(self, tokens: Sequence[str], merges: Sequence[Sequence[str]]) -> None:
        super().__init__()
        made = [left + right for left, right in merges]
        characters = [token for token in tokens if len(token) == 1]
        ids = {token: number for number, token in enumerate(tokens, FIRST)}
        if (
            [*characters, *made] != list(tokens)
            or len(ids) < len(tokens)
            or any(ids.get(part, NEVER) >= ids[left + right] for left, right in merges for part in (left, right))
        ):
            raise ValueError(
                "`tokens` must be single characters and then what `merges` make, each once and of two tokens before "
                f"it. Received: {len(tokens)} tokens and {len(merges)} merges. learn_subwords learns both."
            )
        self.size = len(tokens) + FIRST
        pairs = {ids[left] * self.size + ids[right]: ids[left + right] for left, right in merges}
        codes = {ord(character): ids[character] for character in characters}
        self._characters = _table(codes | {ord(GAP): PADDING}, UNKNOWN)
        self._merges = _table({0: NEVER} | pairs, NEVER)  # two paddings make nothing; a table cannot be empty
        self._texts = tf.constant(["", "⁇", "", "", *tokens])

    def encode(self, texts: Any) -> tf.RaggedTensor:
        """The int32 ids `[batch, tokens]` of strings `[batch]`."""
        texts = tf.convert_to_tensor(texts, tf.string)
        if texts.shape.rank != 1:
            raise ValueError(f"Texts must be a list or a tensor of shape [batch]. Received: shape {texts.shape}.")
        return self._encode(texts)

    def decode(self, ids: Any) -> tf.Tensor:
        """The strings `[...]` of ids `[..., tokens]`, dense or ragged. An unknown character is shown as ⁇."""
        ids = ids.to_tensor(PADDING) if isinstance(ids, tf.RaggedTensor) else ids
        return tf.strings.strip(tf.strings.reduce_join(tf.gather(self._texts, ids), -1))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
    def _encode(self, texts: Any) -> tf.RaggedTensor:
        with tf.device("CPU:0"):  # where strings and tables are; a GPU would ask for copies in each turn
            words = cut(texts)
            different, places = tf.unique(words.values)
            return words.with_values(tf.gather(self._merge(different), places)).merge_dims(1, 2)

    def _merge(self, words: Any) -> tf.RaggedTensor:
        """The ids of words, `[words, tokens]`; one merge a word and turn.

        All words lie in one row `[tokens]`, with padding after each. Ids rise from merge to merge, so the lowest that
        a pair makes is the earliest merge.
        """
        codes = tf.strings.unicode_decode(words + GAP, "UTF-8")
        ids, word = self._characters.lookup(tf.cast(codes.values, tf.int64)), codes.value_rowids()
        makes = self._make(ids, tf.roll(ids, -1, 0))  # what each token makes with the next one

        def turn(ids: Any, word: Any, makes: Any) -> tuple[Any, Any, Any]:
            at = tf.where((makes < NEVER) & (makes == tf.gather(tf.math.segment_min(makes, word), word)))[:, 0]
            of = tf.gather(word, at)
            at = tf.boolean_mask(at, tf.concat([[True], of[1:] != of[:-1]], 0))  # the leftmost of each word
            ids = _put(ids, at, tf.gather(makes, at))
            stays = tf.where(_put(tf.ones_like(ids), at + 1, tf.zeros_like(at)))[:, 0]
            ids, word, makes = (tf.gather(row, stays) for row in (ids, word, makes))
            at -= tf.range(tf.size(at, tf.int64))  # so many tokens before it are gone
            at = tf.concat([tf.maximum(at - 1, 0), at], 0)  # the pairs with a new token
            return ids, word, _put(makes, at, self._make(tf.gather(ids, at), tf.gather(ids, at + 1)))

        def some(ids: Any, word: Any, makes: Any) -> tf.Tensor:
            return tf.reduce_any(makes < NEVER)

        ids, word, _ = tf.while_loop(some, turn, (ids, word, makes), (tf.TensorShape([None]),) * 3)
        ids, word = (tf.boolean_mask(row, ids != PADDING) for row in (tf.cast(ids, tf.int32), word))
        return tf.RaggedTensor.from_value_rowids(ids, word, tf.size(words, tf.int64), validate=False)

    def _make(self, left: Any, right: Any) -> tf.Tensor:
        return self._merges.lookup(left * self.size + right)


def _table(values: dict[int, int], default: int) -> tf.lookup.StaticHashTable:
    keys, ids = (tf.constant(list(side), tf.int64) for side in (values, values.values()))
    return tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(keys, ids), default)


def _put(row: Any, at: Any, values: Any) -> tf.Tensor:
    return tf.tensor_scatter_nd_update(row, at[:, tf.newaxis], values)

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_tf.fields.tokenization import CHUNK, ids_of, learn_vocabulary, make_vectorizer, separate_tokens, tokens_of


def tokens(text):
    (found,) = tokens_of([text])
    return [token.decode() for token in found]


TABLE = [
    ("It IS so Good", ["it", "is", "so", "good"]),
    ("ÉTÉ ΟΔΟΣ Straße", ["été", "οδος", "straße"]),
    ("well... (no) a-b/c", ["well", ".", ".", ".", "(", "no", ")", "a", "-", "b", "/", "c"]),
    ("!!?", ["!", "!", "?"]),
    ("don't DON’T l’été rock'n'roll", ["don't", "don't", "l'été", "rock'n'roll"]),
    ("'quoted' dogs' 'tis", ["'", "quoted", "'", "dogs", "'", "'", "tis"]),
    ("3.5 1,000 1,000.25 2024. 3,", ["3.5", "1,000", "1,000.25", "2024", ".", "3", ","]),
    (".5 a.5 5.a", [".", "5", "a", ".", "5", "5", ".", "a"]),
    ("...", [".", ".", "."]),
    ("不好吃。真的！", ["不", "好", "吃", "。", "真", "的", "！"]),
    ("iPhone15很好用", ["iphone15", "很", "好", "用"]),
    ("好3.5分", ["好", "3.5", "分"]),
    ("ひらカナ漢字", ["ひ", "ら", "カ", "ナ", "漢", "字"]),
    ("한국어 좋다", ["한국어", "좋다"]),
    ("👨\u200d👩\u200d👧❤\ufe0f👍🏽", ["👨", "👩", "👧", "❤", "👍", "🏽"]),
    ("so\u00adft zero\u200bwidth \ufeffbom", ["soft", "zerowidth", "bom"]),
    ("a\u00a0b\u3000c\u2028d\u2009e", ["a", "b", "c", "d", "e"]),
    ("a\nb\r\nc\td\x0be\x0cf", ["a", "b", "c", "d", "e", "f"]),
    ("", []),
    (" \t\n\u3000\u00a0", []),
    ("naïve nai\u0308ve", ["naïve", "nai\u0308ve"]),
    (b"caf\xc3\xa9 \xff bad\xc3", ["café", "\ufffd", "bad", "\ufffd"]),
]


@pytest.mark.parametrize(("text", "expected"), TABLE, ids=lambda value: ascii(value)[:30])
def test_what_is_a_token(text, expected):
    assert tokens(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("wow..10/10", ["wow", ".", ".", "10", "/", "10"]),
        ("..5", [".", ".", "5"]),
        ("''tis", ["'", "'", "tis"]),
        ("the U.S.'s", ["the", "u", ".", "s", ".", "'", "s"]),
    ],
)
def test_a_point_or_apostrophe_after_another_one_is_a_token_too(text, expected):
    assert tokens(text) == expected


@pytest.mark.parametrize("control", ["\x00", "\x1c", "\x85"])
def test_control_characters_separate_and_cut_nothing_off(control):
    assert tokens(f"good{control}food here") == ["good", "food", "here"]


ODD = st.text(alphabet="aÀ5٣好ー\u0301.,'’!_ \n\u3000\u200d\ufe0f\u0085\x00İΣ①😀", max_size=12)


@settings(deadline=None)
@given(text=st.text() | ODD)
def test_tokens_hold_no_spaces_and_are_tokens_again(text):
    found = tokens(text)
    assert not [token for token in found if not token or any(character.isspace() for character in token)]
    assert tokens(" ".join(found)) == found


@settings(deadline=None, max_examples=30)
@given(texts=st.lists(st.text() | ODD, min_size=1, max_size=8))
def test_a_text_has_the_same_tokens_alone_and_in_a_batch(texts):
    assert list(tokens_of(texts)) == [next(tokens_of([text])) for text in texts]


def test_tokens_do_not_depend_on_the_language_of_the_machine(run_python):
    code = (
        "from rnn_tf.fields.tokenization import separate_tokens\n"
        "print(ascii(separate_tokens(['I LIKE İstanbul IT'])[0].numpy().decode()))"
    )
    turkish = run_python(code, LC_ALL="tr_TR.UTF-8", LANG="tr_TR.UTF-8")
    assert turkish.split()[0].strip("'") == "i"
    assert turkish.strip() == ascii(separate_tokens(["I LIKE İstanbul IT"])[0].numpy().decode())


def rows(ragged):
    return [row.tolist() for row in np.split(ragged.values, np.cumsum(ragged.lengths)[:-1])]


def test_more_texts_than_are_tokenised_at_once_keep_their_order():
    texts = [f"w{i} " * (i % 3) for i in range(CHUNK + 5)]
    assert list(tokens_of(texts)) == [[f"w{i}".encode()] * (i % 3) for i in range(CHUNK + 5)]
    vectorizer = make_vectorizer([f"w{i}" for i in range(CHUNK + 5)])
    ids = ids_of(vectorizer, texts, limit=1)
    assert rows(ids) == [[i + 2] * min(1, i % 3) for i in range(CHUNK + 5)]


def test_ids_are_those_of_the_vocabulary_from_two_on():
    vectorizer = make_vectorizer(["good", "好", "'", "😀"])
    ids = ids_of(vectorizer, ["GOOD 好好 'other 😀 好"], limit=6)
    assert (ids.values.dtype, rows(ids)) == (np.int32, [[2, 3, 3, 4, 1, 5]])
    assert rows(ids_of(vectorizer, ["", " ", "好"], limit=6)) == [[], [], [3]]


def test_the_vocabulary_may_come_from_a_file(tmp_path):
    vocabulary = learn_vocabulary(["“x” # \\ 好 \u0301 é ' \U0001f600 \ufffd"], size=99, min_count=1)
    assert len(vocabulary) == 11
    path = tmp_path / "vocabulary.txt"
    path.write_text("\n".join(vocabulary), encoding="utf-8", newline="\n")
    (ids,) = rows(ids_of(make_vectorizer(str(path)), [" ".join(vocabulary)], limit=99))
    assert ids == list(range(2, len(vocabulary) + 2))


def test_the_vocabulary_holds_the_most_frequent_tokens_first():
    texts = ["b a a c", "A c b d"]  # a 3, b 2, c 2, d 1
    assert learn_vocabulary(texts, size=9, min_count=1) == ["a", "b", "c", "d"]
    assert learn_vocabulary(texts, size=9, min_count=2) == ["a", "b", "c"]
    assert learn_vocabulary(texts, size=2, min_count=1) == ["a", "b"]
    in_another_order = [b"c a a b", b"d b c A"]  # equally frequent ones come by alphabet
    assert learn_vocabulary(in_another_order, size=9, min_count=1) == ["a", "b", "c", "d"]


def test_a_vocabulary_of_nothing_is_refused():
    with pytest.raises(ValueError, match=r"would be empty: of 2 different tokens none occurs 3 times. Give more text"):
        learn_vocabulary(["a b", "a"], size=9, min_count=3)
    with pytest.raises(ValueError, match=r"would be empty: of 0 different tokens"):
        learn_vocabulary(["", " "], size=9, min_count=1)
    with pytest.raises(ValueError, match=r"`vocabulary_size` must be a positive integer. Received: .*=0"):
        learn_vocabulary(["a"], size=0, min_count=1)
    with pytest.raises(ValueError, match=r"`min_count` must be a positive integer. Received: min_count=0"):
        learn_vocabulary(["a"], size=9, min_count=0)

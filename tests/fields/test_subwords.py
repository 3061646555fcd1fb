import json
import sys

import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("tokenizers")

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

from rnn_tf.fields import subwords as rules
from rnn_tf.fields.subwords import BEGIN, END, FIRST, LONGEST, Subwords, cut, learn_subwords
from rnn_tf.fields.tokenization import CHUNK, PADDING, UNKNOWN

TEXTS = [
    "The dog runs after the other dogs, and the cat sleeps.",
    "Der Hund läuft hinter den anderen Hunden her; die Katze schläft.",
    "L'été dernier, nous étions 12 à la mer. Ça va ?",
    "今天天气很好，我们去公园。今天我们很好！",
    "犬は公園で走る。人々は見る。",
    "Собака бежит, кошка спит. Η γάτα κοιμάται.",
    "aaaaaaaaaa aaaaaaa aaaaa aaaa aaa aa a abababab ababab",
    "</s> <unk> <s> <pad> ▁ ⁇ 2024 3.5% nai\u0308ve 😀",
]
LEARNED = learn_subwords(TEXTS * 2, size=250)
SUBWORDS = Subwords(**LEARNED)
NOT_TEXT = ["<pad>", "<unk>", "<s>", "</s>"]


def dressed(tokenizer):
    """A tokenizer of `tokenizers` that cuts texts by the same rules."""
    steps = [(rules.INVISIBLE, ""), (rules.ODD_SPACE, " "), ("  +", " ")]
    replaced = [normalizers.Replace(Regex(pattern), by) for pattern, by in steps]
    tokenizer.normalizer = normalizers.Sequence([*replaced, normalizers.Strip(), normalizers.Prepend(" ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(rules.WORD), "isolated")
    return tokenizer


def library(tokens, merges):
    vocabulary = {token: number for number, token in enumerate([*NOT_TEXT, *tokens])}
    return dressed(Tokenizer(models.BPE(vocabulary, [tuple(pair) for pair in merges], unk_token="<unk>")))


LIBRARY = library(**LEARNED)


def ids(*texts, subwords=SUBWORDS):
    return subwords.encode(list(texts)).to_list()


def decoded(rows, subwords=SUBWORDS):
    return [text.decode() for text in subwords.decode(rows).numpy()]


def plain(text):
    """The text as `decode` gives it where every character is a token; written without the patterns of the module."""
    spaces = {*range(0x09, 0x0E), *range(0x1C, 0x21), 0x85, 0xA0, 0x1680, *range(0x2000, 0x200C), 0x2028, 0x2029}
    spaces |= {0x202F, 0x205F, 0x3000, 0xFEFF}
    gone = {*range(0x20), *range(0x7F, 0xA0), 0xAD, *range(0x200C, 0x2010), *range(0x202A, 0x202F)}
    gone |= {*range(0x2060, 0x2070)}
    text = "".join(" " if ord(c) in spaces else "" if ord(c) in gone else c for c in text)
    return " ".join(word for word in text.split(" ") if word)


HOSTILE = [
    "",
    " ",
    "\t\n\r\x0b\x0c\x1c\x85\xa0\u1680\u2009\u200b\u2028\u202f\u205f\u3000\ufeff",
    "\x00\x1b\x7f\x80\x9f\xad\u200d\u200e\u202e\u2060\u2066",
    "a\x00b c\u00add \u200d e",
    "\ufeffthe dog",
    "the   dog \u3000 runs\n",
    "</s>",
    "<unk> <s></s><pad>",
    "▁the▁dog ▁",
    "⁇ \u2047",
    "e\u0301 \u0301\u0301 \u0308a 5\u0301 今\u0301",
    "0123456789 ٣٤ ５６ ½ ²",
    "!?¿¡…—“”„'’`^~\\[]{}()<>|$€£",
    "今天天气" * 30,
    "今天the dog犬はカタカナ々〇ー。！　，",
    "\u9fff\ufaff\U00020000\U0003ffff㐀",
    "😀👍🏽👨\u200d👩\u200d👧❤\ufe0f🇩🇪",
    "а".join("aаaа") + "αΑ Σς ß ẞ İı ﬁ",
    "a" * 31 + " " + "a" * 32 + " " + "a" * 33 + " " + "a" * 1000,
    "ab" * 500,
    "Hund" * 100 + "ä" * 70,
    "☃the☃☃dog☃ ☃",
    "\ufffd\ufffe\uffff\U0010ffff\ue000\u0378",
    "नमस्ते สวัสดี שָׁלוֹם مرحبا 한국어",
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda value: ascii(value)[:20])
def test_ids_are_those_of_the_library(text):
    assert ids(text) == [LIBRARY.encode(text).ids]


def test_a_text_has_the_same_ids_alone_and_in_a_batch():
    texts = HOSTILE + TEXTS
    assert ids(*texts) == [row.ids for row in LIBRARY.encode_batch(texts)]
    assert ids(*texts) == [ids(text)[0] for text in texts]


ODD = st.text(
    alphabet="aabdeghnorstuHÄäÀ5٣3好今天ーは\u0301.,'’!<>/s▁⁇_ \n\u3000\xa0\u200b\u200d\ufe0f\x85\x00\x1cİß①😀\ufffd☃",
    max_size=50,
)
ANY = st.text() | ODD | st.lists(st.sampled_from(TEXTS + HOSTILE), max_size=3).map("".join)


@settings(deadline=None, max_examples=200)
@given(texts=st.lists(ANY, max_size=6))
def test_any_texts_have_the_ids_of_the_library(texts):
    assert ids(*texts) == [row.ids for row in LIBRARY.encode_batch(texts)]


@settings(deadline=None, max_examples=5)  # each traces a function
@given(texts=st.lists(ANY, min_size=1, max_size=6))
def test_what_is_learned_from_any_texts_gives_them_back(texts):
    learned = learn_subwords(["a", *texts], size=1000)
    subwords = Subwords(**learned)
    found = subwords.encode(texts)
    assert found.to_list() == [row.ids for row in library(**learned).encode_batch(texts)]
    assert UNKNOWN not in found.values.numpy()
    assert decoded(found, subwords) == [plain(text) for text in texts]


@settings(deadline=None, max_examples=100)
@given(texts=st.lists(st.text("ab ", min_size=1, max_size=60), min_size=1, max_size=6))
def test_no_token_is_made_in_two_ways(texts):
    Subwords(**learn_subwords(["a", *texts], size=1000))


def test_tokens_are_those_that_the_library_learns():
    texts = TEXTS * 2
    for size in (150, 250, 999):
        tokenizer = dressed(Tokenizer(models.BPE()))
        tokenizer.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=size - FIRST, min_frequency=2))
        model = json.loads(tokenizer.to_str())["model"]
        learned = learn_subwords(texts, size)
        assert learned["merges"] == model["merges"]
        assert {token: number for number, token in enumerate(learned["tokens"])} == model["vocab"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It's  so\tgood", [" It", "'", "s", " so", " good"]),
        ("3.50€ (no)", [" 3", ".", "5", "0", "€", " (", "no", ")"]),
        ("我们iPhone很好。", [" 我们", "iPhone", "很好", "。"]),
        ("don’t nai\u0308ve", [" don", "’", "t", " nai\u0308ve"]),
        ("ひらカナ人々", [" ひらカナ", "人々"]),
        ("a" * (LONGEST + 1), [" " + "a" * LONGEST, "a"]),
        ("", []),
        (" \u3000\u200b", []),
    ],
)
def test_what_is_a_word(text, expected):
    assert [word.decode() for word in cut([text])[0].numpy()] == [*expected, ""]


def test_the_earliest_merge_is_done_first_and_the_leftmost_of_equal_ones():
    subwords = Subwords([" ", "a", "b", "c", "bc", "ab", "aa"], [["b", "c"], ["a", "b"], ["a", "a"]])
    tokens = ["", "", "", "", " ", "a", "b", "c", "bc", "ab", "aa"]
    rows = ids("abc", "abab", "aaa", "aaaaab", subwords=subwords)
    assert [" ".join(tokens[number] for number in row).split() for row in rows] == [
        ["a", "bc"],
        ["ab", "ab"],
        ["aa", "a"],
        ["aa", "aa", "ab"],
    ]


def test_ids_have_a_shape_and_a_type():
    found = SUBWORDS.encode(["the dog", "", "今天"])
    assert (found.dtype, found.shape.as_list(), found.ragged_rank) == (tf.int32, [3, None], 1)
    assert len(found[1]) == 0
    assert SUBWORDS.size == len(LEARNED["tokens"]) + FIRST == 250
    assert (PADDING, UNKNOWN, BEGIN, END, FIRST) == (0, 1, 2, 3, 4)


def test_no_texts_have_no_ids():
    found = SUBWORDS.encode([])
    assert (found.to_list(), found.dtype) == ([], tf.int32)
    assert decoded(found) == []
    assert decoded(SUBWORDS.encode(["", " "])) == ["", ""]


def test_what_stands_for_an_end_is_text_where_a_user_writes_it():
    text = "</s> <s> <pad> <unk>"
    (found,) = ids(text)
    assert min(found) >= FIRST
    assert decoded([found]) == [text]


def test_what_is_no_token_is_shown_as_such():
    assert decoded(SUBWORDS.encode(["the ☃ dog", "☃☃the"])) == ["the ⁇ dog", "⁇⁇the"]
    assert ids("☃") == [[FIRST + LEARNED["tokens"].index(" "), UNKNOWN]]


def test_padding_and_ends_are_no_text():
    (row,) = ids("the dog")
    assert decoded([[BEGIN, *row, END, PADDING, PADDING]]) == ["the dog"]
    assert SUBWORDS.decode(row).numpy() == b"the dog"
    hypotheses = SUBWORDS.decode(tf.constant([[row, row[::-1]]], tf.int64))
    assert hypotheses.shape == (1, 2)


def test_bytes_that_are_not_utf_8_are_replaced_as_python_does():
    texts = [b"caf\xc3\xa9 \xff dog\xc3", b"\xe2\x82 the", b"\xed\xa0\x80", b"\xf0\x9f\x98", b"\xc0\xaf\xf5", b"\x80"]
    assert ids(*texts) == ids(*(text.decode(errors="replace") for text in texts))


def test_cases_and_forms_of_a_character_differ():
    assert ids("Der") != ids("der")
    assert ids("é") != ids("e\u0301")


def test_learning_gives_the_same_each_time_and_lives_in_json():
    assert json.loads(json.dumps(LEARNED)) == LEARNED == learn_subwords(TEXTS * 2, size=250)
    assert learn_subwords([text.encode() for text in TEXTS] * 2, size=250) == LEARNED


def test_more_texts_than_are_cut_at_once_are_all_learned_from():
    texts = ["ab"] + ["c"] * CHUNK + ["ab"]
    assert learn_subwords(texts, size=99) == {
        "tokens": [" ", "a", "b", "c", " c", " a", " ab"],
        "merges": [[" ", "c"], [" ", "a"], [" a", "b"]],
    }


def test_a_pair_that_occurs_once_is_no_token():
    assert learn_subwords(["ab"], size=99) == {"tokens": [" ", "a", "b"], "merges": []}
    assert ids("ab b", subwords=Subwords([" ", "a", "b"], [])) == [[4, 5, 6, 4, 6]]


def test_where_room_is_small_the_rarest_characters_are_no_tokens():
    texts = ["axa axa", "aya aya", "za"]
    assert learn_subwords(texts, size=FIRST + 2) == {"tokens": [" ", "a"], "merges": []}
    assert learn_subwords(texts, size=FIRST + 3) == {"tokens": [" ", "a", "x"], "merges": []}  # as often as y
    assert learn_subwords(texts, size=FIRST + 6) == {"tokens": [" ", "a", "x", "y", "z", " a"], "merges": [[" ", "a"]]}


def test_chinese_needs_no_spaces():
    learned = learn_subwords(["今天天气很好", "今天很冷", "今天天气"], size=99)
    assert ["今", "天"] in learned["merges"] or [" 今", "天"] in learned["merges"]
    assert decoded(Subwords(**learned).encode(["天气今天很冷"]), Subwords(**learned)) == ["天气今天很冷"]


def test_a_saved_model_holds_the_tables(tmp_path):
    module = tf.Module()
    module.subwords = Subwords(**LEARNED)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "text")])
    def serve(text):
        found = module.subwords.encode(text)
        return {"ids": found.to_tensor(PADDING), "text": module.subwords.decode(found)}

    module.serve = serve
    tf.saved_model.save(module, str(tmp_path), signatures={"serving_default": serve})
    texts = HOSTILE + TEXTS
    answers = tf.saved_model.load(str(tmp_path)).signatures["serving_default"](text=tf.constant(texts))
    assert answers["ids"].numpy().tolist() == SUBWORDS.encode(texts).to_tensor(PADDING).numpy().tolist()
    assert [text.decode() for text in answers["text"].numpy()] == decoded(SUBWORDS.encode(texts))


def test_datasets_are_encoded():
    dataset = tf.data.Dataset.from_tensor_slices(TEXTS).batch(3).map(SUBWORDS.encode)
    assert [row for batch in dataset for row in batch.to_list()] == ids(*TEXTS)


@pytest.mark.parametrize(
    ("tokens", "merges"),
    [
        (["a", "b", "ba"], [["a", "b"]]),
        (["a", "b"], [["a", "b"]]),
        (["a", "b", "ab"], []),
        (["a", "a"], []),
        (["a", "", "b"], []),
        (["a", "b", "ac"], [["a", "c"]]),
        (["a", "aab", "ab"], [["a", "ab"], ["a", "b"]]),
        (["a", "b", "ab", "ab"], [["a", "b"], ["a", "b"]]),
        (["ab", "a", "b"], [["a", "b"]]),
    ],
)
def test_merges_that_do_not_make_the_tokens_are_refused(tokens, merges):
    with pytest.raises(ValueError, match=rf"Received: {len(tokens)} tokens and {len(merges)} merges"):
        Subwords(tokens, merges)


def test_texts_of_another_shape_are_refused():
    for texts, shape in (("the dog", r"\(\)"), ([["the"], ["dog"]], r"\(2, 1\)")):
        with pytest.raises(ValueError, match=rf"a list or a tensor of shape \[batch\]. Received: shape {shape}"):
            SUBWORDS.encode(texts)


def test_nothing_to_learn_from_is_refused():
    for size in (0, 2.5, True):
        with pytest.raises(ValueError, match=rf"`size` must be a positive integer. Received: size={size}"):
            learn_subwords(TEXTS, size)
    with pytest.raises(ValueError, match=r"`size` must be greater than 4, .* Received: size=4"):
        learn_subwords(TEXTS, 4)
    with pytest.raises(ValueError, match=r"must hold a character. Received: 2 texts that hold none"):
        learn_subwords(["", "\u200b"], 99)
    with pytest.raises(ValueError, match="Every text must be a string"):
        learn_subwords(["a", 5], 99)


def test_learning_without_the_library_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(ImportError, match=r'pip install "rnn-tf\[translation\]"'):
        learn_subwords(TEXTS, 99)
    assert ids("the dog", subwords=Subwords(**LEARNED)) == ids("the dog")

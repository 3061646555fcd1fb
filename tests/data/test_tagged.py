import gzip
import re
from collections import Counter

import pytest

from rnn_tf.data import Tagged, TaggedSplit, read_tagged, requests


@pytest.fixture
def write(tmp_path):
    def write(content, name="train.conll"):
        path = tmp_path / name
        content = content if isinstance(content, bytes) else content.encode()
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return path

    return write


CONLL_2003 = (
    "-DOCSTART- -X- -X- O\n\n"
    "EU NNP B-NP B-ORG\nrejects VBZ B-VP O\n# NN I-NP O\n\n"
    "# NN B-NP O\n1 CD I-NP O\n\n"
    "-DOCSTART- -X- O O\n\n\n"
    "Peter NNP B-NP B-PER\n\n \n\n"
)
SENTENCES = [["EU", "rejects", "#"], ["#", "1"], ["Peter"]]
NER = [["B-ORG", "O", "O"], ["O", "O"], ["B-PER"]]


@pytest.mark.parametrize("column", [None, "ner", "NER", 3, -1])
def test_conll_2003(write, column):
    tagged = read_tagged(write(CONLL_2003), column=column)
    sentences, tags = tagged
    assert (sentences, tags) == (SENTENCES, NER)
    assert tagged.intents is None
    assert repr(tagged) == "Tagged(3 sentences: 3 tags)"


@pytest.mark.parametrize(
    ("column", "first"), [("pos", "NNP"), (1, "NNP"), ("chunk", "B-NP"), (-2, "B-NP"), ("word", "EU")]
)
def test_columns_have_names_and_numbers(write, column, first):
    assert read_tagged(write(CONLL_2003), column).tags[0][0] == first


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\r"),
        lambda text: "\ufeff" + text,
        lambda text: text.rstrip("\n "),
        lambda text: "\n\n" + text + "\n\n\n",
        lambda text: text.replace(" ", "\t"),
        lambda text: text.replace(" ", " \t "),
        lambda text: text.replace(" ", "   ").replace("rejects ", "rejects\t"),
        lambda text: re.sub("(?<=[^ \n])\n", " \n", text),
    ],
)
def test_files_as_editors_leave_them(write, change):
    assert tuple(read_tagged(write(change(CONLL_2003.replace("\n \n", "\n"))))) == (SENTENCES, NER)


def test_compressed_files(write):
    assert read_tagged(write(CONLL_2003, "train.conll.gz")).tags == NER


@pytest.mark.parametrize("name", ["tag", "ner", "pos", "slot"])
def test_two_columns(write, name):
    assert read_tagged(write("wake O\nme O\n"), name) == Tagged([["wake", "me"]], [["O", "O"]])


def test_comments_are_told_from_tokens(write):
    content = (
        "# a comment of its own\n#\n# sent_id = 1\n# text = We are # 1 in the world\n"  # the third has four cells
        "We PRP B-NP O\n# NN B-NP O\n#1 CD I-NP O\n\n"
        "#newdoc\n# NN B-NP O\n# CD I-NP B-ORG\n\n"
        "#EU NNP B-NP B-TAG\n\n"
        "# the last comment\n"
    )
    sentences, tags = read_tagged(write(content))
    assert sentences == [["We", "#", "#1"], ["#"], ["#EU"]]  # of no other line is the tag B-ORG
    assert tags == [["O", "O", "O"], ["O"], ["B-TAG"]]
    with_another = content + "\nNATO NNP B-NP B-ORG\n"
    assert read_tagged(write(with_another)).sentences[1] == ["#", "#"]
    with pytest.raises(ValueError, match=r"line 3: a token must have as many columns"):
        read_tagged(write("We O\nare O\n# in the middle\nhere O\n"))


def test_comments_between_tabs(write):
    content = "# text = # 1\n#\tO\n1\tB-rank\n\n#hash\tO\n\n# sent_id = 3\n#\tB-rank\n"
    assert read_tagged(write(content)).sentences == [["#", "1"], ["#hash"], ["#"]]


def test_only_tabs_separate_where_there_are_some(write):
    content = "New York\tB-place\nat\u00a0last\tO\none\u3000two\tO\na\u2028b\tO\nc\u0085d\tO\n"
    assert read_tagged(write(content)).sentences == [
        ["New York", "at\u00a0last", "one\u3000two", "a\u2028b", "c\u0085d"]
    ]
    assert read_tagged(write("at\u00a0last O\n\u3000 O\n")).sentences == [["at\u00a0last", "\u3000"]]
    with pytest.raises(ValueError, match=r"line 1: either tabs or spaces .* Received: both.*'EU NNP'"):
        read_tagged(write("EU NNP\tO\nsays VBZ\tO\n"))


CONLL_U = """\
# sent_id = 1
# text = Vámonos al mar de New York	now
1-2\tVámonos\t_\t_\t_\t_\t_\t_\t_\t_
1\tVamos\tir\tVERB\tV\tMood=Imp\t0\troot\t_\t_
2\tnos\tnosotros\tPRON\tP\t_\t1\tobj\t_\t_
3\tNew York\tNew York\tPROPN\tN\t_\t1\tobl\t_\t_
3.1\tva\tir\tVERB\tV\t_\t_\t_\t1:x\t_

# a comment
1\t10\u00a0000\t10000\tNUM\tC\t_\t0\troot\t_\tSpaceAfter=No
2\t#\t#\tSYM\tS\t_\t1\tdep\t_\t_
"""


def test_conll_u(write):
    sentences, tags = read_tagged(write(CONLL_U, "es.conllu"))
    assert sentences == [["Vamos", "nos", "New York"], ["10\u00a0000", "#"]]
    assert tags == [["VERB", "PRON", "PROPN"], ["NUM", "SYM"]]
    path = write(CONLL_U.replace("\n", "\r\n") + "\r\n\r\n", "windows.conllu")
    assert read_tagged(path, "upos") == read_tagged(path, 3) == Tagged(sentences, tags)
    assert read_tagged(path, "DEPREL").tags == [["root", "obj", "obl"], ["root", "dep"]]
    assert read_tagged(path, -1).tags[1] == ["SpaceAfter=No", "_"]
    with pytest.raises(ValueError, match=r"must have a column 'upso'.*3 upos.*Did you mean 'upos'\?"):
        read_tagged(path, "upso")
    with pytest.raises(ValueError, match=r"line 4: .* line 3: 10\. Received: 9, "):
        read_tagged(write(CONLL_U.replace("\tir\tVERB\tV\tMood", "\tVERB\tV\tMood")))


def test_a_comment_names_the_columns(write):
    content = "# columns: pos word ner\nNNP Ada B-PER\n. . O\n"
    assert read_tagged(write(content)) == Tagged([["Ada", "."]], [["B-PER", "O"]])
    assert read_tagged(write(content), "pos").tags == [["NNP", "."]]
    plus = "# global.columns = ID FORM UPOS PARSEME:MWE\n# text = del mar\n"
    plus += "1-2\tdel\t_\t*\n1\tde\tADP\t*\n2\tel mar\tX\t1:ID\n"
    for header in (plus, plus.replace("# g", "#g")):
        assert read_tagged(write(header)) == Tagged([["de", "el mar"]], [["*", "1:ID"]])
        assert read_tagged(write(header), "upos").tags == [["ADP", "X"]]
    with pytest.raises(ValueError, match=r"line 1: there must be a name for each of the 2 columns of line 2"):
        read_tagged(write("# columns: word pos ner\nAda B-PER\n"))
    with pytest.raises(ValueError, match=r"line 1: each column must have a name of its own\. Received: 'pos' twice"):
        read_tagged(write("# columns: word pos pos\nAda NNP B-PER\n"))


@pytest.mark.parametrize(
    ("content", "column", "message"),
    [
        ("", None, r"train\.conll is empty\. It needs a line for each token"),
        ("\n\r\n \n", None, r"train\.conll is empty\."),
        ("# only\n\n-DOCSTART- O\n", None, r"holds no sentence\. Received: comments"),
        (CONLL_U[: CONLL_U.index("1\tVamos")], None, r"holds no sentence\. Received: no line of a token"),
        ("EU\nsays\n", None, r"line 1: a token must have a tag in another column\. Received: one column, 'EU'"),
        ("EU O\n\nsays\n", None, r"train\.conll, line 3: .* in line 1: 2\. Received: 1, 'says'\. Spaces separate"),
        ("EU O\nsays VBZ O\n", None, r"line 2: .* Received: 3, "),
        ("EU\tO\nsays O\n", None, r"line 2: .* Received: 1, 'says O'\. Tabs separate the columns, as in line 1"),
        ("EU\tO\n\tO\n", None, r"line 2: there must be a token in column 0"),
        ("EU\tO\nsays\t\n", None, r"line 2: there must be a tag in column 1"),
        ("EU O\n", "nr", r"must have a column 'nr'\. Received: the columns 0 word/token/form, 1 tag/ner"),
        (CONLL_2003, "chunks", r"0 word/token/form, 1 pos, 2 chunk, 3 ner\. Did you mean 'chunk'\? Give one"),
        ("a b c d e\n", "ner", r"4 \(no name\)\. .*# columns: word pos ner"),
        ("EU O\n", 2, r"`column` must be between 0 and 1, .* between -2 and -1\. Received: column=2; line 1 has 2"),
        ("EU O\n", -3, r"Received: column=-3"),
        ("EU O\n", True, r"`column` must be the name or the number of a column, or None\. Received: True"),
        ("EU O\n", 1.0, r"Received: 1\.0"),
        (b"EU O\nGen\xe8ve O\n", None, r"line 2: the file must be in UTF-8"),
    ],
)
def test_bad_files_are_named(write, content, column, message):
    with pytest.raises(ValueError, match=message):
        read_tagged(write(content), column)


def test_no_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"There is no file '.*none\.conll'\. Give the path of a CoNLL"):
        read_tagged(tmp_path / "none.conll")


@pytest.fixture
def folder(tmp_path, write):
    write("wake me at nine\n\nlights  off please \n", "seq.in")
    write("\ufeffO O O B-time\r\n\r\nO O O\r\n\r\n\r\n", "seq.out")
    write("set_alarm\n\nchange lights\t\n", "label")
    return tmp_path


def test_folder(folder):
    tagged = read_tagged(folder)
    sentences, tags = tagged
    assert sentences == [["wake", "me", "at", "nine"], ["lights", "off", "please"]]
    assert tags == [["O", "O", "O", "B-time"], ["O", "O", "O"]]
    assert tagged.intents == ["set_alarm", "change lights"]
    assert repr(tagged) == "Tagged(2 sentences: 2 tags, 2 intents)"
    (folder / "label").unlink()
    assert read_tagged(str(folder)) == Tagged(sentences, tags)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "seq.out",
            "O O O B-time\n\nO O\n",
            r"seq\.out, line 3: .* Received: 2 tags for 3 tokens, 'lights",
        ),
        (
            "seq.out",
            "O O O B-time\n",
            r"seq\.out, line 3: seq\.in, seq\.out, label must each .* Received: 1 lines",
        ),
        (
            "seq.in",
            "wake me at nine\n\n\n\nlights off\n",
            r"seq\.in, line 3: .* Received: an empty line, .*'O O O'",
        ),
        ("label", "set_alarm\n", r"label, line 3: "),
        ("label", "set_alarm\n\nlights\ncall\n", r"seq\.in, line 4: .* where another has 'call'"),
        ("label", "", r"label is empty\. It needs a line for each sentence"),
        ("seq.in", b"caf\xe9\n", r"seq\.in, line 1: the file must be in UTF-8"),
    ],
)
def test_bad_folders_are_named(folder, write, name, content, message):
    write(content, name)
    with pytest.raises(ValueError, match=message):
        read_tagged(folder)


def test_folder_without_its_files(folder):
    with pytest.raises(ValueError, match=r"`column` is for files.*Received: column='slot' and the folder"):
        read_tagged(folder, column="slot")
    (folder / "seq.out").unlink()
    with pytest.raises(FileNotFoundError, match=r"without seq\.out\. Put it there"):
        read_tagged(folder)
    (folder / "train").mkdir()
    (folder / "seq.in").rename(folder / "train" / "seq.in")
    with pytest.raises(FileNotFoundError, match=r"without seq\.in\. Give one of the folders in it: train\."):
        read_tagged(folder)


def slots(part):
    """Pairs of a label and the words that have it; every tag is well-formed."""
    found = []
    for tokens, tags in zip(part.sentences, part.tags, strict=True):
        assert len(tokens) == len(tags)
        for i, (token, tag) in enumerate(zip(tokens, tags, strict=True)):
            assert re.fullmatch("O|[BI]-[a-z]+", tag)
            if tag[0] == "B":
                found.append((tag[2:], token))
            elif tag[0] == "I":
                assert i
                assert tags[i - 1][2:] == tag[2:]
                found[-1] = (tag[2:], f"{found[-1][1]} {token}")
    return found


def is_chinese(tokens):
    return any(re.search("[\u4e00-\u9fff]", token) for token in tokens)


def test_requests_are_well_formed():
    split = requests()
    assert isinstance(split, TaggedSplit)
    assert len(split.train.sentences) == 288
    assert len(split.test.sentences) == 72
    assert len({" ".join(tokens).lower() for tokens in split.sentences}) == 360
    assert len(split.tags) == len(split.intents) == 360
    assert ["wake", "me", "at", "nine"] in split.sentences
    assert len({label for label, _ in slots(split.train)}) == 15
    for tokens in split.sentences:
        assert all(token and token == token.strip() for token in tokens)
        if is_chinese(tokens):
            assert all(re.fullmatch("[\u4e00-\u9fff]|[0-9]+|[A-Za-z]+", token) for token in tokens)
        else:
            assert all(re.fullmatch(r"[A-Za-z']+|\d+(:\d\d)?", token) for token in tokens)


def test_requests_are_split_sensibly():
    train, test = requests()
    counts = [Counter(zip(part.intents, map(is_chinese, part.sentences), strict=True)) for part in (train, test)]
    assert set(counts[0].values()) == {19, 13}  # of each intent, in English and in Chinese
    assert set(counts[1].values()) == {5, 3}
    assert len(counts[0]) == len(counts[1]) == 9 * 2
    tags = [{tag for row in part.tags for tag in row} for part in (train, test)]
    assert tags[1] <= tags[0]
    known, tested = set(slots(train)), set(slots(test))
    assert 0.4 < len(tested - known) / len(tested) < 0.8
    assert {label for label, _ in tested} == {label for label, _ in known}


def test_parts_without_intents_have_none_together():
    part = Tagged([["a"]], [["O"]])
    split = TaggedSplit(part, Tagged([["b"]], [["O"]], ["x"]))
    assert split.intents is None
    assert split.sentences == [["a"], ["b"]]

import io
import re
import tarfile
from hashlib import sha256

import pytest

from rnn_tf.data import chinese_reviews, corpora, imdb, library_docs


def test_chinese_reviews_are_balanced_and_differ():
    texts, labels = chinese_reviews()
    assert len(texts) == len(set(texts)) >= 400
    assert labels.count("positive") == labels.count("negative") == len(texts) / 2
    assert all(re.search("[\u4e00-\u9fff]", text) for text in texts)


@pytest.fixture(scope="module")
def docs():
    return library_docs(size=10**6)


def test_library_docs_are_balanced_prose(docs):
    texts, labels = docs
    counts = [labels.count(name) for name in ("numpy", "python", "tensorflow")]
    assert len(set(counts)) == 1
    assert counts[0] > 1500
    assert len(texts) == sum(counts) == len({text.lower() for text in texts})
    for text in texts:
        assert 6 <= len(text.split()) <= 60
        assert text[0].isupper()
        assert text[-1] in ".!?"


def test_library_docs_do_not_name_the_library(docs):
    name = re.compile(r"\b(numpy|np|tensorflow|tf|keras|c?python)\b|>>>|```|\bself\.\w+\(", re.IGNORECASE)
    assert not [text for text in docs.texts if name.search(text)]


def test_library_docs_are_drawn_with_the_seed(docs):
    few = library_docs(size=20)
    assert few == library_docs(size=20, seed=0)
    assert few != library_docs(size=20, seed=1)
    assert few.labels == ["numpy"] * 20 + ["python"] * 20 + ["tensorflow"] * 20
    assert set(few.texts[:20]) < set(docs.texts)  # of the smallest class, all sentences are in `docs`
    assert len(set(few.texts)) == 60
    with pytest.raises(ValueError, match="`size` must be a positive integer"):
        library_docs(size=0)


def test_sentences_of_a_docstring():
    docstring = """The first sentence has enough words. Too short. With code, x = 1, it is not taken.

Returns the `first` of :class:`many`, e.g. One
that goes on in a second line! It names NumPy, which would give it away. And there is no full stop

This Would Be A Heading.
------------------------
What stands below a heading is taken.

Args:
  x: A parameter has lines that are indented.

- An item of a list is not taken.

>>> "A doctest is not taken, what it prints neither."
The output of a doctest is not taken.

```python
A comment in a block of code is not taken.

Not after an empty line in it either.
```

The sentence after the code is taken."""
    assert list(corpora._sentences(docstring)) == [
        "The first sentence has enough words.",
        "Returns the first of many, e.g. One that goes on in a second line!",
        "What stands below a heading is taken.",
        "The sentence after the code is taken.",
    ]


def test_docstrings_of_a_folder(tmp_path):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "a.py").write_text('"""A test."""')
    (tmp_path / "test_a.py").write_text('"""Another test."""')
    (tmp_path / "broken.py").write_text('"""Not closed.')
    (tmp_path / "nul.py").write_bytes(b'"""Not text."""\0')
    (tmp_path / "module.py").write_text(
        '"""A module."""\nif 1:\n    class A:\n        """A class."""\n        async def f():\n'
        '            """A function."""\n            return "\\d"\n'  # an escape that Python warns of
    )
    assert list(filter(None, corpora._docstrings(tmp_path))) == ["A module.", "A class.", "A function."]


REVIEWS = {
    "train/neg/1_2.txt": "Bad.<br /><br />Very bad.",
    "train/neg/0_3.txt": "Dull.",
    "test/pos/0_9.txt": "Très bien.",
    "train/unsup/0_0.txt": "Nobody knows.",
    "train/pos/0_7.txt": "Good.",
    "test/neg/0_1.txt": "Dreadful.",
    "train/urls_neg.txt": "no review",
}


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """A small archive in place of the published one, and a cache of its own."""
    path = tmp_path / "site" / "reviews.tar.gz"
    path.parent.mkdir()
    with tarfile.open(path, "w:gz") as file:
        for name, text in REVIEWS.items():
            member = tarfile.TarInfo(f"aclImdb/{name}")
            member.size = len(text.encode())
            file.addfile(member, io.BytesIO(text.encode()))
    monkeypatch.setattr(corpora, "IMDB_URL", path.as_uri())
    monkeypatch.setattr(corpora, "IMDB_SHA256", sha256(path.read_bytes()).hexdigest())
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return path


def test_imdb_is_downloaded_once(archive):
    train, test = imdb()
    assert train == (["Dull.", "Bad.  Very bad.", "Good."], ["neg", "neg", "pos"])
    assert test == (["Dreadful.", "Très bien."], ["neg", "pos"])
    archive.unlink()
    assert imdb() == (train, test)


def test_imdb_says_what_to_do_without_a_network(archive, tmp_path):
    place = tmp_path / "keras" / "datasets" / "aclImdb_v1.tar.gz"
    content = archive.read_bytes()
    archive.unlink()
    with pytest.raises(ConnectionError) as error:
        imdb()
    for told in (corpora.IMDB_URL, f"{place} by hand", corpora.IMDB_SHA256):
        assert told in str(error.value)
    assert not place.exists()
    place.write_bytes(content)
    assert imdb()[0].labels == ["neg", "neg", "pos"]


def test_imdb_takes_no_other_archive(archive, tmp_path):
    content = archive.read_bytes()
    archive.write_bytes(content[:-20])
    for _ in range(2):  # what came is not taken for the archive the next time
        with pytest.raises(ValueError, match=r"must have the SHA-256 .* Received: another file, or a part of it"):
            imdb()
    archive.write_bytes(content)
    assert len(imdb()[1].texts) == 2
    (tmp_path / "keras" / "datasets" / "aclImdb_v1.tar.gz").write_bytes(content[:50])
    assert len(imdb()[1].texts) == 2


def test_a_remote_cache_is_told_as_such(monkeypatch):
    monkeypatch.setenv("KERAS_HOME", "gs://bucket/keras")
    with pytest.raises(ValueError, match=r"Keras's cache must be a local folder\. .* KERAS_HOME") as refused:
        imdb()
    assert "export" not in str(refused.value)

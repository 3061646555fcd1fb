"""Texts that need no file of one's own: some in the package, some from the installed libraries, some to download."""

import ast
import functools
import gc
import importlib.util
import os
import re
import sysconfig
import tarfile
import warnings
from collections import Counter
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import numpy as np

from rnn_tf._checks import positive_integer, writable_folder
from rnn_tf.data.tables import names_in, read_table
from rnn_tf.data.tagged import Tagged, TaggedSplit
from rnn_tf.data.text import Texts, normalized, read_texts

IMDB_URL = "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz"
IMDB_SHA256 = "c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe"

# Read by `library_docs`: what to pass over among a library's files, and in a docstring.
OTHER_FOLDERS = {"test", "tests", "site-packages", "distutils", "encodings", "idlelib", "lib2to3", "pydoc_data"}
OTHER_FILES = re.compile(r"test_.*|.*_test\.py|gen_.*")  # gen_*.py: written by a program, from text that is elsewhere
FENCED_CODE = re.compile(r"^ *```.*?(?:^ *```|\Z)", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^.*\n *([-=~^*#])\1{2,} *$", re.MULTILINE)  # a line and what underlines it
NO_PROSE = re.compile(r" |>>>|\.\.|[-*+@#:>$|%]|\d+[.)]")  # how lines of code, lists and directives begin
MARKUP = re.compile(r":[a-z:]+:(?=`)|`")
CODE = re.compile(r"[=<>{}\[\]|\\/@^]| : |::|\w\(")
SENTENCE_END = re.compile(r"(?<=[.!?])(?<!e\.g\.)(?<!i\.e\.)\s+(?=[A-Z])")
LIBRARY_NAME = re.compile(r"numpy|tensorflow|python|keras|(?<![a-z])(?:np|tf)", re.IGNORECASE)


def chinese_reviews() -> Texts:
    """Short reviews in Chinese, "positive" or "negative", as many of one class as of the other.

    They were written for this package, are about hotels, films, food and the like, and come with it. They show that a
    model reads Chinese; they are too few to say how well one model does against another.

    Returns:
        `Texts`.

    Example:
    >>> from rnn_tf.data import chinese_reviews
    >>> texts, labels = chinese_reviews()
    >>> sorted(set(labels))
    ['negative', 'positive']
    """
    with resources.as_file(resources.files("rnn_tf.data") / "chinese_reviews.tsv") as path:
        return read_texts(path)


def requests() -> TaggedSplit:
    """Requests to an assistant at home, in English and Chinese: the slots of each, and what it wants as a whole.

    The 360 sentences, 216 English and 144 Chinese, were written for this package and come with it. A fifth of each
    intent in each language is the part to test on. It was chosen so that half of what its slots hold, such as all tasks
    and most dishes, is in no slot to train on. The sentences show that a model learns tags and intents together; they
    are too few to say how well one model does against another.

    The intents are set_alarm, set_reminder, set_timer, change_heating, change_lights, find_recipe, edit_shopping_list,
    water_plants and call_someone. Tags are BIO: `B-time` begins a time, `I-time` goes on with it, `O` is none of these:

        time, date, duration       nine; tomorrow, every Sunday; ten minutes
        person, room               Grandpa, plumber; kitchen, upstairs
        task                       what to be reminded of: take out the bins
        level, change              how warm or bright: 17 degrees, half; by how much: two degrees, a bit
        light, color               desk lamp; warm white
        dish, ingredient           lentil soup; leeks
        item, plant, quantity      oat milk; fern; a dozen, two litres

    "the", "my" and prepositions in front are not part of a slot, except in tasks. An English token is a word, without
    punctuation; a Chinese one is a character, or a run of digits.

    Returns:
        `TaggedSplit`: the parts `train` and `test`, both shuffled, and both with intents. They are in a file of four
        columns, which name the part and the intent of a sentence, its tokens and its tags.

    Example:
    >>> from rnn_tf.data import requests
    >>> train, test = requests()
    >>> place = test.sentences.index("wake me at nine".split())
    >>> test.tags[place], test.intents[place]
    (['O', 'O', 'O', 'B-time'], 'set_alarm')
    """
    with resources.as_file(resources.files("rnn_tf.data") / "requests.tsv") as path:
        table = read_table(path)
        parts, intents, sentences, tags = (names_in(table, column) for column in ("part", "intent", "sentence", "tags"))

    def part(name: str) -> Tagged:
        rows = [i for i, one in enumerate(parts) if one == name]
        return Tagged([sentences[i].split() for i in rows], [tags[i].split() for i in rows], [intents[i] for i in rows])

    return TaggedSplit(part("train"), part("test"))


def library_docs(size: int = 4000, seed: int = 0) -> Texts:
    """Sentences from the documentation of three installed libraries, to tell which one each is from.

    The labels are "numpy", "python" and "tensorflow". The sentences are those of the docstrings of modules, classes
    and functions, as they stand in the source files: NumPy's, those of Python's standard library, and those of
    TensorFlow's operations, in its folder `python/ops`. The files are read, not run; tests are passed over, and so is
    `distutils`, which is in both NumPy and Python.

    Only the prose of a docstring is taken: no code, no lists of parameters, no headings. A sentence has 6 to 60 words.
    One that names a library (NumPy, TensorFlow, Keras, Python, np, tf) or occurs in two of them is left out.

    The sentences depend on the versions installed, and on nothing else. The first call takes a few seconds.

    Args:
        size: Positive integer, the most sentences of each class. If a class has fewer, there are as many of each.
        seed: Another seed draws other sentences; the same one always draws the same.

    Returns:
        `Texts`, class by class.

    Raises:
        ValueError: If `size` is not a positive integer.

    Example:
    >>> from rnn_tf.data import library_docs
    >>> texts, labels = library_docs(size=2)
    >>> labels
    ['numpy', 'numpy', 'python', 'python', 'tensorflow', 'tensorflow']
    """
    size = positive_integer("size", size)
    classes = _library_sentences()
    size = min(size, *(len(sentences) for sentences in classes.values()))
    random = np.random.default_rng(seed)
    result = Texts([], [])
    for name, sentences in classes.items():
        drawn = np.sort(random.choice(len(sentences), size, replace=False))
        result.texts.extend(sentences[i] for i in drawn)
        result.labels.extend([name] * size)
    return result


def imdb() -> tuple[Texts, Texts]:
    """The Large Movie Review Dataset: 25000 reviews to train on and 25000 to test on, "neg" or "pos".

    The first call downloads 84 MB into Keras's cache, `~/.keras/datasets` or, where the environment variable
    KERAS_HOME is set, `datasets` in the folder that it names. Later calls read the archive there. Every call checks
    that it is the published one. Line breaks in HTML, `<br />`, become spaces.

    Returns:
        `(train, test)`, two `Texts`, each with all of class "neg" before class "pos": shuffle before a part is taken.

    Raises:
        ConnectionError: If the archive cannot be downloaded. The message says where to put it by hand.
        ValueError: If what was downloaded is not the published archive.
        PermissionError: If Keras's cache cannot be written to. Let KERAS_HOME name another folder.

    Source: A. L. Maas, R. E. Daly, P. T. Pham, D. Huang, A. Y. Ng and C. Potts (2011), "Learning word vectors for
    sentiment analysis", Annual Meeting of the Association for Computational Linguistics 49.

    Example:
    >>> from rnn_tf.data import imdb
    >>> train, test = imdb()  # doctest: +SKIP
    """
    import keras  # only here: the rest of rnn_tf.data does without it

    cache = writable_folder(
        Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser(),
        local="Keras's cache must be a local folder. {received} Let the environment variable KERAS_HOME name one.",
    )
    cache.mkdir(parents=True, exist_ok=True)
    path = cache / "datasets" / "aclImdb_v1.tar.gz"
    try:
        keras.utils.get_file(path.name, IMDB_URL, file_hash=IMDB_SHA256, cache_dir=cache)
    except ValueError:
        raise ValueError(
            f"The file at {IMDB_URL} must have the SHA-256 {IMDB_SHA256}. Received: another file, or a part of it. "
            f"Call again to download it again, or put the right one at {path}."
        ) from None
    except Exception as error:  # Keras raises no narrower one
        raise ConnectionError(
            f"There must be a network to download {IMDB_URL}, the first time. Received: {error}. Or put the file at "
            f"{path} by hand: it is read from there if its SHA-256 is {IMDB_SHA256}, and removed otherwise."
        ) from None
    rows: dict[str, list[tuple[str, str, str]]] = {"train": [], "test": []}
    with tarfile.open(path) as archive:
        for member in archive:
            place = re.search(r"(train|test)/(neg|pos)/(\d+_\d+\.txt)$", member.name)
            if place and (file := archive.extractfile(member)):
                part, label, name = place.groups()
                rows[part].append((label, name, file.read().decode().replace("<br />", " ")))
    for reviews in rows.values():
        reviews.sort()
    train, test = (
        Texts([text for _, _, text in reviews], [label for label, *_ in reviews]) for reviews in rows.values()
    )
    return train, test


def _origin(package: str) -> str:
    """Where a package lies; it is not imported."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ImportError(f"{package} must be installed. Received: an environment without it.")
    return spec.origin


@functools.cache
def _library_sentences() -> dict[str, list[str]]:
    """By library, the sentences of its documentation; see `library_docs`."""
    folders = {
        "numpy": Path(np.__file__).parent,
        "python": Path(sysconfig.get_path("stdlib")),
        "tensorflow": Path(_origin("tensorflow")).parent / "python" / "ops",
    }
    collecting = gc.isenabled()
    gc.disable()  # syntax trees are many objects without cycles: the search for cycles would take longer than the rest
    try:
        classes = {
            name: {normalized(one): one for text in _docstrings(folder) for one in _sentences(text)}
            for name, folder in folders.items()
        }
    finally:
        if collecting:
            gc.enable()
    occurs_in = Counter(key for sentences in classes.values() for key in sentences)
    return {name: [one for key, one in sentences.items() if occurs_in[key] == 1] for name, sentences in classes.items()}


def _docstrings(folder: Path) -> Iterator[str]:
    """The docstrings in the Python files below a folder, file by file."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(set(folders) - OTHER_FOLDERS)  # those that os.walk enters
        for name in sorted(names):
            if name.endswith(".py") and not OTHER_FILES.fullmatch(name):
                yield from _docstrings_of_file(Path(parent, name))


def _docstrings_of_file(path: Path) -> Iterator[str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes that Python will not know one day
            nodes: list[ast.AST] = [ast.parse(path.read_bytes())]
    except (SyntaxError, ValueError):  # some files show what Python does not read
        return
    while nodes:
        node = nodes.pop()
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield ast.get_docstring(node) or ""
        nodes.extend(child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt))


def _sentences(docstring: str) -> Iterator[str]:
    """The sentences of a docstring's prose."""
    text = HEADING.sub("\n", FENCED_CODE.sub("\n", docstring))
    for paragraph in re.split(r"\n\s*\n", text):
        lines = paragraph.strip("\n").split("\n")
        if any(NO_PROSE.match(line) for line in lines):
            continue
        for sentence in SENTENCE_END.split(MARKUP.sub("", " ".join(lines))):
            words = sentence.split()
            if (
                6 <= len(words) <= 60
                and sentence[0].isupper()
                and sentence[-1] in ".!?"
                and not CODE.search(sentence)
                and not LIBRARY_NAME.search(sentence)
            ):
                yield " ".join(words)

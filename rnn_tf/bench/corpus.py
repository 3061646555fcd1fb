"""Tagged sentences made of random numbers: as long as what people ask of an assistant, and as many words and tags."""

from statistics import NormalDist

import numpy as np

from rnn_tf.data import Tagged

WORDS, KINDS = 800, 60
LETTERS = list("etaoinshrdlucmfwypvbgkqjxz")


def spoken_requests(sentences: int = 4500, seed: int = 0) -> Tagged:
    """Sentences of 11 words on average and 46 at most, of 800 words, some frequent and most rare, and 120 tags.

    About a third of the words are in spans, of 1 to 3 words and 60 kinds, of which some are frequent, too. There is
    nothing to learn from them but how long training takes.
    """
    random = np.random.default_rng(seed)
    normal = NormalDist(np.log(10.4), 0.4)  # of the logarithm of a length
    sizes = np.rint(np.exp([normal.inv_cdf((i + 0.5) / sentences) for i in range(sentences)])).astype(int)
    random.shuffle(sizes)
    vocabulary = _words(random)
    tokens = iter(random.choice(vocabulary, sizes.sum(), p=_zipf(WORDS)).tolist())
    found = Tagged([], [])
    for size in sizes:
        found.sentences.append([next(tokens) for _ in range(size)])
        found.tags.append(_tags(size, random))
    return found


def _zipf(size: int) -> np.ndarray:
    shares = 1 / np.arange(1, size + 1)
    return shares / shares.sum()


def _words(random: np.random.Generator) -> list[str]:
    """Distinct words of 2 to 16 letters, the shortest, which will be the most frequent, first."""
    words: dict[str, None] = {}
    while len(words) < WORDS:
        size = int(np.clip(random.poisson(9.5), 2, 16))
        words["".join(random.choice(LETTERS, size, p=_zipf(len(LETTERS))))] = None
    return sorted(words, key=len)


def _tags(size: int, random: np.random.Generator) -> list[str]:
    tags: list[str] = []
    while len(tags) < size:
        if random.random() < 0.75:
            tags.append("O")
        else:
            kind = random.choice(KINDS, p=_zipf(KINDS))
            tags.extend([f"B-{kind}"] + [f"I-{kind}"] * int(random.choice(3, p=[0.7, 0.2, 0.1])))
    return tags[:size]

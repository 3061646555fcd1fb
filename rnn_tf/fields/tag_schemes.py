"""Tags of tokens that mark spans: B-city, I-city, O; which tag may follow which, and which spans a sequence marks."""

import re
from collections.abc import Iterable, Sequence

import numpy as np

PREFIXES = {"bio": "BI", "iobes": "BIES"}


def scheme_of(tags: Iterable[str]) -> str | None:
    """The scheme that a set of tags is of: "bio", "iobes", or None, as for parts of speech.

    Example:
    >>> from rnn_tf.fields.tag_schemes import scheme_of
    >>> scheme_of(["O", "B-city", "I-city"]), scheme_of(["O", "S-city"]), scheme_of(["NOUN", "VERB"])
    ('bio', 'iobes', None)
    """
    prefixes = {_parts(tag)[0] for tag in tags} - {"O"}
    return next((kind for kind, known in PREFIXES.items() if prefixes and prefixes <= set(known)), None)


class TagScheme:
    """What a list of tags means.

    In "bio", B-x is the first token of a span x, and I-x a later one. In "iobes", E-x is the last token of several,
    and S-x the only one. O is outside of every span.

    Two rules tell spans. The lenient one is that of conlleval, the script of the CoNLL-2000 task, which forgives:

        a span starts at a token inside one if its tag is B or S, the tag before is O, E or S, or the labels differ
        a span ends after a token inside one if its tag is E or S, the next is O, B or S, or the labels differ

    conlleval knows no S; here it begins as B does, and ends as E does. The strict rule keeps those spans that begin
    with B or S and, in "iobes", end with E or S.

    The tables are NumPy arrays, `[tags + 1, tags + 1]`: the tag before, and the tag. The last number, `len(tags)`, is
    what lies outside, before the first token and after the last.

    Args:
        tags: The names of all tags, in the order of their numbers.
        kind: "bio", "iobes", or None for tags that mark no spans. See `scheme_of`.

    Attributes:
        labels: The labels of the spans, sorted.
        label_of: Integers `[tags]`: the number of each tag's label in `labels`, -1 for O.
        starts: Booleans: whether a span starts at a token, by the lenient rule.
        ends: Booleans: whether a span ends before a token, by the lenient rule.
        allowed: Booleans: which tag follows which in a well-formed sequence. `allowed[-1, :-1]` are the tags that may
            be first, and `allowed[:-1, -1]` those that may be last.

    Raises:
        ValueError: If the kind is none of these, a tag comes twice, or a tag is not of the scheme.

    Source: E. F. Tjong Kim Sang and S. Buchholz (2000), "Introduction to the CoNLL-2000 shared task: chunking", CoNLL.

    Example:
    >>> from rnn_tf.fields.tag_schemes import TagScheme
    >>> scheme = TagScheme(["O", "B-city", "I-city"], "bio")
    >>> scheme.spans([0, 1, 2, 0, 2]), scheme.strict_spans([0, 1, 2, 0, 2])
    ([('city', 1, 3), ('city', 4, 5)], [('city', 1, 3)])
    >>> scheme.ill_formed([0, 1, 2, 0, 2])
    1
    """

    def __init__(self, tags: Sequence[str], kind: str | None) -> None:
        self.tags, self.kind = tuple(tags), kind
        if kind is not None and kind not in PREFIXES:
            raise ValueError(f"`kind` must be 'bio', 'iobes' or None. Received: kind={kind!r}.")
        if len(set(self.tags)) < len(self.tags):
            raise ValueError(f"`tags` must name each tag once. Received: {list(self.tags)}.")
        known = PREFIXES.get(kind or "", "")
        for tag in self.tags:
            if kind and _parts(tag)[0] not in ("O", *known):
                listed = ", ".join(f"{prefix}-x" for prefix in known)
                raise ValueError(
                    f"A tag of the scheme {kind!r} must be O or, with a label in place of x, one of {listed}. "
                    f"Received: {tag!r}. Correct the tag, or choose the scheme that it is of."
                )
        parts = [_parts(tag) if kind else ("O", "") for tag in self.tags] + [("O", "")]
        prefixes, names = np.array([prefix for prefix, _ in parts]), [name for _, name in parts]
        self.labels = sorted(set(names) - {""})
        labels = np.array([self.labels.index(name) if name else -1 for name in names])
        self.label_of = labels[:-1]

        before, current = prefixes[:, None], prefixes[None, :]
        differ = labels[:, None] != labels[None, :]
        ended = np.isin(before, ["O", "E", "S"])  # what comes next continues nothing
        begun = np.isin(current, ["O", "B", "S"])  # it continues nothing
        self.starts = (current != "O") & (ended | begun | differ)
        self.ends = (before != "O") & (ended | begun | differ)
        self.allowed = np.where(ended, begun, ~begun & ~differ)
        if kind == "bio":  # where every token may be the last of a span
            self.allowed |= begun
        self._opens = np.isin(prefixes, ["B", "S"])
        self._closes = np.isin(prefixes, ["B", "I"] if kind == "bio" else ["E", "S"])

    def spans(self, numbers: Sequence[int] | np.ndarray) -> list[tuple[str, int, int]]:
        """Label, first token, and the token after the last of each span, by the lenient rule.

        Args:
            numbers: Integers `[tokens]`: the tags. `len(tags)` parts two sequences in one array.
        """
        before, tag = self._pairs(numbers)
        first, after = np.flatnonzero(self.starts[before, tag]), np.flatnonzero(self.ends[before, tag])
        names = [self.labels[label] for label in self.label_of[tag[first]]]
        return list(zip(names, first.tolist(), after.tolist(), strict=True))

    def strict_spans(self, numbers: Sequence[int] | np.ndarray) -> list[tuple[str, int, int]]:
        """The same without the spans that are not well-formed."""
        spans = self.spans(numbers)
        return [span for span in spans if self._opens[numbers[span[1]]] and self._closes[numbers[span[2] - 1]]]

    def ill_formed(self, numbers: Sequence[int] | np.ndarray) -> int:
        """How many tokens have a tag that cannot follow the one before, or be the last."""
        before, tag = self._pairs(numbers)
        wrong, inside = ~self.allowed[before, tag], tag < len(self.tags)
        return int((inside[:-1] & (wrong[:-1] | (wrong[1:] & ~inside[1:]))).sum())

    def _pairs(self, numbers: Sequence[int] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The tag before, and the tag, at each token and at the end, `[tokens + 1]`."""
        outside = [len(self.tags)]
        return np.concatenate([outside, numbers]).astype(int), np.concatenate([numbers, outside]).astype(int)


def _parts(tag: str) -> tuple[str, str]:
    """The prefix and the label: ("O", "") of O, and ("", "") of what is neither O nor B-x, I-x, E-x or S-x."""
    found = re.fullmatch("([BIES])-(.+)", tag)
    return (found[1], found[2]) if found else ("O" if tag == "O" else "", "")

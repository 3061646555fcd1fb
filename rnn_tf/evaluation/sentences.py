"""Sentences of tags as people give them, checked."""

from collections.abc import Iterable, Sequence


def checked_sentences(
    true_tags: Iterable[Sequence[str]], predicted_tags: Iterable[Sequence[str]], *intents: Sequence[str] | None
) -> tuple[list[list[str]], list[list[str]], list[tuple[str, str]]]:
    """The true tags and the predicted ones; and the two intents of each sentence, both empty where there are none."""
    truth, answers = _lists("true_tags", true_tags), _lists("predicted_tags", predicted_tags)
    if len(truth) != len(answers) or not truth:
        raise ValueError(
            "`true_tags` and `predicted_tags` must have the tags of the same sentences, at least one. Received: "
            f"{len(truth)} and {len(answers)} sentences."
        )
    for number, (sentence, answer) in enumerate(zip(truth, answers, strict=True)):
        if len(sentence) != len(answer):
            raise ValueError(
                f"A sentence must have as many predicted tags as true ones. Received: {len(sentence)} true and "
                f"{len(answer)} predicted tags in sentence {number}. Cut off the tags of padding."
            )
    sizes = [None if column is None else len(column) for column in intents]
    if sizes not in ([None, None], [len(truth), len(truth)]):
        raise ValueError(
            "`true_intents` and `predicted_intents` must be both given, one for each sentence, or both be left out. "
            f"Received: {sizes[0]} and {sizes[1]} for {len(truth)} sentences."
        )
    columns = [[""] * len(truth) if column is None else list(column) for column in intents]
    return truth, answers, list(zip(*columns, strict=True))


def _lists(name: str, sentences: Iterable[Sequence[str]]) -> list[list[str]]:
    lists: list[list[str]] = []
    for number, sentence in enumerate(sentences):
        if isinstance(sentence, (str, bytes)) or not isinstance(sentence, Iterable):
            raise ValueError(
                f"`{name}` must hold a list of tags for each sentence. Received: {sentence!r} as sentence {number}. "
                "Put the tags of a single sentence into a list of their own."
            )
        lists.append(list(sentence))
        strange = [tag for tag in lists[-1] if not isinstance(tag, str)]
        if strange:
            raise ValueError(
                f"`{name}` must hold the names of tags. Received: {strange[0]!r} in sentence {number}. Look up the "
                "names of tag numbers first."
            )
    return lists

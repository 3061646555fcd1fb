"""A tag for each token, and the intent of the whole sentence where one is asked for."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from rnn_tf._checks import same_rows
from rnn_tf.export.signatures import named_answers
from rnn_tf.fields.columns import as_column
from rnn_tf.fields.field import AnswerField
from rnn_tf.fields.labels import class_names, label_names
from rnn_tf.fields.tag_schemes import TagScheme
from rnn_tf.fields.tokenization import whole_characters
from rnn_tf.training.batches import Ragged

UNKNOWN = -1  # a tag or an intent that training never had


class Tags(AnswerField):
    """Lists of tags, one a token, as tag numbers; with `intents` a dict `{"tags": ..., "intent": ...}`.

    Args:
        tags: List of the names of the tags.
        scheme: `"bio"`, `"iobes"`, or None for tags that mark no spans.
        intents: List of the names of the intents, or None.
    """

    noun = "tags"

    def __init__(self, tags: Sequence[str], scheme: str | None, intents: Sequence[Any] | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scheme = TagScheme(tags, scheme)
        self.tags = list(self.scheme.tags)
        self.intents = None if intents is None else class_names(intents)

    def call(self, answers: Any) -> Any:
        return answers

    def rows(self, column: Any, *, finite: bool = True) -> Any:
        tags, intents = self.split(column)
        numbers = {tag: number for number, tag in enumerate(self.tags)}
        values = [numbers.get(tag, UNKNOWN) for row in tags for tag in row]
        ragged = Ragged(np.array(values, np.int32), np.array([len(row) for row in tags]))
        if intents is None or self.intents is None:
            return ragged
        same_rows(tags=tags, intent=intents)
        places = {intent: number for number, intent in enumerate(self.intents)}
        named = label_names(as_column("intent", intents))
        return {"tags": ragged, "intent": np.array([places.get(name, UNKNOWN) for name in named], np.int32)}

    def split(self, column: Any) -> tuple[list[list[str]], Any]:
        """The lists of tags, and the intents or None."""
        wanted = ["tags"] if self.intents is None else ["tags", "intent"]
        if isinstance(column, dict) or self.intents is not None:
            received = sorted(column) if isinstance(column, dict) else type(column).__name__
            if received != sorted(wanted):
                raise ValueError(f"`y` must be a dict of {' and '.join(map(repr, wanted))}. Received: {received}.")
            return tag_lists(column["tags"]), column.get("intent")
        return tag_lists(column), None

    def named(self, answers: Any) -> dict[str, Any]:
        """Names of what `TagHead.decode` gives: tags `[batch, timesteps]`, "" after the end, and the intents."""
        named = {
            "tags": tf.gather(tf.constant([*self.tags, ""]), answers["path"]),
            "probabilities": answers["probability"],
        }
        if self.intents is not None:
            intents = named_answers(answers["intent"], self.intents)
            named |= {"intent": intents["label"], "intent_probabilities": intents["probabilities"]}
        return named

    def spans(self, text: Any, path: Any, starts: Any, ends: Any) -> dict[str, Any]:
        """The spans of paths, in the graph: their labels, places and texts, `[batch, spans]` each.

        Args:
            text: The texts, `[batch]`.
            path: Tag numbers, after the end the number of tags.
            starts: At which character each token starts.
            ends: After which it ends.
        """
        size = len(self.tags) + 1
        outside = tf.fill([tf.shape(path)[0], 1], size - 1)
        pairs = tf.concat([outside, path], axis=1) * size + tf.concat([path, outside], axis=1)
        first = tf.gather(self.scheme.starts.reshape(-1), pairs)[:, :-1]
        last = tf.gather(self.scheme.ends.reshape(-1), pairs)[:, 1:]
        names = [self.scheme.labels[label] if label >= 0 else "" for label in self.scheme.label_of]
        labels = tf.gather([*names, ""], path)
        starts, ends = tf.ragged.boolean_mask(starts, first), tf.ragged.boolean_mask(ends, last)
        whole = tf.gather(whole_characters(text), starts.value_rowids())
        texts = tf.strings.substr(whole, starts.values, ends.values - starts.values, unit="UTF8_CHAR")
        return {
            "span_labels": tf.ragged.boolean_mask(labels, first).to_tensor(""),
            "span_starts": starts.to_tensor(0),
            "span_ends": ends.to_tensor(0),
            "span_texts": starts.with_values(texts).to_tensor(""),
        }

    def class_weights(self, weights: Any, rows: Any) -> None:
        if weights is not None:
            raise ValueError(
                "`class_weight` means nothing where tags depend on each other. Received: "
                f"class_weight={weights!r:.60}. Give `sample_weight`, one number a sentence."
            )

    def settings(self) -> dict[str, Any]:
        return {"tags": self.tags, "scheme": self.scheme.kind, "intents": self.intents}


def tag_lists(column: Any) -> list[list[str]]:
    """Tags as lists, from lists or from strings with a space between two tags."""
    rows = []
    for row, value in enumerate(as_column("tags", column)):
        value = value.decode() if isinstance(value, bytes) else value
        tags = value.split() if isinstance(value, str) else value.tolist() if isinstance(value, np.ndarray) else value
        if not isinstance(tags, (list, tuple)) or not all(isinstance(tag, str) and tag for tag in tags):
            raise ValueError(
                "The tags of a sentence must be a list of strings, or a string with a space between two of them. "
                f"Received: {value!r:.60} for sentence {row}."
            )
        rows.append(list(tags))
    return rows

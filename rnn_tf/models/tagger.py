"""What a tagger answers: names of tags, spans, and intents."""

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from rnn_tf.evaluation import SpanReport, span_report
from rnn_tf.export.signatures import Endpoint, Signatures
from rnn_tf.fields.tags import Tags
from rnn_tf.fields.tokenization import cut
from rnn_tf.fields.words import Sentence, Words
from rnn_tf.models.tag_head import TagHead
from rnn_tf.models.task import Task
from rnn_tf.training.batches import Batches, Ragged


class Span(NamedTuple):
    """A part of a text: its label, the character that it starts at, the one after its end, and what it says."""

    label: str
    start: int
    end: int
    text: str


class TaggedText(NamedTuple):
    """What `TextTagger.tag` answers to one sentence.

    text: The sentence; of a list of tokens, with a space between two of them.
    tokens: Its tokens.
    tags: The most probable path: a tag for each token.
    probabilities: How probable each of these tags is by itself.
    spans: What the tags mark; empty where they mark no spans.
    intent: The most probable intent, or None.
    intent_probability: How probable it is, or None.
    """

    text: str
    tokens: list[str]
    tags: list[str]
    probabilities: list[float]
    spans: list[Span]
    intent: str | None
    intent_probability: float | None


class Tagger(Task, abstract=True):
    """A task that answers a tag for each token."""

    field_in: Words
    field_out: Tags
    head: TagHead

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._decode = tf.function(
            lambda ids: self.head.decode(self(ids, training=False), self.field_in.steps(ids)),
            input_signature=[tf.TensorSpec([None, None, None], tf.int32)],
            autograph=False,
        )

    def predict(
        self, x: Any, batch_size: int | None = None, verbose: Any = "auto", steps: Any = None, callbacks: Any = None
    ) -> Any:
        """The probability of each tag: a list of arrays `[tokens, tags]`, one a sentence.

        With intents a dict of that list under `"tags"`, and of the intents' probabilities `[sentences, intents]` under
        `"intent"`.

        Args:
            x: Sentences as `fit` takes them; a sentence may be empty.
            batch_size: As in `fit`.
            verbose: Has no part: nothing is shown.
            steps: Has no part.
            callbacks: Has no part.
        """
        del verbose, steps, callbacks
        answers = self._decoded(self.prepare_inputs(x), batch_size)
        tags = [one["marginals"] for one in answers]
        return (
            tags if self.head.intent is None else {"tags": tags, "intent": np.stack([one["intent"] for one in answers])}
        )

    def tag(self, sentences: Any, batch_size: int = 32) -> list[TaggedText]:
        """Tokens, tags, spans and intents of sentences, as strings or lists of tokens: a `TaggedText` each."""
        found = self.field_in.sentences(sentences)
        rows = self.field_in.encoded(found)
        return [self._named(*one) for one in zip(found, self._decoded(rows, batch_size), strict=True)]

    def report(self, sentences: Any, tags: Any, rule: str = "conll") -> SpanReport:
        """Precision, recall and F1 of spans, and the share of tokens and sentences that are right.

        Args:
            sentences: As `fit` takes them.
            tags: As `fit` takes them; tags that training never had count as missed.
            rule: See `rnn_tf.evaluation.span_report`.
        """
        true, intents = self.field_out.split(tags)
        answers = self.tag(sentences)
        found = None if intents is None else [one.intent or "" for one in answers]
        return span_report(
            true,
            [one.tags for one in answers],
            rule=rule,
            scheme=self.field_out.scheme.kind,
            true_intents=intents,
            predicted_intents=found,
        )

    def step_endpoint(self) -> str:
        """Why there is none."""
        return "a tag may depend on all that follows"

    def serving_signatures(self) -> Signatures:
        """Strings to tokens, their tags, and the spans: see `rnn_tf.export_saved_model`."""
        raw = self.field_in.raw_inputs()

        def predict(text: Any) -> dict[str, Any]:
            tokens, starts = (one.to_tensor() for one in cut(text, self.field_in.tokens))
            ids = raw.read(text)
            decoded = self.head.decode(self(ids, training=False), self.field_in.steps(ids))
            empty = tf.shape(ids)[1] - tf.shape(tokens)[1]  # one step where no row has a token
            tokens, starts = (tf.pad(one, [[0, 0], [0, empty]]) for one in (tokens, starts))
            named = {"tokens": tokens, **self.field_out.named(decoded)}
            if self.field_out.scheme.kind is not None:
                ends = starts + tf.strings.length(tokens, unit="UTF8_CHAR")
                named |= self.field_out.spans(text, decoded["path"], starts, ends)
            return named

        return Signatures(Endpoint(predict, raw.specs), self.step_endpoint(), raw.lookups)

    def _decoded(self, rows: Any, batch_size: int | None) -> list[dict[str, np.ndarray]]:
        """What `TagHead.decode` gives, for each row, without padding."""
        if not isinstance(rows, Ragged):
            raise ValueError(f"{type(self).__name__} predicts sentences. Received: {type(rows).__name__}.")
        batches = Batches((rows,), batch_size or 32, shuffle=False, seed=0)
        answers: list[Any] = [None] * len(rows)
        for step, ids in enumerate(batches.dataset()):
            decoded = {name: one.numpy() for name, one in self._decode(ids).items()}
            for place, row in enumerate(batches.rows(step)):
                length = rows.lengths[row]
                answers[row] = {
                    name: one[place] if name == "intent" else one[place][:length] for name, one in decoded.items()
                }
        return answers

    def _named(self, sentence: Sentence, answer: dict[str, np.ndarray]) -> TaggedText:
        path, scheme = answer["path"], self.field_out.scheme
        spans = []
        for label, first, after in scheme.spans(path) if scheme.kind else []:
            start, end = sentence.starts[first], sentence.starts[after - 1] + len(sentence.tokens[after - 1])
            spans.append(Span(label, start, end, sentence.text[start:end]))
        intents = self.field_out.intents
        return TaggedText(
            sentence.text,
            sentence.tokens,
            [self.field_out.tags[tag] for tag in path],
            answer["probability"].tolist(),
            spans,
            None if intents is None else intents[int(answer["intent"].argmax())],
            None if intents is None else float(answer["intent"].max()),
        )

"""From states at every step to a tag at every step, whose neighbours count; and to one intent."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from rnn_tf.fields.tag_schemes import TagScheme
from rnn_tf.models.heads import Head, LabelHead
from rnn_tf.scans.crf import SHUT, Chain, best_path, chain_loss, marginals


class TagHead(Head):
    """The scores of tags `[batch, timesteps, tags]`; with intents a dict `{"tags": scores, "intent": probabilities}`.

        scores_t = W dropout(h_t) + b

    With `crf` neighbours have scores, too, and the loss is that of the whole path, see `rnn_tf.scans.crf`; without,
    it is the cross-entropy of each step. What the scheme forbids, such as I-city after O, is shut out of answers.

    Args:
        scheme: The tags.
        intents: How many intents, or 0.
        bidirectional: Whether the encoder also reads from the end.
        dropout: Fraction of the states to drop in training.
        crf: Whether neighbours have scores.
        well_formed: `"answers"`: what the scheme forbids is shut out of answers; `"training"`: of the training, too;
            None: of neither.
    """

    loss: Any = None  # `TextTagger.compute_loss`

    def __init__(
        self,
        scheme: TagScheme,
        intents: int,
        bidirectional: bool,
        dropout: float,
        crf: bool,
        well_formed: str | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if well_formed not in ("answers", "training", None):
            raise ValueError(
                f"`well_formed` must be 'answers', 'training' or None. Received: well_formed={well_formed!r}."
            )
        self.scheme = scheme
        self.crf = crf
        self.well_formed = well_formed
        self.dropout = keras.layers.Dropout(dropout, name="dropout", dtype=self.dtype_policy)
        self.dense = keras.layers.Dense(len(scheme.tags), name="dense", dtype=self.variable_dtype)
        self.intent = None
        if intents:
            pooling = ("max", "mean")
            self.intent = LabelHead(intents, pooling, bidirectional, dropout, name="intent", dtype=self.dtype_policy)

    def build(self, input_shape: Any) -> None:
        self.dense.build(input_shape)
        size = len(self.scheme.tags)
        if self.crf:
            self.pairs = self.add_weight(shape=(size, size), initializer="zeros", name="pairs")
            self.first = self.add_weight(shape=(size,), initializer="zeros", name="first")
            self.last = self.add_weight(shape=(size,), initializer="zeros", name="last")
        if self.intent is not None:
            self.intent.build(input_shape)

    def call(self, states: Any, mask: Any = None, training: bool = False) -> Any:
        scores = self.dense(self.dropout(states, training=training))
        if self.intent is None:
            return scores
        return {"tags": scores, "intent": self.intent(states, mask=mask, training=training)}

    def compute_output_shape(self, input_shape: Any) -> Any:
        shape = (*input_shape[:-1], self.dense.units)
        return shape if self.intent is None else {"tags": shape, "intent": (input_shape[0], self.intent.dense.units)}

    def check(self, loss: Any, metrics: Sequence[Any] = ()) -> None:
        if loss is not None or metrics:
            raise ValueError(
                "The loss of tags is that of their paths, and the metrics are accuracies: both are given. Received: "
                f"loss={loss!r:.60}, metrics={list(metrics)!r:.60}. Leave them out, as in model.compile('adam'); "
                "model.report gives precision, recall and F1."
            )

    def settings(self) -> dict[str, Any]:
        return {"dropout": self.dropout.rate, "crf": self.crf, "well_formed": self.well_formed}

    def chain(self, training: bool) -> Chain:
        """The scores of neighbours; those that are shut out cannot be learned."""
        size = len(self.scheme.tags)
        zeros = Chain(*(tf.zeros(shape, self.variable_dtype) for shape in ([size, size], [size], [size])))
        chain = Chain(self.pairs, self.first, self.last) if self.crf else zeros
        if self.scheme.kind is None or self.well_formed is None or (training and self.well_formed == "answers"):
            return Chain(*map(tf.convert_to_tensor, chain))
        allowed = self.scheme.allowed[:-1, :-1], self.scheme.allowed[-1, :-1], self.scheme.allowed[:-1, -1]
        return Chain(*(tf.where(one, score, SHUT) for one, score in zip(allowed, chain, strict=True)))

    def tag_loss(self, scores: Any, tags: Any, mask: Any) -> tuple[Any, Any]:
        """-log p(tags) of each row, `[batch]`, and p(tag) at each step, `[batch, timesteps, tags]`."""
        if self.crf:
            return chain_loss(scores, tags, lengths_of(mask), self.chain(training=True))
        steps = tf.nn.sparse_softmax_cross_entropy_with_logits(tags, scores)
        return tf.reduce_sum(tf.where(mask, steps, 0.0), axis=1), tf.nn.softmax(scores)

    def decode(self, answers: Any, mask: Any) -> dict[str, Any]:
        """The most probable path, int32 `[batch, timesteps]`, the number of tags standing after the end; the
        probability of each of its tags, and `marginals` `[batch, timesteps, tags]`; and the intents' probabilities.
        """
        scores = answers if self.intent is None else answers["tags"]
        lengths, chain = lengths_of(mask), self.chain(training=False)
        path, probabilities = best_path(scores, lengths, chain), marginals(scores, lengths, chain)
        decoded = {
            "path": tf.where(mask, path, len(self.scheme.tags)),
            "probability": tf.where(mask, tf.gather(probabilities, path, axis=2, batch_dims=2), 0),
            "marginals": probabilities,
        }
        return decoded if self.intent is None else {**decoded, "intent": answers["intent"]}


def lengths_of(mask: Any) -> Any:
    """Steps of each row, at least 1; those that belong to it come first."""
    return tf.maximum(tf.reduce_sum(tf.cast(mask, tf.int32), axis=1), 1)

"""How well a model of language knows a text."""

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from rnn_tf.fields.running_text import read_text
from rnn_tf.fields.sequences import steps_inside
from rnn_tf.fields.tokenization import UNKNOWN
from rnn_tf.models.crossentropy import losses_of
from rnn_tf.models.writer import Writer
from rnn_tf.training.batches import Batches, Ragged

LOGITS = 2**22  # numbers that are held at once while a text is read
TOO_MANY_UNKNOWN = 0.05


class Reader(Writer, abstract=True):
    """A writer that tells how probable it finds a text."""

    def predict(
        self, x: Any, batch_size: int | None = None, verbose: Any = "auto", steps: Any = None, callbacks: Any = None
    ) -> np.ndarray:
        """The logits `[batch, tokens, vocabulary]` of what comes after each token.

        Args:
            x: A list of texts, each of which follows the end of a line, its first token here; or ids `[batch, tokens]`.
                After the end of a text logits are NaN.
            batch_size: As in `fit`.
            verbose: As in `fit`.
            steps: As in `fit`.
            callbacks: As in `fit`.
        """
        rows = self.prepare_inputs(x)
        if not isinstance(rows, Ragged):
            return super().predict(rows, batch_size, verbose, steps, callbacks)
        answers = super().predict(rows.padded(), batch_size, verbose, steps, callbacks)
        answers[~steps_inside(answers, rows.lengths)] = np.nan
        return answers

    def score(self, texts: Sequence[str]) -> list[np.ndarray]:
        """The log-probability of each token, in nats: an array `[tokens]` for each text, which is read on its own."""
        rows = self.field_in.rows(texts)
        batches = Batches((rows,), 32, shuffle=False, seed=0)
        found: list[Any] = [None] * len(rows)
        for step, ids in enumerate(batches.dataset()):
            parts = [np.zeros([len(ids), 0], np.float32), *self._scored(ids.numpy())]
            for row, scores in zip(batches.rows(step), np.concatenate(parts, axis=1), strict=True):
                found[row] = scores[: rows.lengths[row] - 1]
        return found

    def perplexity(self, text: Any) -> float:
        """exp of the mean of -log p over the tokens of a text as `fit` takes it, read in one go.

        A token that is not in the vocabulary counts as the unknown token. Of models that cut texts into other tokens
        compare `bits_per_character`.
        """
        total, tokens, _ = self._total(text)
        return float(np.exp(-total / tokens))

    def bits_per_character(self, text: Any) -> float:
        """-log2 p of a text as `fit` takes it, read in one go, over the number of its characters."""
        total, _, characters = self._total(text)
        return float(-total / np.log(2) / characters)

    def _total(self, source: Any) -> tuple[float, int, int]:
        """The log-probability of a text, and how many tokens and characters it has."""
        text = read_text(source)
        ids = self.field_in.stream(text)
        if len(ids) < 2:
            raise ValueError("A text must have at least one token. Received: none.")
        unknown = float((ids == UNKNOWN).mean())
        if unknown > TOO_MANY_UNKNOWN:
            warnings.warn(
                f"{unknown:.0%} of the tokens are not in the vocabulary, and count as one and the same token: this "
                "figure does not compare with that of another vocabulary.",
                stacklevel=3,
            )
        total = sum(float(part.sum(dtype=np.float64)) for part in self._scored(ids[None]))
        return total, len(ids) - 1, len(text)

    def _scored(self, ids: np.ndarray) -> Iterator[np.ndarray]:
        """The log-probabilities of all ids `[batch, 1 + tokens]` but the first, some steps at a time."""
        size = max(1, LOGITS // (len(ids) * self.field_in.size))
        ids_spec = tf.TensorSpec([None, None], tf.int32)
        losses = self.graph_function("losses", self._token_losses, [ids_spec, *self.state_specs])
        states = self.first_states(len(ids))
        for first in range(0, ids.shape[1] - 1, size):
            part, *states = losses(tf.constant(ids[:, first : first + size + 1], tf.int32), *states)
            yield -part.numpy()

    def _token_losses(self, ids: Any, *states: Any) -> tuple[Any, ...]:
        logits, after = self.read_on(ids[:, :-1], list(states))
        return losses_of(ids[:, 1:], logits), *after

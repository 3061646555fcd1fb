"""What a model of language writes: whole texts, a stream of tokens, and both in an export."""

import itertools
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from rnn_tf._checks import MOST_TOKENS, positive_integer, seed_of
from rnn_tf.export.signatures import NEXT, Endpoint, Signatures
from rnn_tf.fields.columns import as_column
from rnn_tf.fields.running_text import LINE_END, NextTokens, RunningText, checked_text
from rnn_tf.fields.tokenization import PADDING, UNKNOWN
from rnn_tf.models.generation import generate, sample, uniform, uniforms
from rnn_tf.models.task import Task
from rnn_tf.models.vocabulary_head import VocabularyHead


class Writer(Task, abstract=True):
    """A task that tells which token comes next, and so writes."""

    field_in: RunningText
    field_out: NextTokens
    head: VocabularyHead

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._functions: dict[str, Any] = {}

    @abstractmethod
    def read_on(self, ids: Any, states: Any = None, mask: Any = None, training: bool = False) -> tuple[Any, Any]:
        """The logits `[batch, tokens, size]` after each id, and the states after the last."""

    def build(self, input_shape: Any) -> None:
        """Make the weights."""
        super().build(input_shape)
        specs = self.encoder.state_specs()
        if isinstance(specs, str):
            raise ValueError(f"A text is read forward, from states of zeros. Received: a model, but {specs}.")
        self._state_specs = specs

    @property
    def state_specs(self) -> list[tf.TensorSpec]:
        """The states of the recurrent layers, zeros before the first token."""
        self._check_built()
        return self._state_specs

    def _check_built(self) -> None:
        if not self.built:
            raise ValueError(
                "To read or write a text a model needs weights. Received: one that is not built. Train it on a text "
                "first, as by model.fit(text), or call model.build((None, None))."
            )

    def first_states(self, batch: Any) -> list[Any]:
        """Zeros."""
        return [tf.zeros([batch, spec.shape[1]]) for spec in self.state_specs]

    def graph_function(
        self, name: str, function: Callable[..., Any], specs: Sequence[tf.TensorSpec]
    ) -> Callable[..., Any]:
        """A function as a `tf.function`, made once for each name."""
        self._check_built()
        if name not in self._functions:
            self._functions[name] = tf.function(function, input_signature=list(specs), autograph=False)
        return self._functions[name]

    def generate(
        self,
        prompt: str | Sequence[str] = "",
        length: int = 200,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int | None = None,
    ) -> Any:
        """A prompt and the text that the model writes after it.

        Args:
            prompt: A string, which may be empty, or a list of them. It is read as if it followed the end of a line.
            length: How many tokens to write, at most 10,000; `stream` has no limit.
            temperature: Tokens are drawn from softmax(logits / temperature). Below 1 the likely ones become likelier;
                0 takes the most probable one each time.
            top_k: Draw from this many of the most probable tokens only.
            top_p: Draw from the fewest tokens only whose probabilities add up to this share.
            seed: A seed for the drawing; row `i` of a list is drawn as by `seed + i` alone. `None` takes one from
                NumPy's global state, which `keras.utils.set_random_seed` sets.

        Returns:
            A string, or a list of strings.

        Raises:
            ValueError: If an argument is out of its range, or the model is not built.
        """
        single = isinstance(prompt, (str, bytes))
        prompts = [checked_text(one) for one in ([prompt] if single else as_column("prompt", prompt))]
        if not 0 <= length <= MOST_TOKENS or length != int(length):
            raise ValueError(
                f"`length` must be a whole number from 0 to {MOST_TOKENS:,}. Received: length={length!r}. For longer "
                "texts go through model.stream(...), which gives one token after the other."
            )
        temperatures, seeds = _checked(len(prompts), temperature, seed)
        limits = _limits(top_k, top_p)
        specs = [*GENERATE, *(tf.TensorSpec([], limit.dtype) for limit in limits.values())]
        write = self.graph_function(
            f"generate {sorted(limits)}",
            partial(_with_limits, self._write, tuple(limits)),
            specs,
        )
        lengths = tf.fill([len(prompts)], int(length))
        written = write(tf.constant(prompts), lengths, temperatures, seeds, *limits.values())
        texts = [tf.compat.as_str(text) for text in written["text"].numpy()]
        return texts[0] if single else texts

    def stream(
        self,
        prompt: str = "",
        length: int | None = None,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int | None = None,
    ) -> Iterator[str]:
        """The text that the model writes after a prompt, token by token, as it comes.

        `"".join(model.stream(prompt, ...))` is what `generate` writes after the prompt with the same arguments.

        Args:
            prompt: As in `generate`, one string.
            length: How many tokens to write; None goes on without end.
            temperature: As in `generate`.
            top_k: As in `generate`.
            top_p: As in `generate`.
            seed: As in `generate`.
        """
        text = checked_text(prompt)
        if length is not None and (length < 0 or length != int(length)):
            raise ValueError(f"`length` must be a whole number that is not negative, or None. Received: {length!r}.")
        temperatures, seeds = _checked(1, temperature, seed)
        limits = _limits(top_k, top_p)
        specs = self._step_specs()
        step = self.graph_function(
            f"step {sorted(limits)}",
            partial(_with_limits, self._step, tuple(limits)),
            [*specs, *(tf.TensorSpec([], limit.dtype) for limit in limits.values())],
        )
        states = [*self.first_states(1), tf.zeros([1], tf.int32), temperatures, seeds]

        def tokens() -> Iterator[str]:
            nonlocal text, states
            for _ in itertools.count() if length is None else range(length):
                token, _, *states = step(tf.constant([text]), *states, *limits.values())
                text = tf.compat.as_str(token.numpy()[0])
                yield text

        return tokens()

    def _opened(self, texts: Any) -> Any:
        """Prompts without the spaces after their last word: that before a word is a part of what follows."""
        return texts if self.field_in.tokens == "characters" else tf.strings.regex_replace(texts, " +$", "")

    def _next(self, logits: Any) -> Any:
        """Float logits of which padding and the unknown token are never the largest."""
        known = tf.range(self.field_in.size) > UNKNOWN
        return tf.where(known, tf.cast(logits, tf.float32), -np.inf)

    def _write(self, prompts: Any, lengths: Any, temperature: Any, seeds: Any, **limits: Any) -> dict[str, Any]:
        """What follows the prompts, and the whole texts, strings `[batch]`."""
        prompts = self._opened(prompts)
        ids = self.field_in.after_line_end(self.field_in.ids(prompts))
        last = ids.row_lengths() - 1
        padded = tf.pad(ids.to_tensor(PADDING), [[0, 0], [0, 1]])  # one step at least stays below
        token = tf.gather(padded, last, axis=1, batch_dims=1)
        table = self.field_in.table()
        before = padded[:, :-1]
        mask = tf.sequence_mask(last, tf.shape(before)[1])
        _, states = self.read_on(before, self.first_states(tf.shape(prompts)[0]), mask=mask)
        lengths = tf.clip_by_value(lengths, 0, MOST_TOKENS)
        numbers = uniforms(seeds, tf.reduce_max(tf.concat([lengths, [0]], 0)))

        def step(token: Any, states: Any) -> Any:
            vectors = self.field_in(token)[0] if table is None else tf.gather(table, token)
            hidden, after = self.encoder.step(vectors, states)
            return self._next(self.head(hidden[:, None], table=table)[:, 0]), after

        def choose(logits: Any, i: Any) -> Any:
            return sample(logits, numbers[:, i], temperature, **limits)

        written = generate(step, states, token, lengths, choose)
        more = self.field_out.text(token[:, None], written)
        return {"continuation": more, "text": tf.strings.join([prompts, more])}

    def _step_specs(self) -> list[tf.TensorSpec]:
        return [tf.TensorSpec([None], tf.string, name="text"), *self.state_specs, WRITTEN, *DRAWING]

    def _step(self, text: Any, *before: Any, **limits: Any) -> tuple[Any, ...]:
        """The token after a text, its log-probability, and the states after the text."""
        *states, written, temperature, seeds = before
        ids = self.field_in.ids(tf.where(written == 0, self._opened(text), text))
        opens = tf.cast((written == 0) | (ids.row_lengths() == 0), tf.int64)  # nothing reads as the end of a line
        line_ends = tf.RaggedTensor.from_row_lengths(tf.fill([tf.reduce_sum(opens)], LINE_END), opens)
        ids = tf.concat([line_ends, ids], 1)
        last = ids.row_lengths() - 1
        padded = ids.to_tensor(PADDING)
        logits, states = self.read_on(padded, states, mask=tf.sequence_mask(last + 1, tf.shape(padded)[1]))
        logits = self._next(tf.gather(logits, last, axis=1, batch_dims=1))
        token = sample(logits, uniform(seeds, written), temperature, **limits)
        probability = tf.gather(tf.nn.log_softmax(logits), token, axis=1, batch_dims=1)
        shown = self.field_out.pieces(tf.gather(padded, last, axis=1, batch_dims=1), token)
        return shown, probability, *states, written + 1, temperature, seeds

    def step_endpoint(self) -> Endpoint:
        """The next token of a stream: see `Writer.stream`."""
        specs = self._step_specs()

        def step(*tensors: Any) -> dict[str, Any]:
            token, probability, *after = self._step(*tensors)
            named = {NEXT + spec.name: state for spec, state in zip(specs[1:], after, strict=True)}
            return {"token": token, "log_probability": probability, **named}

        return Endpoint(step, specs)

    def serving_signatures(self) -> Signatures:
        """Prompts to texts, and a stream: see `rnn_tf.export_saved_model`."""
        examples = {
            "prompt": np.array([b"", "".join(self.field_in.vocabulary[:4]).encode(), b"a\xff"], object),
            "length": np.array([20, 5, 0]),
            "temperature": np.array([0.8, 0.0, 1.0], np.float32),
            "seed": np.array([1, 2, 3]),
        }
        return Signatures(
            Endpoint(self._write, GENERATE), self.step_endpoint(), [self.field_in.lookup], "generate", examples
        )


DRAWING = [tf.TensorSpec([None], tf.float32, name="temperature"), tf.TensorSpec([None], tf.int32, name="seed")]
GENERATE = [tf.TensorSpec([None], tf.string, name="prompt"), tf.TensorSpec([None], tf.int32, name="length"), *DRAWING]
WRITTEN = tf.TensorSpec([None], tf.int32, name="written")  # how many tokens of a stream are written


def _with_limits(function: Callable[..., Any], names: Sequence[str], *tensors: Any) -> Any:
    """A function of tensors, of which the last have names. A partial one: TensorFlow warns of many traces of others."""
    count = len(tensors) - len(names)
    return function(*tensors[:count], **dict(zip(names, tensors[count:], strict=True)))


def _checked(rows: int, temperature: float, seed: int | None) -> tuple[Any, Any]:
    """Temperature and seed of each row."""
    if not 0 <= temperature < np.inf:
        raise ValueError(
            "`temperature` must be a number that is not negative; 0 takes the most probable token each time. "
            f"Received: temperature={temperature!r}."
        )
    seeds = (seed_of(seed) + np.arange(rows)) % 2**31
    return tf.fill([rows], float(temperature)), tf.constant(seeds, tf.int32)


def _limits(top_k: int | None, top_p: float | None) -> dict[str, Any]:
    """Those limits of the drawing that are set, as tensors."""
    limits: dict[str, Any] = {}
    if top_k is not None:
        limits["top_k"] = tf.constant(positive_integer("top_k", top_k))
    if top_p is not None:
        if not 0 < top_p <= 1:
            raise ValueError(f"`top_p` must be a share above 0, at most 1. Received: top_p={top_p!r}.")
        limits["top_p"] = tf.constant(float(top_p))
    return limits

"""A model of running text: how likely each token is after those before it."""

from collections.abc import Sequence
from typing import Any

import keras

from rnn_tf._checks import positive_integer
from rnn_tf.fields.running_text import NextTokens, RunningText, learn_tokens, read_text
from rnn_tf.models.carried import Carried
from rnn_tf.models.encoder import Encoder
from rnn_tf.models.reader import Reader
from rnn_tf.models.vocabulary_head import VocabularyHead
from rnn_tf.training.pieces import Pieces
from rnn_tf.training.preparation import Prepared


@keras.saving.register_keras_serializable(package="rnn_tf")
class LanguageModel(Reader):
    r"""Token ids `[batch, tokens]` to the logits `[batch, tokens, vocabulary]` of the token after each.

        x_t = E[id_t]
        h_t = cell(x_t, h_{t-1})                              recurrent layers
        p(id_{t+1} | id_1, ..., id_t) = softmax(W h_t + b)    tied: W = E

    `LanguageModel.from_text(text)` makes one. Then `fit`, `evaluate` and `Trainer.fit` take a text: a string, a
    `pathlib.Path`, or a list of paths. It is cut into as many streams as `batch_size` says, and these into pieces of
    `steps` tokens. Each step of training takes the next piece of all streams, and begins with the states that the last
    one ended with; the gradient does not reach back beyond the piece. A pass begins with zeros.

    A text is read as if it followed the end of a line, so that its first token is predicted, too. Its line ends are
    tokens; nothing is added after its last token. The loss is the mean over tokens, in nats.

    Args:
        vocabulary: List of tokens, of which the first is `"\n"`, with id 2. Id 1 stands for any other token, id 0 is
            padding.
        units: Positive integer, or a list of them for several layers. Not with cells of your own.
        tokens: `"characters"`; `"words"`: a word with the space before it, a punctuation mark, a Han character; or
            `"spaces"`, for a text whose tokens stand between spaces.
        embedding_size: Positive integer, length of a token's vector; by default the units of the last layer.
        tied: Whether the vectors are the rows of W, too, as long as the states of the last layer.
        steps: Positive integer, the most tokens of a piece.
        cell: `"elman"`, `"gru"`, `"lstm"`, or parallel in time `"mingru"`, `"minlstm"`, `"lru"`; or a Keras cell of
            your own, or a list of them, one a layer.
        dropout: Fraction to drop in training of each layer's states, the same ones at every step of a piece; with cells
            of your own, of the last layer's alone.
        input_dropout: Fraction of the tokens' vectors to drop, likewise. Not with cells of your own.
        recurrent_dropout: Fraction of the state to drop in training. Not with parallel cells, or cells of your own.
        activation: σ of the cells, a name or a function; of a parallel cell that of its candidate, or of an LRU's
            output. Not with cells of your own.
        shards: See `rnn_tf.RNN`.
        **kwargs: `name` and `dtype` of `keras.Model`. Under a mixed policy logits are in full precision.

    Call arguments:
        inputs: Integer tensor `[batch, tokens]`, token ids.
        training: Whether dropout is active.

    Returns:
        Float tensor `[batch, tokens, vocabulary]`.

    Raises:
        ValueError: If an argument is out of its range, or a text cannot be used.

    Sources: T. Mikolov et al. (2010), "Recurrent neural network based language model", Interspeech; truncation,
    R. J. Williams and J. Peng (1990), "An efficient gradient-based algorithm for on-line training of recurrent network
    trajectories", Neural Computation 2; tied vectors, O. Press and L. Wolf (2017), "Using the output embedding to
    improve language models", EACL; dropout, Y. Gal and Z. Ghahramani (2016), "A theoretically grounded application of
    dropout in recurrent neural networks", NeurIPS.

    Example:
    >>> from rnn_tf import LanguageModel
    >>> text = "the cat sat on the mat\nthe dog sat on the log\n" * 20
    >>> model = LanguageModel.from_text(text, units=16)
    >>> history = model.fit(text, epochs=2, verbose=0)
    >>> len(model.generate("the ", length=30, seed=1))
    34
    """

    def __init__(
        self,
        vocabulary: Sequence[str],
        units: int | Sequence[int] | None = None,
        *,
        tokens: str = "characters",
        embedding_size: int | None = None,
        tied: bool = False,
        steps: int = 100,
        cell: Any = "lstm",
        dropout: float = 0.0,
        input_dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        activation: Any = "tanh",
        shards: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.steps = positive_integer("steps", steps)
        self.encoder = Encoder.at_every_step(
            units,
            cell,
            bidirectional=False,
            activation=activation,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            shards=shards,
            dtype=self.dtype_policy,
            input_dropout=input_dropout,
            return_state=True,
        )
        last = int(self.encoder.compute_output_shape((None, None, 1))[-1] or 0)
        self.field_in = RunningText(
            vocabulary, tokens, embedding_size or last, tied, name="field_in", dtype=self.dtype_policy
        )
        if tied and self.field_in.embedding.output_dim != last:
            raise ValueError(
                "Tied vectors must be as long as the states of the last layer. Received: "
                f"embedding_size={embedding_size} with {last} units. Leave `embedding_size` out, or set tied=False."
            )
        self.head = VocabularyHead(self.field_in.size, dropout, tied, name="head", dtype=self.dtype_policy)
        self.field_out = NextTokens(vocabulary, tokens, name="field_out", dtype=self.variable_dtype)

    @classmethod
    def from_text(
        cls,
        text: Any,
        tokens: str = "characters",
        *,
        vocabulary_size: int = 20_000,
        min_count: int = 2,
        units: int | Sequence[int] | None = None,
        cell: Any = "lstm",
        tied: bool | None = None,
        steps: int | None = None,
        dropout: float = 0.3,
        input_dropout: float | None = None,
        **arguments: Any,
    ) -> "LanguageModel":
        """A model of the vocabulary that occurs in a text; not trained yet.

        It is compiled with Adam, gradients clipped to a joint norm of 1; `compile` it anew for something else.

        Args:
            text: A string, a `pathlib.Path`, or a list of paths.
            tokens: As in the class.
            vocabulary_size: Positive integer, how many tokens to know at most: the most frequent.
            min_count: Positive integer, how often a token must occur to be known. Others teach the model what an
                unknown token is.
            units: As in the class; [256, 256] if neither units nor a cell of your own are given.
            cell: As in the class.
            tied: As in the class; by default so for words, and not for characters.
            steps: As in the class; by default 100 characters, or 35 words.
            dropout: As in the class.
            input_dropout: As in the class; by default `dropout` for words, and 0 for characters.
            **arguments: The others of the class.

        Raises:
            ValueError: If the text cannot be used, or the vocabulary would be empty.
        """
        characters = tokens == "characters"
        drops = 0.0 if characters or not isinstance(cell, str) else dropout
        if units is None and isinstance(cell, str):
            units = [256, 256]
        model = cls(
            learn_tokens(read_text(text), tokens, vocabulary_size, min_count),
            units,
            tokens=tokens,
            cell=cell,
            tied=not characters if tied is None else tied,
            steps=(100 if characters else 35) if steps is None else steps,
            dropout=dropout,
            input_dropout=drops if input_dropout is None else input_dropout,
            **arguments,
        )
        model.compile(optimizer=keras.optimizers.Adam(0.003, global_clipnorm=1.0))
        model.build((None, None))
        return model

    def build(self, input_shape: Any) -> None:
        """Make the weights, and the states that training carries."""
        built = self.built  # what is compiled holds the states that are there
        super().build((None, None))
        if not built:
            self.carried = Carried(self._state_specs)

    def call(self, inputs: Any, mask: Any = None, training: bool = False) -> Any:
        """The logits: see the class."""
        if not isinstance(inputs, dict):
            return self.read_on(inputs, training=training)[0]
        states = self.carried.read(inputs["stream"], inputs["fresh"], training)
        logits, after = self.read_on(inputs["tokens"], states, training=training)
        self.carried.write(inputs["stream"], after, training)
        return logits

    def read_on(self, ids: Any, states: Any = None, mask: Any = None, training: bool = False) -> tuple[Any, Any]:
        """The logits after each id, and the states after the last; zeros before the first by default."""
        table = self.field_in.table()
        sequence = self.field_in(ids)[0] if table is None else ids
        hidden, after = self.encoder(sequence, mask=mask, training=training, initial_state=states, table=table)
        return self.field_out(self.head(hidden, training=training, table=table)), after

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        """None: what is padding counts nothing in the loss."""

    def get_config(self) -> dict[str, Any]:
        """The settings that its `__init__` names."""
        return {**super().get_config(), "steps": self.steps}

    @property
    def vocabulary(self) -> list[str]:
        """The tokens that it knows; the first has id 2."""
        return self.field_in.vocabulary

    @property
    def carried_variables(self) -> list[Any]:
        """The states of the streams in training, which a checkpoint holds."""
        return self.carried.variables if self.built else []

    def prepare_data(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Any = None,
        *,
        training: bool,
        batch_size: int | None = None,
        shuffle: bool = False,
        seed: int | None = None,
    ) -> Prepared:
        """The pieces of a text."""
        if y is not None or sample_weight is not None or class_weight is not None:
            self.field_out.rows(y)
        if self.distribute_strategy.num_replicas_in_sync > 1:
            raise ValueError(
                "The states of a text's streams are held by one process. Received: a model of a "
                f"{type(self.distribute_strategy).__name__}. Make it outside of strategy.scope(); several processes "
                "train it by Trainer(model, workers='auto')."
            )
        if not self.built:
            self.build((None, None))
        ids = self.field_in.stream(read_text(x))
        least = self.steps if training else 1
        if len(ids) <= least:
            raise ValueError(
                f"A text must have at least {least} tokens, as many as a piece. Received: {len(ids) - 1} in "
                f"{x!r:.60}. Give more text, or make the model with smaller `steps`; for a file write "
                "pathlib.Path(name)."
            )
        pieces = Pieces(ids, 32 if batch_size is None else batch_size, self.steps)
        self.carried.begin(pieces.batch_size, training)
        return Prepared(pieces)

    def steps_an_epoch(self, text: Any, batch_size: int = 32) -> int:
        """How many steps `fit` makes in one epoch, for a schedule of the learning rate.

        Args:
            text: As `fit` takes it.
            batch_size: As `fit` takes it.
        """
        return Pieces(self.field_in.stream(read_text(text)), batch_size, self.steps).steps_an_epoch

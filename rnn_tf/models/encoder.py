"""The recurrent layers that every task has in its middle, for whole sequences and step by step."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnn_tf._checks import positive_integer
from rnn_tf._keras import takes_training
from rnn_tf.cells import ElmanCell, LRUCell, MinGRUCell, MinLSTMCell
from rnn_tf.cells.elman import activation_function
from rnn_tf.cells.parallel import ParallelCell
from rnn_tf.layers import RNN
from rnn_tf.layers.rows import over_rows

CELLS = {
    "elman": ElmanCell,
    "gru": keras.layers.GRUCell,
    "lstm": keras.layers.LSTMCell,
    "mingru": MinGRUCell,
    "minlstm": MinLSTMCell,
    "lru": LRUCell,
}


class Encoder(keras.layers.Layer):
    """Recurrent layers on top of each other: `[batch, timesteps, features]` to `[batch, timesteps, units]`.

        h_t^1 = cell_1(x_t, h_{t-1}^1),   h_t^i = cell_i(h_t^{i-1}, h_{t-1}^i)

    Args:
        units: Positive integer, or a list of them for several layers. Not with cells of your own.
        cell: `"elman"`, `"gru"`, `"lstm"`, or parallel in time `"mingru"`, `"minlstm"`, `"lru"`; or a Keras cell of
            your own, or a list of them, one a layer.
        activation: σ of the cells, a name or a function; of a parallel cell that of its candidate, or of an LRU's
            output. Not with cells of your own.
        dropout: Fraction of a layer's inputs to drop in training, the same ones at every step. Not with cells of your
            own.
        input_dropout: The same for the first layer alone; `dropout` by default.
        recurrent_dropout: Fraction of the state to drop in training. Not with parallel cells, or cells of your own.
        bidirectional: Whether each layer also reads from the end, and gives both states at every step side by side.
        return_sequences: Whether the last layer answers at every step, or `[batch, units]` at the end only.
        return_state: Whether to return the last states of all layers, too, as `state_specs` names them.
        shards: See `rnn_tf.RNN`.

    Source of the dropout: Y. Gal and Z. Ghahramani (2016), "A theoretically grounded application of dropout in
    recurrent neural networks", NeurIPS.
    """

    def __init__(
        self,
        units: int | Sequence[int] | None = None,
        *,
        cell: Any = "elman",
        activation: Any = "tanh",
        dropout: float = 0.0,
        input_dropout: float | None = None,
        recurrent_dropout: float = 0.0,
        bidirectional: bool = False,
        return_sequences: bool = False,
        return_state: bool = False,
        shards: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.units = units
        self.cell = cell
        self.activation = activation
        self.dropout = dropout
        self.input_dropout = input_dropout
        self.recurrent_dropout = recurrent_dropout
        self.bidirectional = bidirectional
        self.return_sequences = return_sequences
        self.return_state = return_state
        cells = self._make_cells()
        self.layers = []
        for i, layer_cell in enumerate(cells):
            layer = RNN(
                layer_cell,
                return_sequences=return_sequences or i < len(cells) - 1,
                return_state=return_state,
                shards=shards,
                dtype=self.dtype_policy,
                name=f"recurrent_{i}",
            )
            self.shards = layer.shards
            if bidirectional:
                layer = keras.layers.Bidirectional(layer, dtype=self.dtype_policy, name=f"recurrent_{i}")
            self.layers.append(layer)

    @classmethod
    def at_every_step(
        cls,
        units: int | Sequence[int] | None,
        cell: Any,
        bidirectional: bool,
        activation: Any,
        dropout: float,
        recurrent_dropout: float,
        shards: int | None,
        dtype: Any,
        **others: Any,
    ) -> "Encoder":
        """One that answers at every step. A model gives its dropout: a cell of a user's own has one of its own."""
        return cls(
            units,
            cell=cell,
            activation=activation,
            dropout=dropout if isinstance(cell, str) else 0.0,
            recurrent_dropout=recurrent_dropout,
            bidirectional=bidirectional,
            return_sequences=True,
            shards=shards,
            name="encoder",
            dtype=dtype,
            **others,
        )

    def _make_cells(self) -> list[Any]:
        unknown = (
            f"`cell` must be one of {', '.join(map(repr, CELLS))}, or a Keras cell or a list of them: layers with "
            f"a `state_size`, one step each. Received: cell={self.cell!r}."
        )
        if not isinstance(self.cell, str):
            rates = (self.dropout, self.input_dropout or 0, self.recurrent_dropout)
            if self.units is not None or (self.activation, *rates) != ("tanh", 0, 0, 0):
                raise ValueError(
                    "A cell of your own has its own size, activation and dropout: give `units`, `activation`, "
                    "`dropout` and `recurrent_dropout` to the cell, not to the model. Received: "
                    f"units={self.units!r}, activation={self.activation!r}, dropout={self.dropout}, "
                    f"input_dropout={self.input_dropout}, recurrent_dropout={self.recurrent_dropout}."
                )
            cells = list(self.cell) if isinstance(self.cell, (list, tuple)) else [self.cell]
            if not cells or not all(isinstance(cell, keras.Layer) and hasattr(cell, "state_size") for cell in cells):
                raise ValueError(unknown)
            if len({id(cell) for cell in cells}) < len(cells):
                raise ValueError("Each layer needs a cell of its own. Received: the same cell twice.")
            return cells
        if self.cell not in CELLS:
            raise ValueError(unknown)
        layers = self.units if isinstance(self.units, (list, tuple)) else [self.units]
        if not layers:
            raise ValueError("`units` must name at least one layer. Received: units=[].")
        kind, arguments = CELLS[self.cell], {}
        if not issubclass(kind, ParallelCell):
            arguments["recurrent_dropout"] = self.recurrent_dropout
        elif self.recurrent_dropout:
            raise ValueError(
                f"{kind.__name__} has no product with the state to drop from. Received: cell={self.cell!r} with "
                f"recurrent_dropout={self.recurrent_dropout}. Set recurrent_dropout=0; `dropout` drops inputs."
            )
        return [
            kind(
                positive_integer("units", units),
                activation=activation_function("activation", self.activation),
                dropout=self.dropout if number or self.input_dropout is None else self.input_dropout,
                dtype=self.dtype_policy,
                **arguments,
            )
            for number, units in enumerate(layers)
        ]

    def build(self, input_shape: Any) -> None:
        shape = tuple(input_shape)
        for layer in self.layers:
            layer.build(shape)
            shape = (*shape[:2], self._output_shape(layer, shape)[-1])

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        shape = tuple(input_shape)
        for layer in self.layers:
            shape = self._output_shape(layer, shape)
        return shape

    def _output_shape(self, layer: Any, shape: Any) -> tuple[int | None, ...]:
        found = layer.compute_output_shape(shape)
        return found[0] if self.return_state else found

    def compute_mask(self, sequence: Any, mask: Any = None) -> Any:
        """The mask of the steps, if each has an answer."""
        return mask if self.return_sequences else None

    def call(
        self, sequence: Any, mask: Any = None, training: bool = False, initial_state: Any = None, table: Any = None
    ) -> Any:
        """The answers; with `return_state` also a list of the last states.

        With `return_state`, for layers that read forward, `initial_state` is a list as `state_specs` says, zeros by
        default; and with a `table` of vectors `sequence` holds the numbers of its rows, `[batch, timesteps]`.
        """
        states: list[Any] = []
        for layer in self.layers:
            if not self.return_state:
                sequence = layer(sequence, mask=mask, training=training)
                continue
            before = None if initial_state is None else self._own_states(layer, initial_state, len(states))
            how = {"initial_state": before, "mask": mask, "training": training}
            first = table is not None and layer is self.layers[0]
            sequence, *after = over_rows(layer, sequence, table, **how) if first else layer(sequence, **how)
            states += [tf.cast(state, tf.float32) for state in tf.nest.flatten(after)]
        return (sequence, states) if self.return_state else sequence

    def hidden_states(self, sequence: Any, mask: Any = None) -> list[np.ndarray]:
        """h_1, ..., h_T of each layer, `[batch, timesteps, units]`, without dropout; for an LSTM not its c."""
        hidden_states = []
        for layer in self.layers:
            if self.bidirectional:
                layers = (layer.forward_layer, layer.backward_layer)
                forward, backward = (_roll(one, sequence, mask) for one in layers)
                sequence, hidden = (np.concatenate(pair, axis=-1) for pair in zip(forward, backward, strict=True))
            else:
                sequence, hidden = _roll(layer, sequence, mask)
            hidden_states.append(hidden)
        return hidden_states

    def state_specs(self) -> list[tf.TensorSpec] | str:
        """The states of a stream, layer by layer, all zeros at first; or why the model cannot stream."""
        if self.bidirectional:
            return "its layers also read from the end, which a stream has not reached (bidirectional=True)"
        specs = []
        for i, layer in enumerate(self.layers):
            for j, state in enumerate(tf.nest.flatten(layer.get_initial_state(batch_size=1))):
                if np.any(keras.ops.convert_to_numpy(state)):
                    return f"{type(layer.cell).__name__} does not begin with zeros, as a stream does"
                specs.append(tf.TensorSpec([None, *state.shape[1:]], tf.float32, name=f"state_{i}_{j}"))
        return specs

    def step(self, inputs: Any, states: Sequence[Any], present: Any = None) -> tuple[Any, list[Any]]:
        """One time step of all layers: the output `[batch, units]` and the states after it.

        Args:
            inputs: `[batch, features]`.
            states: As `state_specs` says.
            present: Bools `[batch]`, whether there is a step; where not, the states stay.
        """
        after: list[Any] = []
        for layer in self.layers:
            inputs, new = _infer(layer.cell, inputs, self._own_states(layer, states, len(after)))
            after += tf.nest.flatten(new)
        after = [tf.cast(state, tf.float32) for state in after]
        if present is not None:
            after = [_where(present, new, old) for new, old in zip(after, states, strict=True)]
        return inputs, after

    @staticmethod
    def _own_states(layer: Any, states: Sequence[Any], first: int) -> Any:
        """Those of all states, from number `first` on, that are a layer's own, in its structure and type."""
        like = layer.get_initial_state(batch_size=1)
        own = [tf.cast(states[first + j], state.dtype) for j, state in enumerate(tf.nest.flatten(like))]
        return tf.nest.pack_sequence_as(like, own)

    def settings(self) -> dict[str, Any]:
        """The arguments, as a model's `get_config` shows them."""
        serialize = keras.saving.serialize_keras_object
        return {
            "units": self.units,
            "cell": self.cell if isinstance(self.cell, str) else serialize(self.cell),
            "activation": serialize(self.activation) if callable(self.activation) else self.activation,
            "dropout": self.dropout,
            "input_dropout": self.input_dropout,
            "recurrent_dropout": self.recurrent_dropout,
            "bidirectional": self.bidirectional,
            "return_sequences": self.return_sequences,
            "shards": self.shards,
        }


def with_objects(config: dict[str, Any], custom_objects: Any = None) -> dict[str, Any]:
    """A model's config with the cells and the activation that `Encoder.settings` serialized."""
    config = dict(config)
    for name in ("cell", "activation"):
        if not isinstance(config.get(name), (str, type(None))):
            config[name] = keras.saving.deserialize_keras_object(config[name], custom_objects=custom_objects)
    return config


def _where(present: Any, new: Any, old: Any) -> Any:
    """The new state of the rows `[batch]` that have a step, the old one of the others."""
    return tf.where(tf.reshape(present, [-1] + [1] * (len(new.shape) - 1)), new, old)


def _infer(cell: Any, inputs: Any, states: Any) -> tuple[Any, Any]:
    """One step of a cell outside training, whatever its default is."""
    arguments = {"training": False} if takes_training(cell) else {}
    return cell(inputs, states, **arguments)


def _roll(layer: RNN, sequence: Any, mask: Any) -> tuple[np.ndarray, np.ndarray]:
    """Outputs and hidden states of one layer at every step, in the order of time; a masked step keeps the state."""
    states = layer.get_initial_state(batch_size=len(sequence))
    timesteps = range(sequence.shape[1])
    outputs, hidden = [], []
    for t in reversed(timesteps) if layer.go_backwards else timesteps:
        output, after = _infer(layer.cell, sequence[:, t], states)
        states = after if mask is None else keras.tree.map_structure(partial(_where, mask[:, t]), after, states)
        outputs.append(keras.ops.convert_to_numpy(output))
        hidden.append(keras.ops.convert_to_numpy(keras.tree.flatten(states)[0]))
    order = slice(None, None, -1 if layer.go_backwards else 1)
    return np.stack(outputs[order], axis=1), np.stack(hidden[order], axis=1)

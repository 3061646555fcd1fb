"""`RNN`, a `keras.layers.RNN` with a faster inner loop."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from rnn_tf import _keras, scans
from rnn_tf._checks import check_sequences, positive_integer
from rnn_tf._exporting import traced_for_export
from rnn_tf.layers import kernels
from rnn_tf.layers.checks import check_call, check_cell
from rnn_tf.layers.plan import (
    IMPLEMENTATIONS,
    Explanation,
    Plan,
    check_kernel,
    cudnn_takes,
    first_call,
    gpu_visible,
    make_plan,
)
from rnn_tf.scans.lookup import Lookup


@keras.saving.register_keras_serializable(package="rnn_tf")
class RNN(_keras.RNN):
    """`keras.layers.RNN`, faster where the cell has a kernel: same arguments, weights, answers and gradients.

        o_t, s_t = cell(x_t, s_{t-1}),   t = 1, ..., T

    `ElmanCell` and Keras's `SimpleRNNCell`, `LSTMCell` and `GRUCell` run through a kernel: inputs are projected many
    steps at a time, so that a step holds nothing but the recurrence, and the gradient is written by hand, with one
    product for the weights of as many steps. A stack of them runs cell by cell, each over the whole sequence. Shards of
    the batch run side by side. `MinGRUCell`, `MinLSTMCell` and `LRUCell` run all steps at once. Any other cell runs as
    it is, in a loop that takes several steps a turn. `explain` says which way a call takes, and why.

    Args:
        cell: A Keras cell, or a list of them to stack.
        *args, **kwargs: Those of `keras.layers.RNN`: `return_sequences`, `return_state`, `go_backwards`, `stateful`,
            `unroll`, `zero_output_for_mask`, `name`, `dtype`.
        implementation: `"auto"`; or `"kernel"`, `"chunked"`, or `"reference"`, which is Keras's own loop: for
            comparison, and for second derivatives, which kernels do not have.
        shards: Positive integer, the most shards that run side by side. `None` takes the number of cores, at most 4.
            It changes the last bit of sums over a batch: set it to get the same sums on another machine.
        remat: Whether to hold only about √T states of a sequence in memory and compute the rest again for the
            gradient, which takes another forward pass. Not for a cell of your own that draws random numbers.

    Call arguments:
        sequences: Tensor, shape `[batch, timesteps, ...]`; `[batch, timesteps, features]` for a kernel.
        initial_state: s_0, a list of tensors `[batch, size]`, one for each entry of `cell.state_size`. Default: zeros.
        mask: Boolean tensor `[batch, timesteps]`. A step where it is False keeps the state, and repeats the output.
        training: Passed to the cell; dropout is active where it is True.

    Returns:
        `[batch, units]`, or with `return_sequences` `[batch, timesteps, units]`; with `return_state` followed by the
        last states, `[batch, units]` each. In the layer's compute dtype.

    With `go_backwards` outputs stand last step first, and the mask goes on unreversed, as in Keras, so that a model
    keeps its numbers when it takes this layer: of [1, 2, 3, pad, pad] a masked loss, or a layer above, takes the
    outputs of the pads and of 3, not those of 2 and 1. `keras.ops.flip(outputs, axis=1)` puts them where their mask is.

    Raises:
        ValueError: If the cell has no `state_size`, an argument is out of its range, or sequences, mask and initial
            state do not fit each other.

    Sources: J. L. Elman (1990), "Finding structure in time", Cognitive Science 14; each kernel in `rnn_tf.scans`
    names its own.

    Example:
    >>> import keras, numpy as np
    >>> from rnn_tf import RNN
    >>> layer = RNN(keras.layers.LSTMCell(32), return_sequences=True)
    >>> layer(np.zeros([64, 100, 8], "float32")).shape
    TensorShape([64, 100, 32])
    >>> layer.explain([64, 100, 8])
    RNN(LSTMCell) on [64, 100, 8] in float32, training, without a mask:
    - The kernel of LSTMCell: inputs projected many steps at a time, and a hand-written gradient.
    - A loop of 10 steps a turn: 100 are too many to unroll.
    - Shards of the batch side by side: ...
    """

    def __init__(
        self,
        cell: Any,
        *args: Any,
        implementation: str = "auto",
        shards: int | None = None,
        remat: bool = False,
        **kwargs: Any,
    ) -> None:
        for one in cell if isinstance(cell, (list, tuple)) else [cell]:
            check_cell(one)
        super().__init__(cell, *args, **kwargs)
        if implementation not in IMPLEMENTATIONS:
            raise ValueError(
                f"`implementation` must be one of {', '.join(map(repr, IMPLEMENTATIONS))}. "
                f"Received: implementation={implementation!r}."
            )
        if remat and implementation == "reference":
            raise ValueError("`remat` is not Keras's. Received: remat=True with implementation='reference'.")
        self.implementation = implementation
        self.shards = None if shards is None else positive_integer("shards", shards)
        self.remat = remat
        check_kernel(self)

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        """Make the weights of the cell, for sequences `[batch, timesteps, features]`."""
        # A cell without a kernel may take more axes, as those of images, and any features.
        self._features: int | None = None
        if kernels.has_kernel(self._first_cell) or len(sequences_shape) < 3:
            check_sequences(type(self).__name__, sequences_shape)
            self._features = sequences_shape[2]
        if self.stateful and sequences_shape[0] is None:
            raise ValueError(
                "A stateful layer keeps a state for every row, so that the batch size must be known. Received: "
                f"sequences of shape {tuple(sequences_shape)}. Give it, as in keras.Input(batch_shape=[8, None, 3])."
            )
        super().build(sequences_shape, initial_state_shape)
        if gpu_visible() and cudnn_takes(self, masked=False, training=False):
            # The way to cuDNN is in Keras's own layer, which has variables: they cannot be made while tracing a call.
            kind = keras.layers.LSTM if isinstance(self.cell, keras.layers.LSTMCell) else keras.layers.GRU
            layer = kind(
                1, return_sequences=self.return_sequences, go_backwards=self.go_backwards, dtype=self.dtype_policy
            )
            layer.cell = self.cell
            self._cudnn = layer.inner_loop
            self.supports_jit = layer.supports_jit  # XLA has no cuDNN

    @property
    def _first_cell(self) -> Any:
        return self.cell.cells[0] if isinstance(self.cell, keras.layers.StackedRNNCells) else self.cell

    def explain(
        self, shape: Sequence[int | None], mask: bool = False, training: bool = True, jit_compile: bool = False
    ) -> Explanation:
        """How a call on sequences of this shape runs in a graph, and why.

        Args:
            shape: The shape of the sequences, `(batch, timesteps, features)`; `None` for what is not known.
            mask: Whether there is a mask.
            training: Whether it is a call in training.
            jit_compile: Whether XLA compiles it.

        Returns:
            A `str` of several lines.
        """
        plan = make_plan(self, shape, masked=mask, training=training, compiled=jit_compile, eager=False)
        sizes = ", ".join("?" if size is None else str(size) for size in shape)
        when = "training" if training else "inference"
        reasons = list(plan.reasons)
        if mask and plan.path in ("kernel", "chunked"):
            parallel = plan.path == "kernel" and kernels.runs_in_parallel(self.cell)
            where = "to the factors of the scan" if parallel else "inside the loop"
            reasons.append(f"The mask is applied {where}: a masked step keeps the state.")
        if self.remat and plan.path in ("kernel", "chunked"):
            reasons.append("In pieces of about √T steps, each computed again for the gradient, as remat=True asks.")
        reasons.append(
            f"On {'GPU' if gpu_visible() else 'CPU'}, {'compiled by XLA' if jit_compile else 'without XLA'}."
        )
        waiting = first_call(self, plan, shape[1]) if training and not (gpu_visible() or jit_compile) else None
        reasons += [waiting] if waiting else []
        if not (gpu_visible() or jit_compile) and _keras.onednn_is_off():
            reasons.append(
                "Products of matrices without oneDNN, as TensorFlow starts on this processor: try the environment "
                "variable TF_ENABLE_ONEDNN_OPTS=1, set before TensorFlow is imported."
            )
        head = (
            f"RNN({type(self.cell).__name__}) on [{sizes}] in {self.compute_dtype}, {when}, "
            f"{'with' if mask else 'without'} a mask:"
        )
        return Explanation("\n- ".join([head, *reasons]))

    def call(self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False) -> Any:
        """The cell over all steps: see the class."""
        check_call(self, sequences, initial_state, mask)
        return super().call(sequences, initial_state=initial_state, mask=mask, training=training)

    def draws_masks(self) -> bool:
        """Whether this call draws dropout masks: not in an export."""
        return not traced_for_export()

    def inner_loop(self, sequences: Any, initial_state: Any, mask: Any, training: bool = False) -> Any:
        """The steps themselves, which Keras's `call` asks for, in the way that `explain` names."""
        plan = make_plan(
            self,
            sequences.shape,
            masked=mask is not None,
            training=bool(training),
            compiled=_keras.traced_for_xla(),
            eager=tf.executing_eagerly(),
        )
        if plan.path == "reference":
            return super().inner_loop(sequences, initial_state, mask, training)
        if plan.path == "cudnn":
            return self._cudnn(sequences, initial_state, None, training)
        if mask is not None:
            mask = tf.cast(mask, tf.bool)
            mask = tf.squeeze(mask, 2) if len(mask.shape) == 3 else mask  # [batch, time]
        if self.go_backwards:
            sequences = tf.reverse(sequences, [1])
            mask = None if mask is None else tf.reverse(mask, [1])
        run = self._kernel if plan.path == "kernel" else self._chunked
        outputs, last, states = run(plan, sequences, initial_state, mask, bool(training))
        return last, outputs if self.return_sequences else tf.expand_dims(last, 1), states

    def _chunked(self, plan: Plan, sequences: Any, states: Any, mask: Any, training: bool) -> Any:
        if self.remat and training and kernels.has_dropout(self.cell):
            raise ValueError(
                "`remat` computes each piece twice, and must get the same dropout both times, which only kernels do. "
                f"Received: {type(self.cell).__name__} with dropout. Give each cell an RNN layer of its own, or set "
                "remat=False."
            )
        arguments = {"training": training} if _keras.takes_training(self.cell) else {}

        def cell(inputs: Any, states: Any) -> Any:
            return self.cell(inputs, states, **arguments)

        def run(sequences: Any, carried: Any, mask: Any) -> Any:
            return scans.chunked(
                cell,
                sequences,
                tf.nest.pack_sequence_as(states, carried[1:]),
                carried[0],
                mask=mask,
                zero_masked_outputs=self.zero_output_for_mask,
                sequences=self.return_sequences,
                chunk=plan.chunk,
            )

        # For the shape and type of an output: TensorFlow prunes the step.
        carried = [tf.zeros_like(cell(sequences[:, 0], states)[0]), *tf.nest.flatten(states)]
        outputs, (last, *final) = self._whole(run, sequences, carried, mask)
        return outputs, last, tf.nest.pack_sequence_as(states, final)

    def over_table(self, plan: Plan, ids: Any, table: Any, states: Any, mask: Any, training: bool) -> Any:
        """See `rnn_tf.layers.rows.over_rows`: all outputs and the last states."""
        outputs, _, after = self._kernel(plan, ids, states, mask, training, table)
        return outputs, *tf.nest.flatten(after)

    def _kernel(self, plan: Plan, sequences: Any, states: Any, mask: Any, training: bool, table: Any = None) -> Any:
        sequences = tf.cast(sequences, self.compute_dtype)  # integers, too: Keras casts floats only
        cells = kernels.cells_of(self.cell)
        # A state from outside may be of unknown size, and of the type of a stack, not of its cells.
        flat = [
            tf.ensure_shape(tf.cast(state, self.compute_dtype), [None, size])
            for state, size in zip(tf.nest.flatten(states), tf.nest.flatten(self.state_size), strict=True)
        ]
        ends = list(itertools.accumulate(len(tf.nest.flatten(cell.state_size)) for cell in cells))
        starts = [0, *ends[:-1]]  # where the states of each cell are among all
        # Keras has drawn the masks of all cells: of those above the first their inputs are not there yet.
        dropout = [
            kernels.dropout_masks(cell, sequences, flat[start], training)
            for cell, start in zip(cells, starts, strict=True)
        ]

        def run(sequences: Any, states: Any, mask: Any, dropout: Any) -> Any:
            def piece(sequences: Any, states: Any, mask: Any) -> Any:
                after: list[Any] = []
                for cell, start, end, masks in zip(cells, starts, ends, dropout, strict=True):
                    kernel = kernels.make_kernel(cell)
                    if table is not None and not start:
                        kernel = kernel._replace(projection=Lookup(kernel.projection.forward(table)))
                    sequences, last = kernel.over(
                        sequences,
                        states[start:end],
                        masks,
                        mask=mask,
                        sequences=self.return_sequences or end < len(states),
                        training=training,
                        chunk=plan.chunk,
                    )
                    after += last
                    if kernel.read_out is not None and end < len(states):
                        sequences = kernel.read_out(sequences)
                return sequences, after

            return self._whole(piece, sequences, states, mask)

        outputs, flat = scans.in_shards(run, plan.shards, sequences, flat, mask, dropout)
        # Of the inputs of the last cell a read-out asks only where no cell is below it: see `cells_of`.
        outputs, last = kernels.read_out(
            cells[-1], outputs, flat[starts[-1] :], sequences, mask, dropout[-1][0], plan.chunk
        )
        if mask is not None:
            # A masked step repeats the output before it, and the state is that output's; but before the first
            # unmasked step there is none, whatever the initial state.
            shown = mask if self.zero_output_for_mask else tf.cumsum(tf.cast(mask, tf.int32), axis=1) > 0
            last = tf.where(shown[:, -1:], last, 0)
            outputs = None if outputs is None else tf.where(tf.expand_dims(shown, 2), outputs, 0)
        return outputs, last, tf.nest.pack_sequence_as(states, flat)

    def _whole(self, run: Callable[..., Any], sequences: Any, states: Any, mask: Any) -> Any:
        if self.remat and not traced_for_export():  # an export has no gradient to save memory for
            return scans.rematerialized(run, sequences, states, mask)
        return run(sequences, states, mask)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "implementation": self.implementation,
            "shards": self.shards,
            "remat": self.remat,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "RNN":
        layer: RNN = super().from_config(dict(config), custom_objects)
        return layer

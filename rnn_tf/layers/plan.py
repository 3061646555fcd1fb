"""Which way a call of `RNN` takes, and why."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from rnn_tf._exporting import available_shards, traced_for_export
from rnn_tf.layers.kernels import cells_of, has_kernel, is_known, runs_in_parallel, why_no_kernel

IMPLEMENTATIONS = ("auto", "kernel", "chunked", "reference")

# Measured on two CPU cores with 16 to 256 units; `rnn-tf bench layers` shows what they lead to.
UNROLLED_STEPS = 128  # of an Elman kernel: up to here no loop, which saves a tenth of the time
UNROLLED_CELL_STEPS = 16  # of any other, which may be much larger: 100 steps of an LSTM take six seconds to trace
CHUNK = 32  # steps of an Elman kernel in one turn of a loop
GATED_CHUNK = 8  # steps of an LSTM's or a GRU's: in twice as many a loop is 3 % faster, and traced in twice the time
EXPORT_CHUNK = 8  # likewise, in an export: without a gradient as fast, and half the size on disk
CELL_CHUNK = 2  # of any other cell: TensorFlow's gradient keeps every tensor of every step in an array of its own
SHARD_ROWS = 8  # rows that are worth a shard of their own
XLA_UNROLLED_STEPS = 8  # XLA's loops are cheap, its compiler is not


# What tracing and compiling cost, training, measured on the same cores.
TRACING = 0.35  # seconds of a call
STEP_TRACING = {True: 0.004, False: 0.04}  # of a step that is traced, for every shard: of an Elman kernel, of another


class Plan(NamedTuple):
    """The way a call runs, and why."""

    path: str  # "kernel", "chunked", "reference" or "cudnn"
    chunk: int | None  # steps in one turn of a loop; None for no loop
    shards: int
    reasons: tuple[str, ...]


class Explanation(str):
    """A text that shows its lines where Python shows a value, as at the end of a notebook's cell."""

    __repr__ = str.__str__


def make_plan(
    layer: Any, shape: Sequence[int | None], *, masked: bool, training: bool, compiled: bool, eager: bool
) -> Plan:
    """The plan for a call with sequences of this shape, compiled by XLA or not, traced into a graph or eager."""
    path, why = _path(layer, shape, masked, training, compiled)
    if path in ("reference", "cudnn"):
        return Plan(path, None, 1, (why,))
    chunk, loop = _chunk(layer, path, shape[1], compiled, eager)
    shards, side_by_side = _shards(layer, path, shape[0], compiled)
    return Plan(path, chunk, shards, (why, loop, side_by_side))


def _path(layer: Any, shape: Sequence[int | None], masked: bool, training: bool, compiled: bool) -> tuple[str, str]:
    cell, name = layer.cell, type(layer.cell).__name__
    if layer.implementation == "reference":
        return "reference", "Keras's own loop, as implementation='reference' asks."
    if layer.implementation == "chunked":
        return "chunked", "The chunked loop, as implementation='chunked' asks."
    check_kernel(layer, len(shape))
    if not has_kernel(cell):
        lacks = "no kernel for an activation with variables" if is_known(cell) else "no kernel of its own"
        return "chunked", f"The chunked loop: {name} has {lacks}, so its gradients are TensorFlow's."
    if len(shape) != 3:
        return "chunked", f"The chunked loop: a kernel takes [batch, time, features], these are of rank {len(shape)}."
    other = other_dtype(layer)
    if other:
        return "chunked", f"The chunked loop: the layer computes in {layer.compute_dtype}, its cell in {other}."
    if layer.implementation == "auto":
        on_cudnn = gpu_visible() and not compiled and not traced_for_export()  # a server may have no GPU
        if on_cudnn and cudnn_takes(layer, masked, training):
            return "cudnn", f"Keras's cuDNN path: there is a GPU, and cuDNN can take this {name}."
        if compiled and not training:
            return "reference", "Keras's own loop: without a gradient, XLA makes it as fast as ours."
    name = ", then ".join(type(one).__name__ for one in cells_of(cell))
    return "kernel", f"The kernel of {name}: inputs projected many steps at a time, and a hand-written gradient."


def other_dtype(layer: Any) -> str:
    """The type that a cell computes in, if it is not the layer's; else empty."""
    types = [cell.compute_dtype for cell in cells_of(layer.cell)]
    return next((str(one) for one in types if one != layer.compute_dtype), "")


def check_kernel(layer: Any, rank: int = 3) -> None:
    """Raise ValueError where implementation='kernel' asks for a kernel, and the layer would run something else."""
    if layer.implementation != "kernel":
        return
    cell, name = layer.cell, type(layer.cell).__name__
    received = f"Received: implementation='kernel' with {name}"
    if not has_kernel(cell):
        rule, advice = why_no_kernel(cell)
        raise ValueError(f"{rule} {received}. {advice}")
    other = other_dtype(layer)
    if other:
        raise ValueError(
            f"A kernel computes in one type. {received}, where the layer computes in {layer.compute_dtype}, its cell "
            f"in {other}. Give both the same dtype, or set implementation='auto'."
        )
    if rank != 3:
        raise ValueError(
            f"A kernel takes sequences [batch, timesteps, features]. {received}, and sequences of rank {rank}. Make "
            "one axis of those after the steps."
        )


def _chunk(layer: Any, path: str, timesteps: int | None, compiled: bool, eager: bool) -> tuple[int | None, str]:
    if path == "kernel" and runs_in_parallel(layer.cell):
        if compiled:
            return 1, "A loop of one step a turn: XLA compiles it, and its turns cost next to nothing."
        return None, "All steps in parallel: a blocked scan, which takes the steps of a block in turn, of all at once."
    elman = path == "kernel" and _is_elman(layer)
    kernel_chunk = EXPORT_CHUNK if traced_for_export() else CHUNK if elman else GATED_CHUNK
    chunk = kernel_chunk if path == "kernel" else CELL_CHUNK
    if timesteps is None and traced_for_export():
        return chunk, f"A loop of {chunk} steps a turn, for any number of steps: the form that converters know."
    if timesteps is None:
        return chunk, f"A loop of {chunk} steps a turn, then of one: the number of steps is not known."
    if eager:
        return None, f"{timesteps} steps without a loop: eagerly, there is no graph to keep small."
    if layer.unroll:
        return None, f"{timesteps} steps without a loop, as unroll=True asks."
    if compiled:
        if timesteps <= XLA_UNROLLED_STEPS:
            return None, f"{timesteps} steps without a loop: they are few."
        return 1, "A loop of one step a turn: XLA compiles it, and its turns cost next to nothing."
    limit = UNROLLED_STEPS if elman else UNROLLED_CELL_STEPS
    if timesteps <= limit:
        return None, f"{timesteps} steps without a loop: they are known, and not more than {limit}."
    chunk = _fitting(timesteps, chunk)
    return chunk, f"A loop of {chunk} steps a turn: {timesteps} are too many to unroll."


def _is_elman(layer: Any) -> bool:
    return isinstance(layer.cell, keras.layers.SimpleRNNCell)


def first_call(layer: Any, plan: Plan, timesteps: int | None) -> str | None:
    """How long the first call of a kernel takes to trace and to compile; None where that was not measured."""
    if plan.path != "kernel" or runs_in_parallel(layer.cell):
        return None
    traced = timesteps or 0
    if plan.chunk is not None:  # a turn, and what is left over
        traced = plan.chunk + (1 if timesteps is None else timesteps % plan.chunk)
    a_step = STEP_TRACING[_is_elman(layer)] * plan.shards * len(cells_of(layer.cell))

    def seconds(steps: int) -> str:
        return f"{TRACING + a_step * steps:.1f} s"

    told = f"The first call in training takes about {seconds(traced)} more, to trace and compile {traced} steps"
    if plan.chunk is None or timesteps is None:
        return f"{told}."
    return f"{told}; with unroll=True about {seconds(timesteps)}, for training steps that are up to a tenth faster."


def _fitting(timesteps: int, chunk: int) -> int:
    """About so many steps a turn that few are left over: those are traced by themselves."""
    return min(range(chunk - chunk // 4, chunk + chunk // 4 + 1), key=lambda size: (timesteps % size, -size))


def _shards(layer: Any, path: str, batch: int | None, compiled: bool) -> tuple[int, str]:
    if path == "chunked":
        return 1, "One shard: a cell may look at the whole batch."
    if runs_in_parallel(layer.cell):
        return 1, "One shard: the operations of a blocked scan are large enough for all cores."
    if traced_for_export():
        return 1, "One shard: an export must not depend on the machine that wrote it."
    if compiled or gpu_visible():
        return 1, f"One shard: {'XLA' if compiled else 'a GPU'} runs one loop at a time."
    most = layer.shards or available_shards()
    if batch is None:
        return most, f"Shards of the batch side by side: {most}, whatever its size, which is not known."
    shards = max(1, min(most, batch // SHARD_ROWS))
    return shards, f"Shards of the batch side by side: {shards}, for {batch} rows (at most {most})."


def cudnn_takes(layer: Any, masked: bool, training: bool) -> bool:
    """Whether Keras runs this call on cuDNN. With a mask it would refuse gaps in it, which keras.layers.RNN takes."""
    cell = layer.cell
    return (
        isinstance(cell, (keras.layers.LSTMCell, keras.layers.GRUCell))
        and cell.activation is keras.activations.tanh
        and cell.recurrent_activation is keras.activations.sigmoid
        and cell.use_bias
        and getattr(cell, "reset_after", True)
        and not (masked or layer.unroll or cell.recurrent_dropout or (training and cell.dropout))
    )


def gpu_visible() -> bool:
    return bool(tf.config.list_logical_devices("GPU"))

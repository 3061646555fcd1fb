"""`rnn-tf train KIND`: the same steps for every kind of task, which the table of kinds fills in.

Read the file, cut it, and say what was found, all without TensorFlow; train; report on the held-out part; export.
"""

import argparse
import importlib
import shlex
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from rnn_tf.commands import train_language, train_sequences, train_series, train_tags, train_text
from rnn_tf.commands.exports import export_folder, usable_folder
from rnn_tf.commands.tensorflow_start import import_tensorflow


class Kind(NamedTuple):
    """One kind of task.

    name: What an export is named after, from the options.
    read: The data in their parts, from the options; prints what was found.
    trainer: The module with `train(task, options)`, which gives a model and a sentence on the weights that it keeps,
        and `report(model, task, options)`.
    examples: Inputs to keep beside an export.
    metadata: What `rnn-tf predict` must know of the training.
    next_inputs: What `rnn-tf predict` may be asked next, each the words of a command.
    """

    name: Callable[[argparse.Namespace], str]
    read: Callable[[argparse.Namespace], Any]
    trainer: str
    examples: Callable[[Any], Any]
    metadata: Callable[[Any, argparse.Namespace], dict[str, Any]]
    next_inputs: Callable[[Any, argparse.Namespace], list[list[str]]]


KINDS = {
    name: Kind(light.name, light.read_task, trainer, light.examples, light.metadata, light.next_inputs)
    for name, light, trainer in (
        ("series", train_series, "rnn_tf.commands.forecaster"),
        ("text", train_text, "rnn_tf.commands.text_trainer"),
        ("tags", train_tags, "rnn_tf.commands.tag_trainer"),
        ("language", train_language, "rnn_tf.commands.language_trainer"),
        ("sequences", train_sequences, "rnn_tf.commands.sequence_trainer"),
    )
}


def run(options: argparse.Namespace) -> None:
    kind = KINDS[options.kind]
    folder = export_folder(options.models, options.name, kind.name(options))
    if "output" in options:
        usable_folder(options.output)
    task = kind.read(options)
    import_tensorflow()
    keras, trainer, exports = (
        importlib.import_module(name) for name in ("keras", kind.trainer, "rnn_tf.commands.exports")
    )
    keras.utils.set_random_seed(options.seed)
    started = time.perf_counter()
    model, kept = trainer.train(task, options)
    print(f"trained in {time.perf_counter() - started:.0f} s{kept}\n")
    with exports.kept_if_it_fails(model, folder):
        trainer.report(model, task, options)
    metadata = {"task": options.kind, **kind.metadata(task, options)}
    exports.export(model, folder, examples=kind.examples(task), metadata=metadata)
    for number, words in enumerate(kind.next_inputs(task, options)):
        print("next:" if not number else "  or:", shlex.join(["rnn-tf", "predict", str(folder), *words]))

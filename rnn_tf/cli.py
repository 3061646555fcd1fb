"""The command `rnn-tf`. A command's module is imported only when it runs, and TensorFlow when its files are read."""

import argparse
import importlib
import math
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rnn_tf import __version__

DEFECT = 3  # the exit code


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code.

    0, or 1 for a check that failed; 2 for input that cannot be used; 3 for a defect of rnn-tf itself; 130 for Ctrl-C,
    141 where nobody reads the output any more.
    """
    options = _parser().parse_args(arguments)
    try:
        if options.first:  # what needs no TensorFlow
            getattr(importlib.import_module("rnn_tf.commands.exports"), options.first)(options)
        if options.heavy:
            importlib.import_module("rnn_tf.commands.tensorflow_start").import_tensorflow()
        code = importlib.import_module(options.module).run(options) or 0
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # whoever reads what is printed has read enough, as `head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains when it ends
        return 141
    except KeyboardInterrupt as interrupt:
        print(f"\nrnn-tf: stopped. {interrupt}".rstrip(), file=sys.stderr)
        return 130
    except Exception as error:  # a user's mistake in a sentence, a defect of ours as such, and no bare traceback
        sys.stdout.flush()
        if options.debug:
            traceback.print_exc()
        if _is_the_users(error):
            print(f"rnn-tf: {_message(error)}", file=sys.stderr)
            return 2
        remedy = "please report it with this traceback" if options.debug else "add --debug to see where, and report it"
        print(
            f"rnn-tf: a defect of rnn-tf, not a mistake of yours: {type(error).__name__}: {error}\n{remedy}.",
            file=sys.stderr,
        )
        return DEFECT


def _is_the_users(error: Exception) -> bool:
    """Whether a user can put it right: the disk's errors, missing packages, and what our own checks raise.

    A check is a `raise` in this package. A ValueError that comes from within Keras, TensorFlow or a line of ours that
    raises nothing itself is a defect.
    """
    if isinstance(error, (OSError, ImportError)):
        return True
    if not isinstance(error, (ValueError, FloatingPointError)):
        return False
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return Path(frame.filename).is_relative_to(Path(__file__).parent) and (frame.line or "raise").startswith("raise")


def _message(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:  # without its number
        return error.strerror if error.filename is None else f"{error.strerror}: {error.filename}"
    return str(error)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rnn-tf", description="Recurrent networks for TensorFlow 2 and Keras 3, from the command line."
    )
    parser.add_argument("--version", action="version", version=f"rnn-tf {__version__}")
    parser.add_argument("--debug", action="store_true", help="show where an error comes from")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    demo = _command(commands, "demo", "rnn_tf.commands.demo", "the tutorial's example, trained, compared and exported")
    demo.add_argument("--seed", type=_seed, default=0, help="of every random number (default: 0)")
    demo.add_argument("--output", default="rnn_tf_demo", help="folder for the pictures (default: rnn_tf_demo)")
    demo.add_argument("--models", default="saved_models", help="folder for the export (default: saved_models)")
    demo.set_defaults(first="check_demo")

    train = commands.add_parser("train", help="train a model on your data").add_subparsers(
        title="what to train on", required=True, metavar="KIND"
    )
    series = _command(train, "series", "rnn_tf.commands.train", "forecast a column of a file", heavy=False)
    series.add_argument("file", metavar="FILE", help="one row a time step; names in the first line; .csv, .tsv, .jsonl")
    series.add_argument("--column", required=True, help="the column to forecast")
    series.add_argument("--features", default="", metavar="A,B", help="further columns to look at")
    _times_from(series)
    series.add_argument("--window", type=_positive, default=4, help="steps to look back (default: 4)")
    series.add_argument("--horizon", type=_positive, default=1, help="steps to look ahead (default: 1)")
    series.add_argument("--season", type=_positive, help="steps in a season, for the seasonal-naive baseline")
    series.set_defaults(kind="series")
    _training(series, units=16, cell="gru", batch=32, rate=0.005, dropout=0.0, test=0.33, epochs=300, rows="rows")
    _export_to(series, "the column's")

    text = _command(train, "text", "rnn_tf.commands.train", "classify texts of a file", heavy=False)
    _texts_from(text)
    text.add_argument("--vocabulary", type=_positive, default=20_000, help="tokens to know at most (default: 20000)")
    text.add_argument("--max-length", type=_positive, default=512, help="tokens of a text to read (default: 512)")
    text.set_defaults(kind="text")
    _training(text, units=64, cell="lstm", batch=64, rate=0.001, dropout=0.5, test=0.2, epochs=20, rows="texts")
    text.add_argument("--output", default="rnn_tf_text", help="folder for the pictures (default: rnn_tf_text)")
    _export_to(text, "the file's")

    tags = _command(train, "tags", "rnn_tf.commands.train", "tag the tokens of sentences", heavy=False)
    _tagged_from(tags, "requests to an assistant at home")
    tags.add_argument("--intents", metavar="FILE", help="with an intent a line (default: those of the folder, if any)")
    tags.add_argument(
        "--tokens",
        choices=["spaces", "words"],
        help="where an export cuts strings; words: also at punctuation, and each Chinese character (default: spaces; "
        "without FILE words)",
    )
    tags.set_defaults(kind="tags")
    _training(tags, units=100, cell="lstm", batch=32, rate=0.008, dropout=0.5, test=0.2, epochs=30, rows="sentences")
    _export_to(tags, "the file's")

    sequences = _command(
        train, "sequences", "rnn_tf.commands.train", "classify sequences of numbers of a file", heavy=False
    )
    sequences.add_argument("file", metavar="FILE", help="one row a time step of one sequence; .csv, .tsv or .jsonl")
    sequences.add_argument("--id", required=True, metavar="COLUMN", help="which sequence a row belongs to")
    sequences.add_argument("--label", required=True, metavar="COLUMN", help="the class, the same in all its rows")
    sequences.add_argument("--features", metavar="A,B", help="columns to look at (default: all others of numbers)")
    sequences.add_argument("--time", metavar="COLUMN", help="order of a sequence's rows (default: that of the file)")
    _decimal(sequences)
    sequences.set_defaults(kind="sequences")
    _training(
        sequences, units=32, cell="gru", batch=32, rate=0.005, dropout=0.2, test=0.2, epochs=100, rows="sequences"
    )
    _export_to(sequences, "the file's")

    predict = _command(
        commands, "predict", "rnn_tf.commands.predict", "answer from an export alone, or from a server", heavy=False
    )
    predict.add_argument(
        "model",
        metavar="MODEL",
        help="folder of an export, such as saved_models/sales; or its address on a server, such as "
        "http://localhost:8501/v1/models/sales or grpc://localhost:8500/sales",
    )
    predict.add_argument(
        "inputs",
        metavar="INPUT",
        nargs="+",
        help="a file: of the series to continue, of texts (.txt with one a line, .csv, .tsv, .jsonl; - for standard "
        "input), or of sequences; or texts themselves",
    )
    predict.add_argument("--steps", type=_positive, help="of a forecast (default: the model's horizon)")
    predict.add_argument("--column", help="the column to forecast (default: the one that the model was trained on)")
    predict.add_argument("--features", metavar="A,B", help="the (further) columns that it looks at (default: likewise)")
    _times_from(predict)
    predict.add_argument("--text", metavar="COLUMN", help="the column of the texts (default: likewise, or text)")
    predict.add_argument("--id", metavar="COLUMN", help="which sequence a row belongs to (default: likewise)")
    predict.add_argument("--output", metavar="OUT.csv", help="file to write (default: print)")

    check = _command(
        commands, "check", "rnn_tf.commands.check", "whether a server, or another runtime, takes an export"
    )
    check.add_argument("model", metavar="MODEL", help="folder of an export or of one version of it")
    check.add_argument(
        "--for",
        dest="targets",
        type=_targets,
        metavar="onnx,openvino,litert",
        help="rather than TF Serving one or more of these: convert for it, and compare the answers",
    )
    check.set_defaults(first="check_export")

    serve = _command(commands, "serve", "rnn_tf.commands.serve", "a server for development, with TF Serving's REST API")
    serve.add_argument("models", nargs="?", default="saved_models", help="folder of exports (default: saved_models)")
    serve.add_argument("--port", type=int, default=8501, help="on this machine alone; 0 picks one (default: 8501)")
    serve.add_argument("--grpc-port", type=int, metavar="PORT", help="listen there for gRPC, too (TF Serving's: 8500)")
    serve.add_argument("--docker", metavar="NAME", help="print how to run TF Serving itself with this model instead")
    serve.set_defaults(first="check_models")

    bench = commands.add_parser("bench", help="side-by-side timings").add_subparsers(
        title="what to time", required=True, metavar="KIND"
    )
    tutorial = _command(bench, "tutorial", "rnn_tf.bench.tutorial", "the tutorial's 2000 training steps")
    tutorial.add_argument("--repeat", type=_positive, default=5, help="timed runs of each (default: 5)")
    layers = _command(bench, "layers", "rnn_tf.bench.layers", "recurrent layers against Keras's, PyTorch and JAX")
    layers.add_argument("--cases", type=_positive, metavar="N", help="only the first N of each list (default: all)")
    layers.add_argument("--output", default="rnn_tf_bench", help="folder for figures (default: rnn_tf_bench)")
    texts = _command(bench, "text", "rnn_tf.bench.text", "training on texts against the usual Keras recipe")
    _texts_from(texts)
    tagging = _command(bench, "tags", "rnn_tf.bench.tags", "training of taggers against Keras's recipe and PyTorch")
    _tagged_from(tagging, "random words, in sentences as long as those of requests")
    tagging.add_argument("--sentences", type=_positive, metavar="N", help="only the first N (default: all)")
    serving = _command(bench, "serving", "rnn_tf.bench.serving", "answers of an export, at batch 1")
    memory = _command(bench, "memory", "rnn_tf.bench.memory", "memory of training on long sequences")
    workers = _command(bench, "workers", "rnn_tf.bench.workers", "two workers against one, and what a sum costs")
    for command, turns in ((layers, 9), (texts, 5), (tagging, 5), (serving, 9), (workers, 3)):
        command.add_argument("--repeat", type=_positive, default=turns, help=f"turns (default: {turns})")
    for command, sizes in ((memory, (64, 4096, 16, 256)), (workers, (128, 50, 32, 128))):
        for name, size in zip(("batch", "timesteps", "features", "units"), sizes, strict=True):
            command.add_argument(f"--{name}", type=_positive, default=size, help=f"(default: {size})")
    return parser


def _command(commands: Any, name: str, module: str, summary: str, heavy: bool = True) -> argparse.ArgumentParser:
    """A command. One that is not `heavy` imports TensorFlow by itself, when it has checked what it can without."""
    command: argparse.ArgumentParser = commands.add_parser(
        name, help=summary, description=summary[0].upper() + summary[1:] + "."
    )
    command.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    command.set_defaults(module=module, heavy=heavy, first=None)
    return command


def _texts_from(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "file",
        metavar="FILE",
        nargs="?",
        help="ends in .tsv, .csv or .jsonl, each may be followed by .gz; without it, sentences from the documentation "
        "of the installed libraries",
    )
    command.add_argument("--text", default="text", metavar="COLUMN", help="the column of the texts (default: text)")
    command.add_argument("--label", default="label", metavar="COLUMN", help="that of the labels (default: label)")


def _tagged_from(command: argparse.ArgumentParser, otherwise: str) -> None:
    known = f"CoNLL or CoNLL-U, or a folder of seq.in, seq.out and label; without it, {otherwise}"
    command.add_argument("file", metavar="FILE", nargs="?", help=known)
    command.add_argument("--column", help="of the tags, its name or number (default: upos of CoNLL-U, else the last)")


def _times_from(command: argparse.ArgumentParser) -> None:
    time = command.add_mutually_exclusive_group()
    time.add_argument("--time", metavar="COLUMN", help="that of the times (default: the one that holds dates)")
    time.add_argument("--no-time", action="store_true", help="take the rows as they come, one a step, oldest first")
    command.add_argument("--group", metavar="COLUMN", help="what tells several series under each other apart")
    _decimal(command)


def _decimal(command: argparse.ArgumentParser) -> None:
    command.add_argument("--decimal", choices=[".", ","], help="what numbers have before their tenths (default: .)")


def _training(
    command: argparse.ArgumentParser,
    units: int,
    cell: str,
    batch: int,
    rate: float,
    dropout: float,
    test: float,
    epochs: int,
    rows: str,
) -> None:
    """Options of every training, with their defaults."""
    add = command.add_argument
    add("--units", type=_positive, default=units, help=f"size of the hidden state (default: {units})")
    add("--layers", type=_positive, default=1, help="recurrent layers on top of each other (default: 1)")
    cells = ["elman", "gru", "lstm", "mingru", "minlstm", "lru"]
    add("--cell", choices=cells, default=cell, help=f"the last three are parallel in time (default: {cell})")
    add("--batch", type=_positive, default=batch, help=f"rows of a training step (default: {batch})")
    add("--rate", type=_rate, default=rate, help=f"Adam's learning rate (default: {rate})")
    add("--dropout", type=_share, default=dropout, help=f"fraction to drop in training (default: {dropout})")
    held_out = command.add_mutually_exclusive_group()
    held_out.add_argument("--test", type=float, default=test, help=f"share of the {rows} to hold out (default: {test})")
    held_out.add_argument("--test-file", metavar="FILE", help=f"file of {rows} to test on; then all of FILE trains")
    add("--epochs", type=_positive, default=epochs, help=f"at most (default: {epochs})")
    add("--seed", type=_seed, default=0, help="of every random number (default: 0)")
    add("--checkpoint", metavar="FOLDER", help="save the training there; killed, the same command goes on from it")


def _export_to(command: argparse.ArgumentParser, default: str) -> None:
    command.add_argument("--name", help=f"of the export (default: made of {default} name)")
    command.add_argument("--models", default="saved_models", help="folder for the export (default: saved_models)")


def _targets(text: str) -> list[str]:
    targets = [one.strip() for one in text.split(",")]
    if not set(targets) <= {"onnx", "openvino", "litert"}:
        raise argparse.ArgumentTypeError(f"must be one or more of onnx, openvino and litert, not {text!r}")
    return targets


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a positive integer, not {text!r}")
    return int(text)


def _rate(text: str) -> float:
    value = _number(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"must be a positive number, not {text!r}")
    return value


def _share(text: str) -> float:
    value = _number(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 0 and less than 1, not {text!r}")
    return value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _seed(text: str) -> int:
    if not text.isdecimal() or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(f"must be an integer from 0 to 2^32 - 1, not {text!r}")
    return int(text)

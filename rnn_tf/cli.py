"""The command `rnn-tf`. A command's module is imported only when it runs, and TensorFlow when its files are read."""

import argparse
import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rnn_tf import __version__
from rnn_tf.commands.options import (
    decimal,
    export_to,
    non_negative_number,
    positive_integer,
    seed_number,
    tagged_from,
    targets,
    texts_from,
    times_from,
    training,
)

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
    demo.add_argument("--seed", type=seed_number, default=0, help="of every random number (default: 0)")
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
    times_from(series)
    series.add_argument("--window", type=positive_integer, default=4, help="steps to look back (default: 4)")
    series.add_argument("--horizon", type=positive_integer, default=1, help="steps to look ahead (default: 1)")
    series.add_argument("--season", type=positive_integer, help="steps in a season, for the seasonal-naive baseline")
    series.set_defaults(kind="series")
    training(series, units=16, cell="gru", batch=32, rate=0.005, dropout=0.0, test=0.33, epochs=300, rows="rows")
    export_to(series, "the column's")

    text = _command(train, "text", "rnn_tf.commands.train", "classify texts of a file", heavy=False)
    texts_from(text)
    text.add_argument(
        "--vocabulary", type=positive_integer, default=20_000, help="tokens to know at most (default: 20000)"
    )
    text.add_argument(
        "--max-length", type=positive_integer, default=512, help="tokens of a text to read (default: 512)"
    )
    text.set_defaults(kind="text")
    training(text, units=64, cell="lstm", batch=64, rate=0.001, dropout=0.5, test=0.2, epochs=20, rows="texts")
    text.add_argument("--output", default="rnn_tf_text", help="folder for the pictures (default: rnn_tf_text)")
    export_to(text, "the file's")

    tags = _command(train, "tags", "rnn_tf.commands.train", "tag the tokens of sentences", heavy=False)
    tagged_from(tags, "requests to an assistant at home")
    tags.add_argument("--intents", metavar="FILE", help="with an intent a line (default: those of the folder, if any)")
    tags.add_argument(
        "--tokens",
        choices=["spaces", "words"],
        help="where an export cuts strings; words: also at punctuation, and each Chinese character (default: spaces; "
        "without FILE words)",
    )
    tags.set_defaults(kind="tags")
    training(tags, units=100, cell="lstm", batch=32, rate=0.008, dropout=0.5, test=0.2, epochs=30, rows="sentences")
    export_to(tags, "the file's")

    language = _command(train, "language", "rnn_tf.commands.train", "a model of language, that writes", heavy=False)
    language.add_argument(
        "files",
        metavar="FILE",
        nargs="*",
        help="text in UTF-8, read one after the other; without it, the documentation of the installed libraries",
    )
    language.add_argument(
        "--tokens",
        choices=["characters", "words", "spaces"],
        default="characters",
        help="what is written one by one; spaces: what stands between them, as in corpora (default: characters)",
    )
    language.add_argument(
        "--steps", type=positive_integer, help="tokens of a piece (default: 100 characters, 35 words)"
    )
    language.add_argument("--vocabulary", type=positive_integer, default=20_000, help="at most (default: 20000)")
    language.set_defaults(kind="language")
    training(
        language, units=256, cell="lstm", batch=32, rate=0.003, dropout=0.3, test=0.1, epochs=10, rows="text", layers=2
    )
    export_to(language, "the first file's")

    sequences = _command(
        train, "sequences", "rnn_tf.commands.train", "classify sequences of numbers of a file", heavy=False
    )
    sequences.add_argument("file", metavar="FILE", help="one row a time step of one sequence; .csv, .tsv or .jsonl")
    sequences.add_argument("--id", required=True, metavar="COLUMN", help="which sequence a row belongs to")
    sequences.add_argument("--label", required=True, metavar="COLUMN", help="the class, the same in all its rows")
    sequences.add_argument("--features", metavar="A,B", help="columns to look at (default: all others of numbers)")
    sequences.add_argument("--time", metavar="COLUMN", help="order of a sequence's rows (default: that of the file)")
    decimal(sequences)
    sequences.set_defaults(kind="sequences")
    training(sequences, units=32, cell="gru", batch=32, rate=0.005, dropout=0.2, test=0.2, epochs=100, rows="sequences")
    export_to(sequences, "the file's")

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
        "input), or of sequences; or texts themselves, or what a model of language writes on after",
    )
    predict.add_argument("--steps", type=positive_integer, help="of a forecast (default: the model's horizon)")
    predict.add_argument("--column", help="the column to forecast (default: the one that the model was trained on)")
    predict.add_argument("--features", metavar="A,B", help="the (further) columns that it looks at (default: likewise)")
    times_from(predict)
    predict.add_argument("--text", metavar="COLUMN", help="the column of the texts (default: likewise, or text)")
    predict.add_argument("--id", metavar="COLUMN", help="which sequence a row belongs to (default: likewise)")
    predict.add_argument("--length", type=positive_integer, help="how many tokens to write (default: 200)")
    predict.add_argument("--temperature", type=non_negative_number, help="0: the likeliest each time (default: 0.8)")
    predict.add_argument("--seed", type=seed_number, help="of what is written (default: another one each time)")
    predict.add_argument("--output", metavar="OUT.csv", help="file to write (default: print)")

    check = _command(
        commands, "check", "rnn_tf.commands.check", "whether a server, or another runtime, takes an export"
    )
    check.add_argument("model", metavar="MODEL", help="folder of an export or of one version of it")
    check.add_argument(
        "--for",
        dest="targets",
        type=targets,
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
    tutorial.add_argument("--repeat", type=positive_integer, default=5, help="timed runs of each (default: 5)")
    layers = _command(bench, "layers", "rnn_tf.bench.layers", "recurrent layers against Keras's, PyTorch and JAX")
    layers.add_argument(
        "--cases", type=positive_integer, metavar="N", help="only the first N of each list (default: all)"
    )
    layers.add_argument("--output", default="rnn_tf_bench", help="folder for figures (default: rnn_tf_bench)")
    texts = _command(bench, "text", "rnn_tf.bench.text", "training on texts against the usual Keras recipe")
    texts_from(texts)
    tagging = _command(bench, "tags", "rnn_tf.bench.tags", "training of taggers against Keras's recipe and PyTorch")
    tagged_from(tagging, "random words, in sentences as long as those of requests")
    tagging.add_argument("--sentences", type=positive_integer, metavar="N", help="only the first N (default: all)")
    language = _command(bench, "language", "rnn_tf.bench.language", "a model of characters: training and writing")
    serving = _command(bench, "serving", "rnn_tf.bench.serving", "answers of an export, at batch 1")
    memory = _command(bench, "memory", "rnn_tf.bench.memory", "memory of training on long sequences")
    workers = _command(bench, "workers", "rnn_tf.bench.workers", "two workers against one, and what a sum costs")
    for command, turns in ((layers, 9), (texts, 5), (tagging, 5), (language, 5), (serving, 9), (workers, 3)):
        command.add_argument("--repeat", type=positive_integer, default=turns, help=f"turns (default: {turns})")
    for command, sizes in ((memory, (64, 4096, 16, 256)), (workers, (128, 50, 32, 128))):
        for name, size in zip(("batch", "timesteps", "features", "units"), sizes, strict=True):
            command.add_argument(f"--{name}", type=positive_integer, default=size, help=f"(default: {size})")
    return parser


def _command(commands: Any, name: str, module: str, summary: str, heavy: bool = True) -> argparse.ArgumentParser:
    """A command. One that is not `heavy` imports TensorFlow by itself, when it has checked what it can without."""
    command: argparse.ArgumentParser = commands.add_parser(
        name, help=summary, description=summary[0].upper() + summary[1:] + "."
    )
    command.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    command.set_defaults(module=module, heavy=heavy, first=None)
    return command

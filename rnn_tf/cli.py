"""The command `rnn-tf`. A command's module, and TensorFlow with it, is imported only when that command runs."""

import argparse
import importlib
import logging
import os
import sys
import tempfile
from collections.abc import Sequence
from typing import Any

from rnn_tf import __version__


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code: 0, 1 for a check that failed, or 2 for input that cannot be used."""
    options = _parser().parse_args(arguments)
    try:
        _import_tensorflow_quietly()
        return importlib.import_module(options.module).run(options) or 0
    except KeyboardInterrupt:
        print("\nrnn-tf: stopped.", file=sys.stderr)
        return 130
    except (ValueError, OSError, ImportError, FloatingPointError) as error:
        # What a user can put right. Everything else is a defect of ours and keeps its traceback.
        message = str(error)
        if isinstance(error, OSError) and error.strerror:  # without its number
            message = error.strerror if error.filename is None else f"{error.strerror}: {error.filename}"
        print(f"rnn-tf: {message}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rnn-tf", description="Recurrent networks for TensorFlow 2 and Keras 3, from the command line."
    )
    parser.add_argument("--version", action="version", version=f"rnn-tf {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    demo = _command(commands, "demo", "rnn_tf.commands.demo", "the tutorial's example, trained, compared and exported")
    demo.add_argument("--seed", type=int, default=0, help="of every random number (default: 0)")
    demo.add_argument("--output", default="rnn_tf_demo", help="folder for the pictures (default: rnn_tf_demo)")
    demo.add_argument("--models", default="saved_models", help="folder for the export (default: saved_models)")

    train = commands.add_parser("train", help="train a model on your data").add_subparsers(
        title="what to train on", required=True, metavar="KIND"
    )
    series = _command(train, "series", "rnn_tf.commands.train_series", "forecast a column of a CSV file")
    series.add_argument("file", metavar="FILE.csv", help="one row a time step, oldest first; names in the first line")
    series.add_argument("--column", required=True, help="the column to forecast")
    series.add_argument("--features", default="", metavar="A,B", help="further columns to look at")
    series.add_argument("--window", type=_positive, default=4, help="steps to look back (default: 4)")
    series.add_argument("--horizon", type=_positive, default=1, help="steps to look ahead (default: 1)")
    series.add_argument("--units", type=_positive, default=16, help="size of the hidden state (default: 16)")
    series.add_argument("--cell", choices=["elman", "gru", "lstm"], default="gru", help="(default: gru)")
    series.add_argument("--season", type=_positive, help="steps in a season, for the seasonal-naive baseline")
    series.add_argument("--test", type=float, default=0.33, help="share of the rows to hold out (default: 0.33)")
    series.add_argument("--epochs", type=_positive, default=300, help="at most (default: 300)")
    series.add_argument("--seed", type=int, default=0, help="of every random number (default: 0)")
    series.add_argument("--name", help="of the export (default: the column)")
    series.add_argument("--models", default="saved_models", help="folder for the export (default: saved_models)")

    text = _command(train, "text", "rnn_tf.commands.train_text", "classify texts of a TSV, CSV or JSON-lines file")
    _texts_from(text)
    text.add_argument("--units", type=_positive, default=64, help="size of the hidden state (default: 64)")
    text.add_argument("--cell", choices=["elman", "gru", "lstm"], default="lstm", help="(default: lstm)")
    text.add_argument("--vocabulary", type=_positive, default=20_000, help="tokens to know at most (default: 20000)")
    text.add_argument("--max-length", type=_positive, default=512, help="tokens of a text to read (default: 512)")
    text.add_argument("--test", type=float, default=0.2, help="share of the texts to hold out (default: 0.2)")
    text.add_argument("--epochs", type=_positive, default=20, help="at most (default: 20)")
    text.add_argument("--seed", type=int, default=0, help="of every random number (default: 0)")
    text.add_argument("--output", default="rnn_tf_text", help="folder for the pictures (default: rnn_tf_text)")
    text.add_argument("--name", help="of the export (default: the file's)")
    text.add_argument("--models", default="saved_models", help="folder for the export (default: saved_models)")

    predict = _command(commands, "predict", "rnn_tf.commands.predict", "answer from an export alone, or from a server")
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
        help="the CSV file of the series whose continuation to forecast; or texts to classify",
    )
    predict.add_argument("--steps", type=_positive, help="of a forecast (default: the model's horizon)")
    predict.add_argument("--column", help="the column to forecast (default: the one that the model was trained on)")
    predict.add_argument("--features", metavar="A,B", help="further columns that it looks at (default: likewise)")
    predict.add_argument("--output", metavar="OUT.csv", help="file to write (default: print)")

    check = _command(commands, "check", "rnn_tf.commands.check", "whether TF Serving will take an export")
    check.add_argument("model", metavar="MODEL", help="folder of an export or of one version of it")

    serve = _command(commands, "serve", "rnn_tf.commands.serve", "a server for development, with TF Serving's REST API")
    serve.add_argument("models", nargs="?", default="saved_models", help="folder of exports (default: saved_models)")
    serve.add_argument("--port", type=int, default=8501, help="on this machine alone; 0 picks one (default: 8501)")
    serve.add_argument("--grpc-port", type=int, metavar="PORT", help="listen there for gRPC, too (TF Serving's: 8500)")
    serve.add_argument("--docker", metavar="NAME", help="print how to run TF Serving itself with this model instead")

    bench = commands.add_parser("bench", help="side-by-side timings").add_subparsers(
        title="what to time", required=True, metavar="KIND"
    )
    tutorial = _command(bench, "tutorial", "rnn_tf.bench.tutorial", "the tutorial's 2000 training steps")
    tutorial.add_argument("--repeat", type=_positive, default=5, help="timed runs of each (default: 5)")
    layers = _command(bench, "layers", "rnn_tf.bench.layers", "recurrent layers against Keras's, PyTorch and JAX")
    layers.add_argument("--repeat", type=_positive, default=9, help="turns (default: 9)")
    layers.add_argument("--cases", type=_positive, metavar="N", help="only the first N of each list (default: all)")
    layers.add_argument("--output", default="rnn_tf_bench", help="folder for figures (default: rnn_tf_bench)")
    texts = _command(bench, "text", "rnn_tf.bench.text", "training on texts against the usual Keras recipe")
    _texts_from(texts)
    texts.add_argument("--repeat", type=_positive, default=5, help="turns (default: 5)")
    serving = _command(bench, "serving", "rnn_tf.bench.serving", "answers of an export, at batch 1")
    serving.add_argument("--repeat", type=_positive, default=9, help="turns (default: 9)")
    memory = _command(bench, "memory", "rnn_tf.bench.memory", "memory of training on long sequences")
    for name, size in (("batch", 64), ("timesteps", 4096), ("features", 16), ("units", 256)):
        memory.add_argument(f"--{name}", type=_positive, default=size, help=f"(default: {size})")
    return parser


def _command(commands: Any, name: str, module: str, summary: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        name, help=summary, description=summary[0].upper() + summary[1:] + "."
    )
    command.set_defaults(module=module)
    return command


def _texts_from(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "file",
        metavar="FILE",
        nargs="?",
        help="ends in .tsv, .csv or .jsonl; without it, sentences from the documentation of the installed libraries",
    )
    command.add_argument("--text", default="text", metavar="COLUMN", help="the column of the texts (default: text)")
    command.add_argument("--label", default="label", metavar="COLUMN", help="that of the labels (default: label)")


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a positive integer, not {text!r}")
    return int(text)


def _import_tensorflow_quietly() -> None:
    """Import TensorFlow without its start-up messages, which would drown a command's own.

    Some of them are written before any setting holds, so the stream itself is held back; it is shown if the
    import fails.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as held_back:
        os.dup2(held_back.fileno(), 2)
        try:
            importlib.import_module("rnn_tf.models")
            tensorflow = importlib.import_module("tensorflow")
            tensorflow.function(lambda: tensorflow.zeros([]), jit_compile=True)()  # XLA greets, too, when it starts
        except BaseException:
            held_back.seek(0)
            os.write(stderr, held_back.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
    for name in ("tensorflow", "absl"):  # an export loses the gradients of its functions, which absl's tells of
        logging.getLogger(name).setLevel("ERROR")

"""Options that several commands have, and what their values must be."""

import argparse
import math


def texts_from(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "file",
        metavar="FILE",
        nargs="?",
        help="ends in .tsv, .csv or .jsonl, each may be followed by .gz; without it, sentences from the documentation "
        "of the installed libraries",
    )
    command.add_argument("--text", default="text", metavar="COLUMN", help="the column of the texts (default: text)")
    command.add_argument("--label", default="label", metavar="COLUMN", help="that of the labels (default: label)")


def tagged_from(command: argparse.ArgumentParser, otherwise: str) -> None:
    known = f"CoNLL or CoNLL-U, or a folder of seq.in, seq.out and label; without it, {otherwise}"
    command.add_argument("file", metavar="FILE", nargs="?", help=known)
    command.add_argument("--column", help="of the tags, its name or number (default: upos of CoNLL-U, else the last)")


def times_from(command: argparse.ArgumentParser) -> None:
    time = command.add_mutually_exclusive_group()
    time.add_argument("--time", metavar="COLUMN", help="that of the times (default: the one that holds dates)")
    time.add_argument("--no-time", action="store_true", help="take the rows as they come, one a step, oldest first")
    command.add_argument("--group", metavar="COLUMN", help="what tells several series under each other apart")
    decimal(command)


def decimal(command: argparse.ArgumentParser) -> None:
    command.add_argument("--decimal", choices=[".", ","], help="what numbers have before their tenths (default: .)")


def training(
    command: argparse.ArgumentParser,
    units: int,
    cell: str,
    batch: int,
    rate: float,
    dropout: float,
    test: float,
    epochs: int,
    rows: str,
    layers: int = 1,
) -> None:
    """Options of every training, with their defaults."""
    add = command.add_argument
    add("--units", type=positive_integer, default=units, help=f"size of the hidden state (default: {units})")
    add(
        "--layers",
        type=positive_integer,
        default=layers,
        help=f"recurrent layers on top of each other (default: {layers})",
    )
    cells = ["elman", "gru", "lstm", "mingru", "minlstm", "lru"]
    add("--cell", choices=cells, default=cell, help=f"the last three are parallel in time (default: {cell})")
    add("--batch", type=positive_integer, default=batch, help=f"rows of a training step (default: {batch})")
    add("--rate", type=positive_number, default=rate, help=f"Adam's learning rate (default: {rate})")
    add("--dropout", type=share, default=dropout, help=f"fraction to drop in training (default: {dropout})")
    held_out = command.add_mutually_exclusive_group()
    held_out.add_argument("--test", type=float, default=test, help=f"share of the {rows} to hold out (default: {test})")
    held_out.add_argument("--test-file", metavar="FILE", help=f"file of {rows} to test on; then all of FILE trains")
    add("--epochs", type=positive_integer, default=epochs, help=f"at most (default: {epochs})")
    add("--seed", type=seed_number, default=0, help="of every random number (default: 0)")
    add("--checkpoint", metavar="FOLDER", help="save the training there; killed, the same command goes on from it")


def export_to(command: argparse.ArgumentParser, default: str) -> None:
    command.add_argument("--name", help=f"of the export (default: made of {default} name)")
    command.add_argument("--models", default="saved_models", help="folder for the export (default: saved_models)")


def targets(text: str) -> list[str]:
    targets = [one.strip() for one in text.split(",")]
    if not set(targets) <= {"onnx", "openvino", "litert"}:
        raise argparse.ArgumentTypeError(f"must be one or more of onnx, openvino and litert, not {text!r}")
    return targets


def positive_integer(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a positive integer, not {text!r}")
    return int(text)


def positive_number(text: str) -> float:
    value = number(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"must be a positive number, not {text!r}")
    return value


def non_negative_number(text: str) -> float:
    value = number(text)
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number that is not negative, not {text!r}")
    return value


def share(text: str) -> float:
    value = number(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 0 and less than 1, not {text!r}")
    return value


def number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def seed_number(text: str) -> int:
    if not text.isdecimal() or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(f"must be an integer from 0 to 2^32 - 1, not {text!r}")
    return int(text)

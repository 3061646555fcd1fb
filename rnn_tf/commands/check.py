"""`rnn-tf check`: whether a server, or another runtime, can take an export."""

import argparse
from pathlib import Path

from rnn_tf.export.versions import newest_version
from rnn_tf.serving.check import check_saved_model
from rnn_tf.serving.conversion import check_conversions, converters, missing_packages


def run(options: argparse.Namespace) -> int:
    version = newest_version(options.model)
    return _check_conversions(version, options.targets) if options.targets else _check_served(version)


def _check_served(version: Path) -> int:
    report = check_saved_model(version)
    for line in report.lines:
        print(line)
    for warning in report.warnings:
        print(f"warning: {warning}")
    for refusal in report.refusals:
        print(f"REFUSED: {refusal}")
    if report.refusals:
        print(f"\n{version} must not be served.")
        return 1
    print(f"\n{version} can be served.")
    return 0


def _check_conversions(version: Path, targets: list[str]) -> int:
    """0 if every signature agrees everywhere, 1 if one does not, 2 if that cannot be told without another package."""
    print(version)
    unknown, refused = [], []
    for target in targets:
        missing = missing_packages(target)
        if missing:
            unknown.append(target)
            print(f"{target}: not installed: pip install {' '.join(missing)}")
            continue
        print(f"{target}, by {converters(target)}:")
        for conversion in check_conversions(version, target):
            mark = "REFUSED: " if conversion.agrees is False else ""
            print(f"  {mark}{conversion.signature}: {conversion.text}", flush=True)
            if conversion.agrees is False and target not in refused:
                refused.append(target)
    if refused:
        print(f"\n{version} cannot be taken over whole: {', '.join(refused)}.")
        return 1
    if unknown:
        print(f"\nNot checked: {', '.join(unknown)}.")
        return 2
    print(f"\n{version} answers in {', '.join(targets)} as it does in TensorFlow.")
    return 0

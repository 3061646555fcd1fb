"""`rnn-tf check`: whether a server can take an export."""

import argparse

from rnn_tf.export.versions import newest_version
from rnn_tf.serving.check import check_saved_model


def run(options: argparse.Namespace) -> int:
    version = newest_version(options.model)
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

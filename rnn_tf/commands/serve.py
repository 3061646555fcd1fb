"""`rnn-tf serve`: a server for development, or what to type for TF Serving itself."""

import argparse
import os
import re
import shlex
from pathlib import Path

from rnn_tf.export.versions import model_folders, newest_version
from rnn_tf.serving.servable import Servable

BATCH_SIZES = (1, 2, 4, 8, 16, 32)  # rounding up to few sizes keeps the shapes few that a graph has to plan for


def run(options: argparse.Namespace) -> None:
    if options.docker is not None:
        print_docker(Path(options.models), options.docker, options.port)
        return
    from rnn_tf.serving.server import DevelopmentServer  # needs the extra "serving"

    with DevelopmentServer(options.models, options.port, options.grpc_port) as server:
        print(
            "A server for development, on this machine alone. For TF Serving itself add --docker NAME. Ctrl-C stops it."
        )
        print(f"Open {server.url} in a browser: what is served, and how to ask it.")
        if server.grpc_address is not None:
            print(f"For gRPC: {server.grpc_address}/NAME")
        for name, model in server.models.items():
            for version in model.status():
                state = f"version {version['version']} {version['state']} {version['status']['error_message']}"
                print(f"   {server.url}/v1/models/{name}   {state.rstrip()}", flush=True)
        try:
            server.wait()
        except KeyboardInterrupt:
            print("\nStopped.")


def print_docker(directory: Path, name: str, port: int) -> None:
    """Print how to run TF Serving with a model; and, where there are several, with all and with batches."""
    folders = model_folders(directory)
    if name not in folders:
        raise ValueError(
            f"There is no model {name!r} in {str(directory)!r}. Received: a folder with "
            f"{', '.join(folders) or 'no models'}. A model is a folder such as {name}/1 with a saved_model.pb."
        )
    unusable = [one for one in folders if not re.fullmatch(r"[A-Za-z0-9_.-]+", one)]
    if unusable:
        raise ValueError(
            f"TF Serving's container takes names of the letters a-z, digits, '_', '.' and '-'. Received: {unusable}. "
            "Rename the folders."
        )
    print(f"TF Serving with {name}:\n")
    docker = f"docker run --rm -t -p 8500:8500 -p {port}:8501"
    volume = shlex.quote(f"{folders[name].resolve()}:/models/{name}")
    print(f"{docker} -v {volume} -e MODEL_NAME={name} tensorflow/serving")
    if len(folders) == 1:
        return
    directory = directory.resolve()
    print(f"\nWith all {len(folders)} models, and requests that arrive together answered as one batch: save as")
    print(f"{directory / 'models.config'}\n\nmodel_config_list {{")
    for one in folders:
        print(f'  config {{ name: "{one}" base_path: "/models/{one}" model_platform: "tensorflow" }}')
    print(f"}}\n\nand as {directory / 'batching_parameters.txt'}\n\n{batching_parameters(folders)}\nthen\n")
    flags = (
        "--model_config_file=/models/models.config --enable_batching=true "
        "--batching_parameters_file=/models/batching_parameters.txt"
    )
    print(f"{docker} -v {shlex.quote(f'{directory}:/models')} tensorflow/serving {flags}")


def batching_parameters(folders: dict[str, Path]) -> str:
    """TF Serving's BatchingParameters for these models.

    Sequences of different lengths meet in one batch if it may pad them. That leaves the answers as they are only where
    the input `lengths` tells a model what is padding.
    """
    unsafe = [name for name, folder in folders.items() if _reads_padding(folder)]
    return "\n".join(
        [
            f"max_batch_size {{ value: {BATCH_SIZES[-1]} }}",
            *(f"allowed_batch_sizes: {size}" for size in BATCH_SIZES),
            "batch_timeout_micros { value: 1000 }",
            f"num_batch_threads {{ value: {os.cpu_count()} }}  # cores",
            "max_enqueued_batches { value: 100 }",
            f"pad_variable_length_inputs: {'false' if unsafe else 'true'}"
            + (f"  # {', '.join(unsafe)} would read the padding, for want of an input `lengths`" if unsafe else ""),
            "",
        ]
    )


def _reads_padding(folder: Path) -> bool:
    servable = Servable(newest_version(folder))
    servable.close()
    return any(
        "lengths" not in signature.inputs
        and any(dim.size == -1 for tensor in signature.inputs.values() for dim in tensor.tensor_shape.dim[1:])
        for signature in servable.signatures.values()
    )

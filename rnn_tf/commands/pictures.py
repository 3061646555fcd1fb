"""Pictures of a command, where matplotlib is installed."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any


def save_pictures(folder: str, pictures: dict[str, Callable[[Any], Any]]) -> None:
    """Draw each picture, a function of the module `rnn_tf.plots`, into `folder` under its name, and say so."""
    if importlib.util.find_spec("matplotlib") is None:
        print('   No pictures: they need matplotlib. Install it with: pip install "rnn-tf[plots]"')
        return
    from rnn_tf import plots

    Path(folder).mkdir(parents=True, exist_ok=True)
    for name, draw in pictures.items():
        path = Path(folder, name)
        draw(plots).savefig(path)
        print(f"   {path}")

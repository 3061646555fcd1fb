"""TensorFlow, imported when the files of a command have been read, and without its start-up messages."""

import importlib
import logging
import os
import sys
import tempfile


def import_tensorflow() -> None:
    """Import TensorFlow without its start-up messages, which would drown a command's own.

    Some of them are written before any setting holds, so the stream itself is held back; it is shown if the
    import fails.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stdout.flush()  # what was found in the files is on the screen meanwhile
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

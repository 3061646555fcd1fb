"""What a server does, with TensorFlow as a server has it."""

import pytest
import tensorflow as tf


@pytest.fixture(autouse=True)
def _rewritten_graphs():
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": False})
    yield
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})

"""From a trained model to the SavedModel that TF Serving takes. It knows keras.Model, not our models."""

import rnn_tf._environment
from rnn_tf.serving.export import export_saved_model
from rnn_tf.serving.verify import answer_in_fresh_process

__all__ = ["answer_in_fresh_process", "export_saved_model"]

"""One conversion in front of training: what people have becomes what a compiled step can take."""

import inspect
import logging
from abc import abstractmethod
from typing import Any

import keras
import tensorflow as tf

from rnn_tf._exporting import for_export
from rnn_tf.serving.saved_model import quiet_tensorflow, write_saved_model
from rnn_tf.serving.signatures import Signatures, declared_signatures
from rnn_tf.training.preparation import Prepared, PreparesData, split_validation


class PreparedModel(PreparesData, keras.Model):
    """A `keras.Model` whose `fit` and `evaluate`, and `Trainer.fit`, hand their data to `prepare_data` first."""

    def fit(self, *args: Any, **kwargs: Any) -> Any:
        """`keras.Model.fit`, on all that `prepare_data` understands."""
        call = inspect.signature(super().fit).bind(*args, **kwargs)
        call.apply_defaults()
        given = call.arguments
        in_memory = not isinstance(given["x"], tf.data.Dataset)
        if given["validation_split"] and given["validation_data"] is None and in_memory:
            names = ("x", "y", "sample_weight")
            fitted, given["validation_data"] = split_validation(
                tuple(given[name] for name in names), given["validation_split"]
            )
            given.update(zip(names, fitted, strict=True), validation_split=0.0)
        batch_size = given["batch_size"]
        given.update(
            self.prepare_data(
                *(given[name] for name in Prepared._fields),
                training=True,
                batch_size=batch_size,
                shuffle=given["shuffle"],
            )._asdict()
        )
        if isinstance(given["x"], tf.data.Dataset):
            given.update(batch_size=None, shuffle=False)  # it makes its own batches, in its own order
        if isinstance(given["validation_data"], (tuple, list, tf.data.Dataset)):
            validation = given["validation_data"]
            validation = validation if isinstance(validation, (tuple, list)) else (validation,)
            if len(validation) > 3:
                raise ValueError(
                    "`validation_data` must be (x, y), (x, y, sample_weight) or a tf.data.Dataset. "
                    f"Received: {len(validation)} entries."
                )
            size = given["validation_batch_size"] or batch_size
            prepared = self.prepare_data(*validation, training=False, batch_size=size)
            given["validation_data"] = prepared.x if isinstance(prepared.x, tf.data.Dataset) else tuple(prepared[:3])
            if isinstance(prepared.x, tf.data.Dataset):
                given["validation_batch_size"] = None
        if self.built and self.optimizer is not None and not self.optimizer.built:
            # In Keras 3.15 optimizers that copy the weights, as ScheduleFreeAdamW, copy zeros where the compiled
            # step builds them.
            self.optimizer.build(self.trainable_variables)
        with quiet_tensorflow(_no_retracing):
            return super().fit(*call.args, **call.kwargs)

    def evaluate(self, *args: Any, **kwargs: Any) -> Any:
        """`keras.Model.evaluate`, on all that `prepare_data` understands."""
        if kwargs.get("_use_cached_eval_dataset"):  # Keras's `fit` validates, on what is prepared already
            return super().evaluate(*args, **kwargs)
        call = inspect.signature(super().evaluate).bind(*args, **kwargs)
        call.apply_defaults()
        given = call.arguments
        prepared = self.prepare_data(
            given["x"], given["y"], given["sample_weight"], training=False, batch_size=given["batch_size"]
        )
        given.update(x=prepared.x, y=prepared.y, sample_weight=prepared.sample_weight)
        if isinstance(prepared.x, tf.data.Dataset):
            given["batch_size"] = None
        with quiet_tensorflow(_no_retracing):
            return super().evaluate(*call.args, **call.kwargs)

    def predict(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """The answers: `keras.Model.predict`, on inputs as `fit` takes them."""
        return self._predict(x, *args, **kwargs)

    def _predict(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        with quiet_tensorflow(_no_retracing):
            return super().predict(x, *args, **kwargs)

    @abstractmethod
    def serving_signatures(self) -> Signatures:
        """What an export of the model takes and gives."""

    def export(
        self,
        filepath: Any,
        format: str = "tf_saved_model",  # noqa: A002 # Keras's name
        verbose: Any = None,
        input_signature: Any = None,
        **kwargs: Any,
    ) -> None:
        """`keras.Model.export`; a SavedModel with the inputs and outputs that `rnn_tf.export_saved_model` declares.

        Keras alone would make float32 of every input, of strings, too. Other formats, and a SavedModel with an
        `input_signature` of yours, are Keras's. `rnn_tf.export_saved_model` also checks what it wrote, and publishes
        it for a server.
        """
        if format != "tf_saved_model" or input_signature is not None:
            with for_export():
                super().export(filepath, format, verbose, input_signature, **kwargs)
            return
        signatures = declared_signatures(self)
        write_saved_model({"serving_default": signatures.predict.compiled()}, signatures.lookups, filepath)


def _no_retracing(record: logging.LogRecord) -> bool:
    """TensorFlow counts the traces of one Python function, and all models share Keras's: its warning is not true."""
    return "triggered tf.function retracing" not in record.getMessage()

"""What a task serves: whole inputs, and a stream step by step."""

from typing import Any

import keras

from rnn_tf._exporting import for_export
from rnn_tf.export.saved_model import write_saved_model
from rnn_tf.export.signatures import NEXT, Endpoint, Signatures, declared_signatures
from rnn_tf.fields.field import AnswerField, InputField
from rnn_tf.models.encoder import Encoder
from rnn_tf.models.heads import Head


class Served(keras.Model):
    """The part of a task that says what an export contains."""

    field_in: InputField
    encoder: Encoder
    head: Head
    field_out: AnswerField

    def step_endpoint(self) -> Endpoint | str:
        """One step of a stream, as `export_saved_model(streaming=True)` writes it; or why there is none."""
        states = self.encoder.state_specs()
        if isinstance(states, str):
            return states
        specs = [*states, *self.head.state_specs()]

        def step(inputs: Any, *before: Any) -> dict[str, Any]:
            vectors, present = self.field_in.step(inputs)
            output, after = self.encoder.step(vectors, before[: len(states)], present)
            answers, kept = self.head.step(output, before[len(states) :], present)
            named = self.field_out.named(self.field_out(answers))
            return {**named, **{NEXT + spec.name: state for spec, state in zip(specs, (*after, *kept), strict=True)}}

        return Endpoint(step, [self.field_in.step_spec(), *specs])

    def serving_signatures(self) -> Signatures:
        """What is exported: see `rnn_tf.export_saved_model`."""
        raw = self.field_in.raw_inputs()

        def predict(*tensors: Any) -> dict[str, Any]:
            return self.field_out.named(self(raw.read(*tensors), training=False))

        return Signatures(Endpoint(predict, raw.specs), self.step_endpoint(), raw.lookups)

    def export(
        self,
        filepath: Any,
        format: str = "tf_saved_model",  # noqa: A002 # Keras's name
        verbose: Any = None,
        input_signature: Any = None,
        **kwargs: Any,
    ) -> None:
        """`keras.Model.export`; a SavedModel with the inputs and outputs that `rnn_tf.export_saved_model` declares.

        Keras alone would turn every input into float32, even strings. Other formats, and a SavedModel with an
        `input_signature` of yours, are Keras's. `rnn_tf.export_saved_model` also checks what it wrote, and publishes
        it for a server.
        """
        if format != "tf_saved_model" or input_signature is not None:
            with for_export():
                super().export(filepath, format, verbose, input_signature, **kwargs)
            return
        signatures = declared_signatures(self)
        write_saved_model({"serving_default": signatures.predict.compiled()}, signatures.lookups, filepath)

    def quantize(self, mode: str | None = None, config: Any = None, **kwargs: Any) -> None:
        """Refused: a `.keras` file of a quantized task would not load again, as its config names no inner layers.

        Raises:
            ValueError: Always.
        """
        raise ValueError(
            f"A quantized {type(self).__name__} would be saved without a word, and could not be loaded again. "
            f"Received: quantize({mode!r}). Export it with rnn_tf.export_saved_model(model, directory), and quantize "
            "the export with the tools of what runs it, such as tf.lite.TFLiteConverter.from_saved_model."
        )

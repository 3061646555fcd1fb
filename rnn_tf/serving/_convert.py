"""Run as a script: what a signature of a SavedModel answers, and what when another runtime has taken it over.

    python _convert.py TARGET SAVED_MODEL SIGNATURE CALLS ANSWERS

Both files are pickles that `conversion.py` alone writes and reads: a list of inputs by name; and a list of pairs of
outputs by name, TensorFlow's and the other's, or in one line why there are none. A process of its own, because
converters print, and some end it.
"""

import sys

if __name__ == "__main__":
    import os
    import pickle
    import re
    import tempfile
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    import numpy as np
    import tensorflow as tf

    Feed = dict[str, np.ndarray]
    Answer = Callable[[Feed], Feed]

    def onnx(saved_model: str, signature: str) -> Answer:
        import onnxruntime
        from tf2onnx import convert

        with tempfile.TemporaryDirectory() as folder:
            model = str(Path(folder, "model.onnx"))
            sys.argv[1:] = ["--saved-model", saved_model, "--signature_def", signature, "--output", model]
            convert.main()
            session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
        taken = [one.name for one in session.get_inputs()]
        given = [one.name for one in session.get_outputs()]
        return lambda feed: dict(zip(given, session.run(None, {name: feed[name] for name in taken}), strict=True))

    def openvino(saved_model: str, signature: str) -> Answer:
        import openvino

        source = saved_model if signature == "serving_default" else function
        numbers = [name for name, spec in function.structured_outputs.items() if spec.dtype != tf.string]
        model = openvino.convert_model(source, output=numbers)
        # Where the processor has bfloat16 it would compute in that.
        compiled = openvino.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        taken = [one.any_name for one in compiled.inputs]

        def answer(feed: Feed) -> Feed:
            outputs = compiled({name: feed[name] for name in taken})
            return {name: outputs[name] for name in numbers}

        return answer

    def litert(saved_model: str, signature: str) -> Answer:
        converter = tf.lite.TFLiteConverter.from_saved_model(saved_model, signature_keys=[signature])
        model = converter.convert()
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError:
            Interpreter = tf.lite.Interpreter  # noqa: N806 # the same class, as TensorFlow still brings it
        interpreter = Interpreter(model_content=model)
        runner = interpreter.get_signature_runner(signature)
        return lambda feed: {name: np.array(output) for name, output in runner(**feed).items()}

    def reason(error: BaseException) -> str:
        text = str(error)
        no_builtin = re.search(r"TF Select ops: (.+)", text) or re.search(r"failed to legalize operation '(.+?)'", text)
        if no_builtin:
            return f"no built-in operation of LiteRT does {no_builtin[1]}"
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return f"{type(error).__name__}: {lines[-1]:.200}" if lines else type(error).__name__

    target, saved_model, signature, calls_path, answers_path = sys.argv[1:]
    calls: list[Feed] = pickle.loads(Path(calls_path).read_bytes())
    loaded = tf.saved_model.load(saved_model)  # to be held: it owns the variables
    function = loaded.signatures[signature]

    def of_tensorflow(call: Feed) -> Feed:
        outputs = function(**{name: tf.constant(array) for name, array in call.items()})
        return {name: output.numpy() for name, output in outputs.items()}

    result: list[tuple[Feed, Feed]] | str
    try:
        wanted = [of_tensorflow(call) for call in calls]  # first: a converter may leave TensorFlow changed
        convert_to: dict[str, Callable[[str, str], Answer]] = {"onnx": onnx, "openvino": openvino, "litert": litert}
        ask: Any = convert_to[target](saved_model, signature)
        result = [(expected, ask(call)) for expected, call in zip(wanted, calls, strict=True)]
    except (Exception, SystemExit) as error:  # whatever a converter raises is its reason
        result = reason(error)
    Path(answers_path).write_bytes(pickle.dumps(result))
    os._exit(0)  # OpenVINO 2026.4 falls over strings as it cleans up

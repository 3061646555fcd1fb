"""What an export of a language model writes, loaded as others load it, is what the model writes."""

import re
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from loaders import LOADERS, read_meta_graph

from rnn_tf import LanguageModel, export_saved_model

TEXT = "the cat sat on the mat.\nthe dog, 看了 the log!\nit's a <unk> day\n" * 12
PROMPTS = ["the cat", "", "看", "never seen, zzz", "two\nlines \n", "on the  "]


def language(tokens):
    """Hardly trained, and sure of what it writes, so that rounding changes no token."""
    keras.utils.set_random_seed(2)
    model = LanguageModel.from_text(TEXT, tokens, units=[6, 5])
    for variable in model.trainable_variables:
        variable.assign(2 * np.random.default_rng(0).normal(size=variable.shape))
    return model


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    """By what a token is: the model, and the path of its export."""
    found = {}
    for tokens in ("characters", "words", "spaces"):
        model = language(tokens)
        found[tokens] = model, export_saved_model(model, tmp_path_factory.mktemp(tokens), streaming=True, warmup=())
    return found


def request(prompts, length, temperature, seed):
    rows = len(prompts)
    return {
        "prompt": np.array([prompt.encode() for prompt in prompts], object),
        "length": np.full([rows], length, np.int32),
        "temperature": np.full([rows], temperature, np.float32),
        "seed": seed + np.arange(rows, dtype=np.int32),
    }


@pytest.mark.parametrize("loader", LOADERS)
def test_every_loader_writes_what_generate_writes(loader, exports, tmp_path):
    asked = [(12, 0.0, 1), (25, 1.0, 5), (9, 0.5, 11)]
    models = {
        tokens: (path, [(name, request(PROMPTS, *one)) for one in asked for name in ("serving_default", "generate")])
        for tokens, (_, path) in exports.items()
    }
    answers = LOADERS[loader](models, tmp_path)
    for tokens, (model, _) in exports.items():
        for (length, temperature, seed), found in zip(np.repeat(asked, 2, axis=0), answers[tokens], strict=True):
            written = model.generate(PROMPTS, int(length), float(temperature), seed=int(seed))
            more = [text.decode() for text in found["continuation"]]
            opened = [prompt if tokens == "characters" else prompt.rstrip(" ") for prompt in PROMPTS]
            assert [one + other for one, other in zip(opened, more, strict=True)] == written
            assert [text.decode() for text in found["text"]] == written


@pytest.mark.parametrize("tokens", ["characters", "words", "spaces"])
def test_a_client_without_a_vocabulary_streams_what_generate_writes(tokens, exports, tmp_path):
    """It sends a prompt, and then token after token as they come, with the states that it was given."""
    model, path = exports[tokens]
    step = tf.saved_model.load(path).signatures["step"]
    for prompt in PROMPTS[:4]:
        _, inputs = step.structured_input_signature
        state = {name: tf.zeros([1, *spec.shape[1:]], spec.dtype) for name, spec in inputs.items() if name != "text"}
        state |= {"temperature": tf.constant([0.7]), "seed": tf.constant([3])}
        text, written, total = prompt, [], 0.0
        for _ in range(10):
            answer = step(text=tf.constant([text]), **state)
            text = answer["token"].numpy()[0].decode()
            state = {name: answer[f"next_{name}"] for name in state}
            written.append(text)
            total += float(answer["log_probability"][0])
        whole = model.generate(prompt, 10, 0.7, seed=3)
        assert whole == (prompt if tokens == "characters" else prompt.rstrip(" ")) + "".join(written)
        if "zzz" not in prompt:  # an unknown token is never written, so that the others are a little likelier
            scores = model.score([whole])[0][-10:].sum()
            assert total >= scores - 1e-4


def test_a_stream_in_a_batch_is_one_alone(exports):
    """Rows whose texts have different numbers of tokens, one of them in its first step."""
    model, _ = exports["words"]
    endpoint = model.step_endpoint().compiled()
    specs = {spec.name: spec for spec in endpoint.inputs}

    def ask(texts, states):
        return endpoint.answer({"text": np.array([one.encode() for one in texts], object), **states})

    def zeros(rows):
        return {
            name: np.zeros([rows, *spec.shape[1:]], spec.dtype.as_numpy_dtype)
            for name, spec in specs.items()
            if name != "text"
        }

    first = ask(["the cat sat"], zeros(1))
    going = {name: first[f"next_{name}"] for name in zeros(1)}
    both = {name: np.concatenate([going[name], zeros(1)[name]]) for name in going}
    together = ask([" on", "the dog, 看了"], both)
    for row, alone in enumerate((ask([" on"], going), ask(["the dog, 看了"], zeros(1)))):
        assert alone["token"][0] == together["token"][row]
        np.testing.assert_allclose(alone["log_probability"][0], together["log_probability"][row], atol=1e-5)
        for name in going:
            np.testing.assert_allclose(alone[f"next_{name}"][0], together[f"next_{name}"][row], atol=1e-5)


def test_its_operations_are_those_of_tf_serving(exports):
    for _, path in exports.values():
        graph = read_meta_graph(path).graph_def
        functions = graph.library.function
        nodes = [*graph.node, *(node for function in functions for node in function.node_def)]
        operations = {node.op for node in nodes} - {function.signature.name for function in functions}
        known = (Path(__file__).parent / "ops_2_18.txt").read_text("utf-8").splitlines()
        assert sorted(operations - set(known)) == []
        assert [name for name in operations if re.search("Cudnn|PyFunc|Xla|NumpyFunction", name)] == []

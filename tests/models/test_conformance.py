"""What every task must do, whichever it is. The tasks are in `tests/tasks.py`."""

import inspect
import json
import pickle
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from loaders import LOADERS, read_meta_graph
from tasks import TASKS, Example

from rnn_tf import Trainer, export_saved_model
from rnn_tf.export import export
from rnn_tf.export.json_tensors import from_json
from rnn_tf.export.verify import check_equal
from rnn_tf.models.task import Task
from rnn_tf.training.batches import Ragged


@pytest.fixture(scope="module", params=TASKS)
def task(request) -> Example:
    return TASKS[request.param]


@pytest.fixture(scope="module")
def model(task):
    """A model that has learned a little, shared by the tests that only ask it."""
    model = task.make()
    model.fit(task.x, task.y, epochs=1, verbose=0)
    return model


def parts_of(answers):
    """Answers as a list of their parts, each with an entry a row."""
    return list(answers.values()) if isinstance(answers, dict) else [answers]


def weights(model):
    return [weight.numpy() for weight in model.trainable_variables]


def test_fit_and_trainer_learn_the_same(task):
    learned = []
    for how in ("fit", "Trainer"):
        keras.utils.set_random_seed(1)
        model = task.make()
        train = model.fit if how == "fit" else Trainer(model, jit_compile=False).fit
        history = train(task.x, task.y, epochs=3, batch_size=8, shuffle=False, verbose=0).history
        learned.append((history["loss"], weights(model)))
    np.testing.assert_allclose(learned[0][0], learned[1][0], rtol=1e-4)
    for one, other in zip(learned[0][1], learned[1][1], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_every_setting_is_in_the_config_and_comes_back(task):
    model = task.make()
    config = model.get_config()
    parameters = inspect.signature(type(model).__init__).parameters.values()
    settings = {one.name for one in parameters if one.kind is not one.VAR_KEYWORD} - {"self"}
    assert settings <= set(config)
    again = type(model).from_config(config).get_config()
    assert json.dumps(again, default=str) == json.dumps(config, default=str)
    positional = [one.name for one in parameters if one.kind is one.POSITIONAL_OR_KEYWORD]
    assert len(positional) <= 4  # self, and what the task cannot do without; settings are named


def test_saved_models_answer_the_same_in_a_fresh_process(tmp_path, run_python):
    expected = {}
    for name, task in TASKS.items():
        model = task.make()
        model.fit(task.x, task.y, epochs=1, verbose=0)
        model.save(tmp_path / f"{name}.keras")
        expected[name] = model.predict(task.x, verbose=0)
    (tmp_path / "inputs").write_bytes(pickle.dumps({name: task.x for name, task in TASKS.items()}))
    run_python(
        "import pickle, keras, rnn_tf.models\n"
        f"folder = {str(tmp_path)!r}\n"
        "inputs = pickle.load(open(folder + '/inputs', 'rb'))\n"
        "models = {name: keras.models.load_model(f'{folder}/{name}.keras') for name in inputs}\n"
        "answers = {name: models[name].predict(x, verbose=0) for name, x in inputs.items()}\n"
        "pickle.dump(answers, open(folder + '/answers', 'wb'))\n"
    )
    answers = pickle.loads((tmp_path / "answers").read_bytes())
    for name in TASKS:
        for part, wanted in zip(parts_of(answers[name]), parts_of(expected[name]), strict=True):
            for one, other in zip(part, wanted, strict=True):
                np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6, err_msg=name)


def test_rows_are_answered_alike_alone_and_beside_others(task, model):
    together = model.predict(task.x, batch_size=24, verbose=0)
    for row in range(5):
        alone = model.predict(task.x[row : row + 1], verbose=0)
        for one, others in zip(parts_of(alone), parts_of(together), strict=True):
            beside = others[row][: len(one[0])]  # an answer at every step has those of padding behind it
            np.testing.assert_allclose(one[0], beside, rtol=1e-4, atol=1e-6)


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    """The path of an export of every task, and the requests that lie beside it, with the model's answers."""
    exported = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export, "answer_in_fresh_process", lambda *_: None)
        patch.setattr(export, "check_equal", lambda *_: None)
        for name, task in TASKS.items():
            keras.utils.set_random_seed(2)
            model = task.make()
            model.fit(task.x, task.y, epochs=1, verbose=0)
            streams = not isinstance(model.serving_signatures().step, str)
            folder = tmp_path_factory.mktemp("exports") / "model"
            path = export_saved_model(model, folder, warmup=(), streaming=streams)
            signatures = read_meta_graph(path).signature_def
            calls = []
            for call in json.loads(Path(path, "assets.extra/examples.json").read_text("utf-8")):
                signature = signatures[call["signature_name"]]
                sides = [
                    {key: from_json(call[side][key], tf.as_dtype(info.dtype)) for key, info in tensors.items()}
                    for side, tensors in (("inputs", signature.inputs), ("outputs", signature.outputs))
                ]
                calls.append((call["signature_name"], *sides))
            exported[name] = path, calls
    return exported


@pytest.fixture(scope="module", params=LOADERS)
def loaded(request, exports, tmp_path_factory):
    models = {name: (path, [call[:2] for call in calls]) for name, (path, calls) in exports.items()}
    return LOADERS[request.param](models, tmp_path_factory.mktemp(request.param))


@pytest.mark.parametrize("name", TASKS)
def test_every_loader_answers_as_the_model_does(name, loaded, exports):
    for (_, _, outputs), answer in zip(exports[name][1], loaded[name], strict=True):
        check_equal([answer], [outputs])


def test_a_stream_answers_as_a_whole_call_or_says_why_not(task, model):
    step = model.serving_signatures().step
    if isinstance(step, str):
        assert len(step) > 20
        return
    now, *states = step.inputs
    rows = model.prepare_inputs(task.x[:3])
    if isinstance(rows, Ragged):
        sequences, lengths = rows.padded(), rows.lengths
    else:
        sequences, lengths = (
            (rows["sequences"], rows["lengths"]) if isinstance(rows, dict) else (rows, [len(rows[0])] * 3)
        )
    whole = np.asarray(model(rows if isinstance(rows, dict) else sequences))
    carried = {spec.name: np.zeros([3, *spec.shape[1:]], spec.dtype.as_numpy_dtype) for spec in states}
    for t in range(sequences.shape[1]):
        outputs = step.answer({now.name: sequences[:, t], **carried})
        carried = {name: outputs.pop(f"next_{name}") for name in carried}
        answer = next(value for value in outputs.values() if value.dtype.kind == "f")
        for row in range(3):
            if t == lengths[row] - 1:
                last = whole[row, t] if model.head.at_every_step else whole[row]
                np.testing.assert_allclose(answer[row], last, rtol=1e-4, atol=1e-5)


def test_hidden_states_are_those_of_the_rows(task, model):
    together, alone = model.hidden_states(task.x[:4])[0], model.hidden_states(task.x[:1])[0]
    np.testing.assert_allclose(together[:1, : alone.shape[1]], alone, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(together[0, -1, :3], alone[0, -1, :3], rtol=1e-4, atol=1e-5)  # kept after the end


def test_bad_rows_are_refused_before_anything_is_learned(task):
    for message, (x, y) in task.unusable.items():
        for train in (lambda model: model.fit, lambda model: Trainer(model).fit):
            model = task.make()
            with pytest.raises(ValueError, match=message):
                train(model)(x, y, epochs=1, verbose=0)
            assert model.optimizer.iterations.numpy() == 0


def test_methods_have_signatures_and_docstrings(task):
    model = task.make()
    for name in ("fit", "evaluate", "predict"):
        method = getattr(model, name)
        own, keras_own = inspect.signature(method), inspect.signature(getattr(keras.Model, name))
        named = [one for one in keras_own.parameters if one not in ("self", "kwargs")]
        assert [one for one in own.parameters if one in named] == named
        assert "Args:" in inspect.getdoc(method)
    order = [one for one in inspect.signature(model.call).parameters if one in ("inputs", "mask", "training")]
    assert order == ["inputs", "mask", "training"]


def test_a_task_that_leaves_something_out_fails_when_its_class_is_made():
    with pytest.raises(TypeError, match=r"Half must set self\.head, self\.field_out in its __init__"):

        class Half(Task):
            def __init__(self):
                super().__init__()
                self.field_in = self.encoder = None


def test_quantization_is_refused_and_changes_nothing(model):
    before = [variable.path for variable in model.variables]
    with pytest.raises(ValueError, match=r"could not be loaded again\. Received: quantize\('int8'\)\. Export it"):
        model.quantize("int8")
    assert [variable.path for variable in model.variables] == before

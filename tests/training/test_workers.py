"""Several processes train as one does; and what stands in the way is said."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from clusters import Cluster, free_ports

from rnn_tf import SequenceRegressor, Trainer, _cluster

WORKER = Path(__file__).with_name("worker.py")
KINDS = ("steps", "clipped", "epochs", "texts", "language")
X = np.random.default_rng(0).standard_normal([40, 4, 1]).astype("float32")
Y = X.sum(1)


def trained(count, folder, kinds=KINDS):
    folder.mkdir()
    with Cluster(count, WORKER, ",".join(kinds), folder=folder) as cluster:
        codes = cluster.wait()
        assert codes == [0] * count, cluster.outputs()
        return [re.findall("DIGEST.*", output) for output in cluster.outputs()]


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    folder = tmp_path_factory.mktemp("workers") / "1"
    trained(1, folder)
    return folder


@pytest.mark.parametrize("count", [2, 3])
def test_they_do_what_one_does_with_the_joint_batch(count, alone, tmp_path):
    digests = trained(count, tmp_path / "several")
    assert len(digests[0]) == len(KINDS)
    assert digests == digests[:1] * count
    for kind in KINDS:
        weights, wanted = (np.load(folder / f"{kind}-0.npy") for folder in (tmp_path / "several", alone))
        np.testing.assert_allclose(weights, wanted, atol=1e-5, err_msg=kind)
        history, wanted = (
            json.loads((folder / f"{kind}-0.json").read_text()) for folder in (tmp_path / "several", alone)
        )
        assert history.keys() == wanted.keys()
        for name, values in history.items():
            np.testing.assert_allclose(values, wanted[name], rtol=1e-4, err_msg=f"{kind} {name}")


def test_killed_workers_end_with_the_same_bits():
    """Whoever is killed, the others end by themselves, and say so; all started again go on."""
    script = Path(__file__).with_name("kill_workers.py")
    process = subprocess.run([sys.executable, str(script), "2", "1"], capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout + process.stderr
    assert "2 of 2 kills" in process.stdout


CHECKS = """
import json, os, re, signal
import rnn_tf, keras, tensorflow as tf
import numpy as np

index = json.loads(os.environ["TF_CONFIG"])["task"]["index"]
x = np.random.default_rng(0).standard_normal([40, 4, 1]).astype("float32")
y = x.sum(1)

def model():
    layers = [keras.Input([4, 1]), keras.layers.SimpleRNN(3), keras.layers.Dense(1)]
    one = keras.Sequential(layers)
    one.compile(keras.optimizers.Adam(0.01), "mse")
    return one

def says(error, function):
    try:
        function()
    except error as told:
        print("SAYS", told)
    else:
        print("says nothing")

def fit(*data, trainer=None, **arguments):
    trainer = trainer or rnn_tf.Trainer(model(), workers="auto")
    return trainer.fit(*data, **{"epochs": 2, "batch_size": 8, "verbose": 2, **arguments})

with open("/proc/self/status") as file:
    (caught,) = re.findall("SigCgt:\\s*(\\w+)", file.read())
print("HANDLER", not int(caught, 16) >> (signal.SIGTERM - 1) & 1)
says(ValueError, lambda: fit(x + index, y))
says(ValueError, lambda: fit(x, y, epochs=2 + index))
dataset = tf.data.Dataset.from_tensor_slices((x, y))
says(ValueError, lambda: fit(dataset.shuffle(40, seed=index).batch(8), batch_size=None))
other = {"validation_data": dataset.shuffle(40, seed=index).batch(8), "epochs": 1, "verbose": 0}
says(ValueError, lambda: fit(x, y, **other))
fit(dataset.shuffle(40, seed=7).batch(8), batch_size=None, verbose=0, class_weight={np.int64(0): np.float32(1)})
says(ValueError, lambda: rnn_tf.Trainer(model(), workers="auto", jit_compile=True))
total = model()
total.compile("adam", keras.losses.MeanSquaredError(reduction="sum"))
says(ValueError, lambda: rnn_tf.Trainer(total, workers="auto"))
says(ValueError, lambda: rnn_tf.Trainer(model(), workers=tf.distribute.MultiWorkerMirroredStrategy.__new__(
    tf.distribute.MultiWorkerMirroredStrategy)))

class Stop(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = index == 1 and epoch == 2

trainer = rnn_tf.Trainer(model(), workers="auto")
folder = "run" if index == 0 else "output_0/is a file"
logger, best = keras.callbacks.CSVLogger(f"log_{index}.csv"), keras.callbacks.ModelCheckpoint(f"best_{index}.keras")
history = fit(x, y, trainer=trainer, epochs=9, checkpoint=folder, callbacks=[Stop(), logger, best])
print("EPOCHS", len(history.epoch), history.history["loss"])
print("FILES", sorted(name for name in os.listdir() if str(index) in name and "output" not in name))
graph = trainer._loop._train_rows._list_all_concrete_functions()[0].graph.as_graph_def()
nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
print("COLLECTIVES", sum(node.op.startswith("Collective") for node in nodes))
if index == 0:
    import time; time.sleep(3)  # the last to leave
print("END")
"""


def test_what_they_have_in_common_is_checked(tmp_path):
    with Cluster(2, CHECKS, folder=tmp_path) as cluster:
        assert cluster.wait() == [0, 0], cluster.outputs()
        chief, other = cluster.outputs()
    for output in (chief, other):
        assert "HANDLER True" in output
        data, epochs, dataset, validation, xla, total, second = re.findall("SAYS (.*)", output)
        assert "same data and settings. Received: worker 1 with another data. Run the same" in data
        assert "worker 1 with another epochs (2 in worker 0, 3 there)" in epochs
        assert "worker 1 with another dataset" in dataset
        assert "worker 1 with another validation dataset" in validation
        assert "XLA cannot add up over processes" in xla
        assert "reduction='sum_over_batch_size'" in total
        assert "Write workers='auto'" in second
        assert "EPOCHS 3" in output  # one asked to stop, and all did
        assert "COLLECTIVES 1\n" in output  # in the body of the loop
        assert output.rstrip().endswith("END")
    assert re.findall("EPOCHS.*", chief) == re.findall("EPOCHS.*", other)
    assert "FILES ['best_0.keras', 'log_0.csv']" in chief
    assert "FILES []" in other
    assert "Epoch 3/9" in chief
    assert "Epoch " not in other
    assert (tmp_path / "run" / "training.npz").exists()


def trainer(**arguments):
    return Trainer(SequenceRegressor(units=3), "adam", "mse", **arguments)


def test_auto_is_alone_where_nobody_else_is_named(monkeypatch):
    one = '{"cluster": {"worker": ["localhost:1"]}, "task": {"type": "worker", "index": 0}}'
    for config in ("", one, one.replace('"worker": ["localhost:1"]', '"ps": ["a:1"], "worker": ["b:1", "c:1"]')):
        monkeypatch.setenv("TF_CONFIG", config)
        assert trainer(workers="auto").workers.count == 1
    monkeypatch.delenv("TF_CONFIG")
    trainer(workers="auto").fit(X, Y, epochs=1, verbose=0)
    trainer(workers=None).fit(X, Y, epochs=1, verbose=0)


@pytest.mark.parametrize(
    "config",
    [
        "cluster: worker",
        "[]",
        '{"cluster": {"worker": ["a:1", "b:1"]}}',
        '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 2}}',
        '{"cluster": {"worker": ["a", "b"]}, "task": {"type": "worker", "index": 1}}',
    ],
)
def test_a_tf_config_that_is_not_valid_is_refused(config, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(ValueError, match=r"must name the workers.*Set it like this") as error:
        trainer(workers="auto")
    advice = re.search(r"TF_CONFIG='(.*)'", str(error.value))[1]
    monkeypatch.setenv("TF_CONFIG", advice)
    assert _cluster.cluster() == (["host1:2222", "host2:2222"], 0)


def test_a_chief_comes_first(monkeypatch):
    config = {"cluster": {"chief": ["a:1"], "worker": ["b:1", "c:1"]}, "task": {"type": "worker", "index": 1}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    assert _cluster.cluster() == (["a:1", "b:1", "c:1"], 2)


def test_a_process_that_cannot_join_is_told(monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        addresses = [f"127.0.0.1:{taken.getsockname()[1]}", "127.0.0.1:1"]
        config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": 0}}
        monkeypatch.setenv("TF_CONFIG", json.dumps(config))
        with pytest.raises(RuntimeError, match=f"port .* must be free. Received: {addresses[0]}.*name another port"):
            trainer(workers="auto")
    addresses[0] = f"127.0.0.1:{free_ports(1)[0]}"
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    tf.zeros([])
    with pytest.raises(
        RuntimeError, match=r"before TensorFlow makes its first tensor.*Write `import rnn_tf` above all"
    ):
        trainer(workers="auto")


def test_other_strategies_are_refused():
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    with pytest.raises(ValueError, match=r"must be 'auto', None or a.*Received: 'MirroredStrategy'.*write model.fit"):
        trainer(workers=strategy)
    with pytest.raises(ValueError, match=r"must be 'auto', None or a.*Received: 'three'"):
        trainer(workers="three")


MIRRORED = """
import tensorflow as tf
processor, = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
import keras, rnn_tf
import numpy as np
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
with strategy.scope():
    model = keras.Sequential([keras.Input([4, 1]), keras.layers.SimpleRNN(3), keras.layers.Dense(1)])
    model.compile("adam", "mse")
try:
    rnn_tf.Trainer(model)
except ValueError as error:
    print(error)
x = np.ones([8, 4, 1], "float32")
model.fit(x, x[:, 0], epochs=1, verbose=0)  # as the message advises
print("TRAINED")
"""


def test_a_model_that_is_mirrored_is_refused(tmp_path):
    with Cluster(1, MIRRORED, folder=tmp_path) as cluster:
        assert cluster.wait() == [0], cluster.outputs()
        (output,) = cluster.outputs()
    assert re.search(
        r"made outside of every strategy's scope. Received: one of a MirroredStrategy.*write model.fit", output
    )
    assert output.rstrip().endswith("TRAINED")


def test_a_signal_that_one_gets_saves_and_ends_all(tmp_path):
    arguments = ["noisy", "--checkpoint", tmp_path / "run"]
    with Cluster(2, WORKER, *arguments, folder=tmp_path) as cluster:
        while not (tmp_path / "run" / "training.npz").exists() and cluster.processes[0].poll() is None:
            time.sleep(0.1)
        cluster.kill(1, signal.SIGTERM)
        assert cluster.wait() == [128 + signal.SIGTERM] * 2, cluster.outputs()
        assert all(f"The run is saved in {tmp_path / 'run'}" in output for output in cluster.outputs())

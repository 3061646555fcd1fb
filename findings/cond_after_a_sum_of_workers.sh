#!/bin/sh
# A function of its own that adds up over workers and then branches runs with one worker, and fails with two, in tf.cond.
#
# Expected: a tf.function gives the same inside tf.cond as outside of it, for any number of workers
# What happens: with two workers of a MultiWorkerMirroredStrategy, a tf.function that calls strategy.run with an
#   all_reduce, and then has a tf.cond on the sum, raises once it is called inside tf.cond of another tf.function: a
#   placeholder of the inner branch is not fed. By itself and in tf.while_loop it runs, as plain Python in tf.cond it
#   runs, and with one worker everything runs
# Seen: InvalidArgumentError, "You must feed a value for placeholder tensor", in both workers
# Versions: tensorflow 2.21.0, keras 3.15.1, numpy 2.4.6; two processes of one machine, on processors
# For whom: anyone who writes a loop of training steps for several workers that ends with its data; leave the
#   tf.function round the step out, the outer one compiles it
# Exit: 0 while it is so; 1 once it changes; 2 if the packages could not be installed
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 2' HUP INT TERM
"${PYTHON:-python3}" -m venv "$folder/venv" || exit 2
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check tensorflow==2.21.0 keras==3.15.1 numpy==2.4.6 || {
    echo "The packages could not be installed: nothing was checked." >&2
    exit 2
}
cat > "$folder/worker.py" <<'PROGRAM'
import tensorflow as tf

strategy = tf.distribute.MultiWorkerMirroredStrategy()


def in_replica(part):
    return tf.distribute.get_replica_context().all_reduce("SUM", tf.identity(part))


def step(x):
    total = strategy.run(in_replica, (x,))
    return tf.cond(total > 0, lambda: total, lambda: -total)


def in_loop(step):
    return lambda x: tf.while_loop(lambda i, n: i < 3, lambda i, n: (i + 1, step(n)), (0, x))[1]


def in_cond(step):
    return lambda x: tf.cond(x > 0, lambda: step(x), lambda: x)


found = []
for place in (in_loop, in_cond):
    for one in (step, tf.function(step)):
        try:
            found.append(float(tf.function(place(one))(tf.constant(1.0))))
        except tf.errors.InvalidArgumentError as error:
            found.append("placeholder" if "must feed a value for placeholder" in str(error) else "another error")
print("RESULT", found, flush=True)
PROGRAM
cat > "$folder/check.py" <<'PROGRAM'
import json
import os
import socket
import subprocess
import sys


def workers(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    addresses = [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
    for one in sockets:
        one.close()
    running = []
    for index in range(count):
        config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        variables = {**os.environ, "TF_CONFIG": json.dumps(config)}
        running.append(subprocess.Popen([sys.executable, "worker.py"], env=variables, stdout=subprocess.PIPE, text=True))
    try:
        told = [process.communicate(timeout=120)[0] for process in running]
    finally:
        for process in running:
            process.kill()
    return [line for one in told for line in one.splitlines() if line.startswith("RESULT")]


one, two = workers(1), workers(2)
print("in a loop and in a cond, each as plain Python and as a function of its own")
print("one worker: ", *one)
print("two workers:", *two)
if one != ["RESULT [1.0, 1.0, 1.0, 1.0]"]:
    sys.exit("With one worker not everything runs any more.")
if two != ["RESULT [8.0, 8.0, 2.0, 'placeholder']"] * 2:
    sys.exit("With two workers the function in tf.cond no longer fails, or something else does.")
PROGRAM
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1 "$folder/venv/bin/python" check.py

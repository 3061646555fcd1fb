from rnn_tf import cli


def test_measures_each_in_a_process_of_its_own(capfd):
    sizes = ["--batch", "4", "--timesteps", "400", "--features", "2", "--units", "8"]
    assert cli.main(["bench", "memory", *sizes]) == 0
    rows = capfd.readouterr().out.splitlines()[2:]
    assert [row[:28].strip() for row in rows] == ["keras.layers.RNN", "rnn_tf.RNN", "rnn_tf.RNN, remat=True"]
    for row in rows:
        mebibytes, _, seconds = map(float, row[28:].split())
        assert mebibytes >= 0
        assert seconds > 0


def test_tells_what_failed(monkeypatch, capfd):
    monkeypatch.setattr("rnn_tf.bench.memory.LAYERS", {"no such layer": None})
    assert cli.main(["bench", "memory"]) == 3
    assert "no such layer failed: KeyError" in capfd.readouterr().err

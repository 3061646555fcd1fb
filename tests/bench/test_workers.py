import os

import pytest

from rnn_tf import cli


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="processes are kept on their processors")
def test_two_workers_are_timed_against_one(capfd):
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("two workers need two processors")
    sizes = ["--batch", "8", "--timesteps", "5", "--features", "2", "--units", "4", "--repeat", "1"]
    before = os.sched_getaffinity(0)
    assert cli.main(["bench", "workers", *sizes]) == 0
    assert os.sched_getaffinity(0) == before
    printed = capfd.readouterr().out
    for told in (
        "one worker, all",
        "two workers against one:",
        "of the 117 weights, from these:",
        "pay from a batch of",
    ):
        assert told in printed
    assert len(printed.splitlines()[-1].removeprefix("8 rows each").split()) == 6

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")
def test_killed_exports_leave_no_half_versions():
    script = Path(__file__).with_name("kill_exports.py")
    process = subprocess.run([sys.executable, str(script), "20"], capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    killed, late, hidden = map(
        int,
        re.search(r"(\d+) killed, (\d+) of them in the last .* (\d+) left a hidden folder", process.stdout).groups(),
    )
    assert killed > late > 0, process.stdout
    assert hidden > 0, process.stdout

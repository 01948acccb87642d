"""Ten thousand connections, left in every way there is, leave nothing behind."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import require_module

ROOT = Path(__file__).resolve().parents[2]
WARM_UP = 2_000
CYCLES = 10_000
GROWTH_BYTES = 2 << 20  # about 200 bytes a cycle: the smallest object of the core is larger
TIMEOUT_S = 240.0


@pytest.mark.timeout(TIMEOUT_S + 10)
@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_nothing_is_left(loop):
    require_module("psutil")
    command = [
        sys.executable,
        "-W",
        "error",
        "-m",
        "tests.leaks.cycles",
        loop,
        str(WARM_UP),
        str(CYCLES),
    ]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S)
    assert (answer.returncode, answer.stderr) == (0, "")
    found = json.loads(answer.stdout)
    before, after = found["before"], found["after"]
    assert found["accepted"] == CYCLES
    assert found["most"] > 1, "nothing is left because nothing is counted"
    assert set(after["objects"].values()) == {0}
    assert after["descriptors"] == before["descriptors"]
    assert after["tasks"] == before["tasks"]
    assert after["memory_bytes"] - before["memory_bytes"] < GROWTH_BYTES

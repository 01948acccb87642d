"""The stubs of the core say what the compiled modules hold: stubtest compares the two at run time."""

import os
import subprocess
import sys

from tests.checks.sources import ROOT
from tests.conftest import require_module

ALLOWED = ROOT / "tests" / "checks" / "stubtest_allowlist.txt"
TIMEOUT_S = 55


def test_the_stubs_agree_with_the_core():
    require_module("mypy")
    command = [
        sys.executable,
        "-m",
        "mypy.stubtest",
        "kito._core",
        "--concise",
        "--ignore-disjoint-bases",
        "--allowlist",
        str(ALLOWED),
    ]
    # Without the project's configuration of mypy: whether the facade is well typed is another test's question.
    answer = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "MYPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr

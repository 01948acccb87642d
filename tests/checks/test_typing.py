"""The facade is typed throughout, and its users' type checkers see the types that were meant."""

import subprocess
import sys

from tests.checks.sources import ROOT
from tests.conftest import require_module, require_tool

TIMEOUT_S = 55


def test_the_facade_is_typed():
    require_module("mypy")
    answer = subprocess.run([sys.executable, "-m", "mypy"], cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_users_see_the_types_that_were_meant():
    command = [require_tool("pyright"), "--pythonpath", sys.executable]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S)
    assert answer.returncode == 0, answer.stdout + answer.stderr

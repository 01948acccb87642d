"""An absent tool is named at the end of a run, and is a failure where every tool was promised."""

import os
import subprocess
import sys

import pytest

from tests.checks.sources import ROOT

SAMPLE = """
from tests.conftest import require_module, require_tool

def test_program():
    require_tool("no-such-program")

def test_program_again():
    require_tool("no-such-program")

def test_module():
    require_module("no_such_module.part")

def test_present():
    assert require_tool("python").endswith("python")
    assert require_module("asyncio.events").__name__ == "asyncio.events"
"""


@pytest.fixture
def run(tmp_path):
    """Runs the sample in a process of its own, with or without the promise."""
    (tmp_path / "test_sample.py").write_text(SAMPLE)

    def run_sample(promised: str) -> str:
        command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider", str(tmp_path)]
        environment = {**os.environ, "KITO_REQUIRE_TOOLS": promised, "PYTHONPATH": str(ROOT)}
        answer = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=50)
        return answer.stdout

    return run_sample


def test_an_absent_tool_skips_and_is_named(run):
    output = run("0")
    assert "no-such-program: wanted 2 times, not found" in output
    assert "no_such_module.part: wanted 1 time, not found" in output
    assert "1 passed, 3 skipped" in output


def test_a_promised_tool_that_is_absent_fails(run):
    output = run("1")
    assert "no-such-program is absent, and KITO_REQUIRE_TOOLS=1 promises every tool" in output
    assert "3 failed, 1 passed" in output

"""Style and formatting are those of pyproject.toml, everywhere."""

import subprocess

import pytest

from tests.checks.sources import ROOT
from tests.conftest import require_tool


@pytest.mark.parametrize(
    "arguments", [["check", "--output-format=concise"], ["format", "--diff"]], ids=["check", "format"]
)
def test_ruff(arguments):
    command = [require_tool("ruff"), *arguments, "--no-cache", "."]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert answer.returncode == 0, answer.stdout + answer.stderr

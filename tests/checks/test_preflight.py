"""What a machine lacks is said in one sentence that names the remedy, before anything is made on it."""

import runpy
import subprocess
import sys
from types import SimpleNamespace

import pytest

from tests.checks.sources import ROOT

PREFLIGHT = ROOT / "tools" / "preflight.py"


@pytest.fixture
def complaint():
    return runpy.run_path(str(PREFLIGHT))["complaint"]


def test_a_machine_that_has_everything_hears_nothing():
    answer = subprocess.run([sys.executable, PREFLIGHT], capture_output=True, text=True, timeout=30)
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")


def test_an_old_python_is_named(complaint, monkeypatch):
    old = SimpleNamespace(version_info=(3, 9, 2), version="3.9.2 (main)", executable="/usr/bin/python3")
    monkeypatch.setitem(complaint.__globals__, "sys", old)
    assert "3.11 or newer" in complaint()
    assert "/usr/bin/python3 is 3.9.2" in complaint()


def test_an_absent_compiler_is_named(complaint, monkeypatch):
    monkeypatch.setenv("CC", "no-such-compiler -O2")
    assert "C compiler (no-such-compiler -O2)" in complaint()
    assert "apt-get install gcc" in complaint()


def test_absent_headers_are_named(complaint, monkeypatch):
    monkeypatch.setattr(complaint.__globals__["sysconfig"], "get_path", lambda name: "/nowhere")
    assert "/nowhere/Python.h" in complaint()


def test_an_absent_venv_is_named(complaint, monkeypatch):
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    assert "apt-get install python3-venv" in complaint()

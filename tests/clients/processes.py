"""Servers as processes of their own: started, waited for, stopped, and silent about errors only if there were none."""

import contextlib
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).parents[2]
STOP_LIMIT = 10.0  # seconds from SIGTERM until the process has ended

Process = subprocess.Popen[str]
Ready = TypeVar("Ready")


@contextlib.contextmanager
def running_server(*arguments: str, until: Callable[[Process], Ready]) -> Iterator[Ready]:
    """Run ``python *arguments`` for the block, which begins with what `until(process)` returns once it is ready.

    Fails when the process does not stop on SIGTERM, or has written a traceback.
    """
    command = [sys.executable, *arguments]
    with tempfile.TemporaryFile("w+") as errors:
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True) as process:
            try:
                yield until(process)
            finally:
                stopped = _stop(process)
                errors.seek(0)
                written = errors.read()
        assert stopped, f"it did not stop within {STOP_LIMIT:.0f} s of SIGTERM, and wrote:\n{written}"
        assert "Traceback" not in written, written


def _stop(process: Process) -> bool:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        return False
    return True

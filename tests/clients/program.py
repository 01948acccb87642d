"""Runs ``examples/streaming.py`` as printed: a process of its own, on port 3000, one at a time."""

import contextlib
import fcntl
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.processes import ROOT, Process, running_server

PROGRAM = ROOT / "examples" / "streaming.py"
HOST = "127.0.0.1"
PORT = 3000  # written in the program
ORIGIN = f"http://{HOST}:{PORT}"

START_LIMIT = 15.0  # seconds until the program listens
PROBE_PAUSE = 0.02  # seconds between two attempts to connect
LOCK = Path(tempfile.gettempdir()) / f"kito-tests-port-{PORT}.lock"


@contextlib.contextmanager
def running_program() -> Iterator[None]:
    """Run the program until the block ends; another run of the suite waits for its turn at the port."""
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _refuse_busy_port()
        with running_server(str(PROGRAM), until=_listening):
            yield


def _refuse_busy_port() -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, PORT))
        except OSError as error:
            pytest.fail(
                f"port {PORT} of {HOST} is taken ({error.strerror}); the program under test listens there as "
                "printed, so stop the other server first",
                pytrace=False,
            )


def _listening(process: Process) -> None:
    """Wait until the program, which says nothing, accepts connections."""
    deadline = time.monotonic() + START_LIMIT
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection((HOST, PORT), timeout=1).close()
        except OSError:
            time.sleep(PROBE_PAUSE)
        else:
            return
    pytest.fail(f"the program does not listen after {START_LIMIT:.0f} s (exit status {process.poll()})")

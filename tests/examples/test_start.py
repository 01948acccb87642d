"""``python -m examples`` from the command line."""

import socket
import subprocess
import sys

from tests.clients.processes import ROOT

LIMIT = 20  # seconds


def test_a_taken_port_is_reported_with_its_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        command = [sys.executable, "-m", "examples", "--port", port]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith("python -m examples: ")
    assert port in ended.stderr
    assert "Traceback" not in ended.stderr

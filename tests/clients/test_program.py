"""The program itself is the published one, and a busy port is reported, not waited for."""

import hashlib
import socket

import pytest

from tests.clients import program

PUBLISHED = "4a37284fe87d0580ed81d57082b6d905bc5f4c2c9de81d4a59f65710b6f1d63b"


def test_the_program_is_the_published_one() -> None:
    digest = hashlib.sha256(program.PROGRAM.read_bytes()).hexdigest()
    assert digest == PUBLISHED, f"{program.PROGRAM.name} must stay byte for byte what the documentation prints"


def test_a_taken_port_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server((program.HOST, 0)) as other:
        port = other.getsockname()[1]
        monkeypatch.setattr(program, "PORT", port)
        taken = pytest.raises(pytest.fail.Exception, match=f"port {port} of 127.0.0.1 is taken")
        with taken, program.running_program():
            pass

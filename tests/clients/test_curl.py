"""The program read by ``curl -N``, whose output is taken as it appears."""

import os
import subprocess
import time

import pytest

from kito.testing import EventParser
from tests.clients.marks import EVENT_MARKS, EVENTS, STREAM_MARKS, STREAM_PIECES, assert_on_marks, since_first
from tests.clients.program import ORIGIN
from tests.conftest import require_tool

pytestmark = pytest.mark.usefixtures("program")

READ_BYTES = 65536
LIMIT = "20"  # seconds that curl may take in all


def curl(*arguments: str) -> list[tuple[float, str]]:
    """Run ``curl -N`` and return every line of its output with the moment at which it appeared."""
    command = [require_tool("curl"), "-N", "--silent", "--show-error", "--fail", "--noproxy", "*"]
    lines: list[tuple[float, str]] = []
    rest = b""
    with subprocess.Popen([*command, "--max-time", LIMIT, *arguments], stdout=subprocess.PIPE) as process:
        while data := os.read(process.stdout.fileno(), READ_BYTES):
            now = time.monotonic()
            *whole, rest = (rest + data).split(b"\n")
            lines += [(now, line.decode()) for line in whole]
    assert process.returncode == 0
    assert rest == b""
    return lines


def test_stream_arrives_on_its_marks_and_the_connection_is_reused() -> None:
    lines = curl(f"{ORIGIN}/stream", f"{ORIGIN}/stream", "--write-out", "new connections: %{num_connects}\\n")
    first, second = lines[:4], lines[4:]
    for transfer in (first, second):
        assert [f"{line}\n" for _, line in transfer[:3]] == list(STREAM_PIECES)
        assert_on_marks(since_first(transfer[:3]), STREAM_MARKS)
    assert first[3][1] == "new connections: 1"
    assert second[3][1] == "new connections: 0"


def test_events_arrive_on_their_marks() -> None:
    parser = EventParser()
    events = [(at, event) for at, line in curl(f"{ORIGIN}/events") for event in parser.feed(f"{line}\n".encode())]
    assert [(event.event, event.data) for _, event in events] == list(EVENTS)
    assert_on_marks(since_first(events), EVENT_MARKS)

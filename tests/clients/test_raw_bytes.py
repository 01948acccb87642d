"""The program's responses byte for byte, over a plain socket."""

import re
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest

from tests.clients.marks import assert_on_marks
from tests.clients.program import HOST, PORT

pytestmark = pytest.mark.usefixtures("program")

RECEIVE_BYTES = 65536
SILENCE_LIMIT = 10.0  # seconds without a byte before a read fails
TERMINATOR = b"0\r\n\r\n"

# One entry for everything that leaves in one system call: the frames of one turn of the event loop.
STREAM_FRAMES = [
    b"8\r\nChunk 1\n\r\n",
    b"8\r\nChunk 2\n\r\n",
    b"c\r\nFinal chunk\n\r\n" + TERMINATOR,
]
EVENT_FRAMES = [
    b'27\r\nevent: init\ndata: {"msg":"connected"}\n\n\r\n',
    b'21\r\nevent: update\ndata: {"count":0}\n\n\r\n',
    b'21\r\nevent: update\ndata: {"count":1}\n\n\r\n',
    b'21\r\nevent: update\ndata: {"count":2}\n\n\r\n',
    b'21\r\nevent: update\ndata: {"count":3}\n\n\r\n',
    b'21\r\nevent: update\ndata: {"count":4}\n\n\r\n26\r\nevent: complete\ndata: {"msg":"done"}\n\n\r\n' + TERMINATOR,
]
DATE = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT")


@pytest.fixture
def connection() -> Iterator[socket.socket]:
    with socket.create_connection((HOST, PORT), timeout=SILENCE_LIMIT) as opened:
        yield opened


def request(connection: socket.socket, path: str) -> list[tuple[float, bytes]]:
    """Send a GET and return what each read brought, with the seconds since the request, up to the terminator."""
    start = time.monotonic()
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {HOST}:{PORT}\r\n\r\n".encode())
    arrivals: list[tuple[float, bytes]] = []
    while not arrivals or not arrivals[-1][1].endswith(TERMINATOR):
        data = connection.recv(RECEIVE_BYTES)
        assert data, f"the connection was closed in mid-body, after {arrivals}"
        arrivals.append((time.monotonic() - start, data))
    return arrivals


def check_head(head: bytes, expected: dict[str, str]) -> None:
    status, *lines = head.decode("latin-1").split("\r\n")
    fields = dict(line.split(": ", 1) for line in lines)
    assert len(fields) == len(lines), lines
    date = fields.pop("date")
    assert DATE.fullmatch(date), date
    assert abs(parsedate_to_datetime(date) - datetime.now(UTC)) < timedelta(seconds=30)
    assert status == "HTTP/1.1 200 OK"
    assert fields == expected


def test_stream_frame_by_frame_and_the_connection_serves_again(connection: socket.socket) -> None:
    for _ in range(2):
        arrivals = request(connection, "/stream")
        assert_on_marks(arrivals, (0, 1, 2))
        head, first_frame = arrivals[0][1].split(b"\r\n\r\n", 1)
        check_head(head, {"content-type": "application/octet-stream", "transfer-encoding": "chunked"})
        assert [first_frame, *(data for _, data in arrivals[1:])] == STREAM_FRAMES


def test_events_frame_by_frame_and_the_connection_serves_again(connection: socket.socket) -> None:
    arrivals = request(connection, "/events")
    assert_on_marks(arrivals, (0, 1, 2, 3, 4, 5))
    head, first_frame = arrivals[0][1].split(b"\r\n\r\n", 1)
    expected = {
        "content-type": "text/event-stream",
        "cache-control": "no-cache, no-transform",
        "x-accel-buffering": "no",
        "transfer-encoding": "chunked",
    }
    check_head(head, expected)
    assert [first_frame, *(data for _, data in arrivals[1:])] == EVENT_FRAMES
    again = request(connection, "/stream")
    assert b"".join(data for _, data in again).endswith(b"".join(STREAM_FRAMES))

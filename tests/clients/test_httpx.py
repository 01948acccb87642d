"""The program read by Python's httpx2, as a stream."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from kito.testing import EventParser
from tests.clients.marks import EVENT_MARKS, EVENTS, STREAM_MARKS, STREAM_PIECES, assert_on_marks
from tests.clients.program import ORIGIN
from tests.conftest import require_module

if TYPE_CHECKING:
    import httpx2

pytestmark = pytest.mark.usefixtures("program")

SILENCE_LIMIT = 10.0  # seconds without a byte before a read fails


@pytest.fixture
def client() -> "Iterator[httpx2.Client]":
    httpx2 = require_module("httpx2")
    with httpx2.Client(base_url=ORIGIN, timeout=SILENCE_LIMIT, trust_env=False) as opened:
        opened.get("/nowhere")  # so that the first measured request finds an open connection, like every later one
        yield opened


def local_port(response: "httpx2.Response") -> int:
    """The client's port on the connection that brought this response: the connection's identity."""
    return response.extensions["network_stream"].get_extra_info("client_addr")[1]


def test_stream_arrives_on_its_marks_and_the_connection_is_reused(client: "httpx2.Client") -> None:
    ports = set()
    for _ in range(2):
        start = time.monotonic()
        with client.stream("GET", "/stream") as response:
            ports.add(local_port(response))
            assert response.status_code == 200
            assert response.headers["transfer-encoding"] == "chunked"
            arrivals = [(time.monotonic() - start, text) for text in response.iter_text()]
        assert [text for _, text in arrivals] == list(STREAM_PIECES)
        assert_on_marks(arrivals, STREAM_MARKS)
    assert len(ports) == 1


def test_events_arrive_on_their_marks_and_the_connection_is_reused(client: "httpx2.Client") -> None:
    start = time.monotonic()
    with client.stream("GET", "/events") as response:
        port = local_port(response)
        assert response.headers["content-type"] == "text/event-stream"
        parser = EventParser()
        pieces = ((time.monotonic() - start, piece) for piece in response.iter_raw())
        events = [(at, event) for at, piece in pieces for event in parser.feed(piece)]
    assert [(event.event, event.data) for _, event in events] == list(EVENTS)
    assert_on_marks(events, EVENT_MARKS)
    with client.stream("GET", "/nowhere") as response:
        assert local_port(response) == port

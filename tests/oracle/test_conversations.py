"""Random valid conversations on a socket, pipelined and cut anywhere, with h11 as the client."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conformance.client import ResetError
from tests.conformance.lines import SocketLine, SocketServer, quiet
from tests.conftest import require_module

from . import EXAMPLES
from .conversations import Talk, conversations
from .site import Site

LARGEST_PIECE = 5000  # bytes


@pytest.fixture(scope="module", params=["tcp-uvloop", "unix-asyncio"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SocketServer]:
    """One server for every example."""
    folder: Path = tmp_path_factory.mktemp("oracle")
    with quiet(), SocketServer(request.param, folder, Site()) as running:
        yield running


class Client:
    """Reads answers with h11, a new connection of it for each, so that requests can be pipelined."""

    def __init__(self, line: SocketLine) -> None:
        self._h11 = require_module("h11")
        self._line = line
        self._waiting = b""
        self._ended = False

    def read(self, talk: Talk) -> None:
        """Read the answer to one request, and compare it with what is due."""
        h11 = self._h11
        client = h11.Connection(our_role=h11.CLIENT)
        client.send(h11.Request(method=talk.want.method, target="/", headers=[("host", "x")]))
        client.send(h11.EndOfMessage())
        if self._waiting:  # nothing would be the end
            client.receive_data(self._waiting)
        event = self._next(client)
        if isinstance(event, h11.InformationalResponse):
            assert talk.may_continue, talk
            assert event.status_code == 100
            event = self._next(client)
        assert isinstance(event, h11.Response), (event, talk)
        assert event.status_code == talk.want.status, talk
        assert framing_of(event, talk.want.method) == talk.framing, talk
        self._read_body(client, talk)
        assert (client.their_state is not h11.DONE) == talk.closes, talk
        self._waiting = client.trailing_data[0]

    def _read_body(self, client: Any, talk: Talk) -> None:
        h11 = self._h11
        body = b""
        try:
            while isinstance(event := self._next(client), h11.Data):
                body += bytes(event.data)
        except (h11.RemoteProtocolError, ResetError) as end:
            assert not talk.want.whole, talk
            self._ended = self._ended or isinstance(end, ResetError)  # so may the end of what is not whole be
        else:
            assert talk.want.whole, talk
            assert isinstance(event, h11.EndOfMessage)
            assert list(event.headers) == []
        assert body == talk.want.body or (not talk.want.whole and talk.want.body.startswith(body)), talk

    def _next(self, client: Any) -> Any:
        while (event := client.next_event()) is self._h11.NEED_DATA:
            data = self._line.receive()
            self._ended = not data
            client.receive_data(data)
        return event

    def over(self) -> bool:
        """Whether nothing but the end of the connection comes."""
        return not self._waiting and (self._ended or self._line.receive() == b"")


def framing_of(response: Any, method: str) -> str:
    """How a client finds the end of the body (RFC 9112 §6.3)."""
    fields = dict(response.headers)
    if method == "HEAD" or response.status_code in (204, 304):
        return "none"
    if b"transfer-encoding" in fields:
        assert b"content-length" not in fields
        return "chunked"
    return "length" if b"content-length" in fields else "close"


@settings(max_examples=EXAMPLES, deadline=None, derandomize=True)
@given(conversations, st.integers(1, LARGEST_PIECE))
def test_h11_reads_every_answer(server: SocketServer, conversation: list[Talk], size: int) -> None:
    data = b"".join(talk.data for talk in conversation)
    with server.connect() as line:
        line.send([data[start : start + size] for start in range(0, len(data), size)])
        client = Client(line)
        for talk in conversation:
            client.read(talk)
            if talk.closes:
                break
        else:
            line.half_close()
        assert client.over(), "something behind the last answer"

"""Random conversations with h11, an independent implementation of HTTP/1.1, as the client."""

import asyncio
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kito.app import App
from tests.conftest import require_module

from .rig import serving

LARGE = bytes(range(256)) * 300


class Exchange(NamedTuple):
    """A request, and the status and body that must answer it."""

    method: str
    path: str
    body: bytes
    chunks: int  # 0: a declared length
    close: bool
    status: int
    answer: bytes


def make_app():
    app = App()
    app.post("/echo", lambda req, res: res.send(req.body))
    app.put("/echo", lambda req, res: res.send(req.body))
    app.get("/large", lambda res: res.send(LARGE))
    app.get("/none", lambda res: res.status(204).end())
    app.get("/same", lambda res: res.status(304).header("etag", '"x"').end())
    app.get("/declared", lambda res: res.header("content-length", 6).stream().end("abcdef") and None)

    @app.get("/chunks/:count")
    async def chunks(res, count):
        stream = res.stream()
        for number in range(int(count)):
            await stream.write(f"{number},")
            await asyncio.sleep(0)
        stream.end()

    @app.sse("/events/:count")
    async def events(count):
        for number in range(int(count)):
            yield number

    @app.get("/closes")
    def closes(res):
        res.header("connection", "close").stream().end("closed")

    return app


def exchange(method, path, status=200, answer=b"", body=b""):
    return st.builds(
        lambda chunks, close: Exchange(method, path, body, chunks, close, status, b"" if method == "HEAD" else answer),
        st.integers(0, 5) if body or method in ("POST", "PUT") else st.just(0),
        st.sampled_from([False] * 9 + [True]),
    )


def repeated(text, count):
    return "".join(text.format(number) for number in range(count)).encode()


exchanges = st.one_of(
    st.tuples(st.sampled_from(["POST", "PUT"]), st.binary(max_size=3000)).flatmap(
        lambda pair: exchange(pair[0], "/echo", 200, pair[1], pair[1])
    ),
    st.tuples(st.sampled_from(["GET", "HEAD"]), st.integers(0, 20)).flatmap(
        lambda pair: exchange(pair[0], f"/chunks/{pair[1]}", 200, repeated("{},", pair[1]))
    ),
    st.integers(0, 20).flatmap(lambda count: exchange("GET", f"/events/{count}", 200, repeated("data: {}\n\n", count))),
    *(
        exchange(method, path, status, answer)
        for method in ("GET", "HEAD")
        for path, status, answer in [
            ("/large", 200, LARGE),
            ("/none", 204, b""),
            ("/same", 304, b""),
            ("/declared", 200, b"abcdef"),
            ("/closes", 200, b"closed"),
        ]
    ),
    exchange("GET", "/large?with=query", 200, LARGE),
    exchange("OPTIONS", "/large", 204),
)


@pytest.fixture(scope="module")
def h11() -> Any:
    return require_module("h11")


def request_bytes(h11, client, exchange):
    """The request as h11 writes it."""
    fields = [("Host", "x")]
    if exchange.chunks:
        fields.append(("Transfer-Encoding", "chunked"))
    elif exchange.body or exchange.method in ("POST", "PUT"):
        fields.append(("Content-Length", str(len(exchange.body))))
    if exchange.close:
        fields.append(("Connection", "close"))
    data = client.send(h11.Request(method=exchange.method, target=exchange.path, headers=fields))
    step = max(1, len(exchange.body) // max(1, exchange.chunks))
    for start in range(0, len(exchange.body), step):
        data += client.send(h11.Data(exchange.body[start : start + step]))
    return data + client.send(h11.EndOfMessage())


def read_events(h11, client):
    """Everything h11 understands of what has arrived."""
    events = []
    while True:
        event = client.next_event()
        if event in (h11.NEED_DATA, h11.PAUSED):
            return events
        events.append(event)
        if isinstance(event, h11.ConnectionClosed):
            return events


@settings(max_examples=100, deadline=None)
@given(st.lists(exchanges, min_size=1, max_size=8), st.integers(1, 5000))
def test_h11_understands_every_answer(h11, conversation, size):
    client = h11.Connection(our_role=h11.CLIENT)
    with serving(make_app()) as rig:
        peer = rig.connect()
        for exchange in conversation:
            data = request_bytes(h11, client, exchange)
            client.receive_data(peer.send(*(data[start : start + size] for start in range(0, len(data), size))))
            response, *pieces, end = read_events(h11, client)
            assert response.status_code == exchange.status
            assert b"".join(bytes(piece.data) for piece in pieces) == exchange.answer
            assert isinstance(end, h11.EndOfMessage)
            assert list(end.headers) == []
            closing = exchange.close or "close" in exchange.path
            assert (peer.end == "fin") == closing
            if closing:
                assert client.their_state in (h11.MUST_CLOSE, h11.CLOSED)
                return
            client.start_next_cycle()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 30), st.integers(0, 400))
def test_h11_sees_that_an_answer_is_not_whole(h11, writes, cut):
    app = App()

    @app.get("/")
    async def handler(res):
        stream = res.stream()
        for number in range(writes):
            await stream.write(f"{number}")
        stream.abort()

    client = h11.Connection(our_role=h11.CLIENT)
    with serving(app) as rig:
        peer = rig.connect()
        data = client.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))
        data += client.send(h11.EndOfMessage())
        client.receive_data(peer.send(data[:cut], data[cut:]))
        client.receive_data(b"")
        assert peer.end == "fin"
        with pytest.raises(h11.RemoteProtocolError, match="complete message body"):
            read_events(h11, client)

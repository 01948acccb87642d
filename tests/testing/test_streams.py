"""Streams and events as the clients read them: chunk by chunk, slowly, to the end, and cut."""

import asyncio
import time

import pytest

from kito import server
from kito.testing import (
    ClientResponse,
    EndOfStream,
    MalformedResponse,
    ReceivedEvent,
    ResponseTimeout,
    ResponseTruncated,
    TestClient,
)
from kito.testing.requests import OutgoingRequest
from kito.testing.streams import AsyncStream
from kito.testing.wire import Wire

MIB = 1024 * 1024


def make_app():
    app = server()
    app.ends = []

    @app.get("/chunks")
    async def chunks(res):
        async with res.stream() as stream:
            for piece in ("one", "two", "two\n"):
                stream.write(piece)

    @app.get("/sized")
    def sized(res):
        res.header("content-length", 6).stream().end("sixsix")

    @app.get("/cut")
    async def cut(res):
        stream = res.stream()
        await stream.write("half")
        stream.abort()

    @app.get("/reset")
    async def reset(req, res):
        # An unread body behind a cut makes the kernel send RST.
        stream = res.header("content-length", 100).stream()
        await stream.write("half")
        stream.abort()

    @app.get("/big")
    async def big(res):
        stream = res.stream()
        stream.on_close(lambda end: app.ends.append(end.reason))
        for _ in range(64):
            await stream.write(bytes(MIB))
            app.written = stream.bytes_sent
        stream.end()

    add_events(app)
    app.get("/no", lambda res: res.status(204).end())
    app.get("/text", lambda: "no events")
    return app


def add_events(app):
    @app.get("/events")
    async def events(res):
        sse = res.sse(retry=1500)
        sse.comment("hello")
        sse.send({"n": 1}, "tick", id=7)
        sse.send("two\nlines")
        sse.comment("bye")
        sse.close()

    @app.get("/open")
    async def opened(req, res):
        sse = res.sse()
        sse.on_close(lambda end: app.ends.append(end.reason))
        sse.send(req.last_event_id or "nothing")
        await sse.wait_closed()

    @app.post("/ask")
    def ask(body: dict, res):
        sse = res.sse()
        sse.send(body)
        sse.close()


@pytest.fixture
def app():
    return make_app()


@pytest.fixture
def client(app):
    with TestClient(app) as started:
        yield started


def wait_for(condition):
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_chunks_as_they_are_framed(client):
    with client.stream("GET", "/chunks") as stream:
        assert (stream.status, stream.chunked, stream.ended) == (200, True, False)
        assert stream.headers["transfer-encoding"] == "chunked"
        assert [stream.next(), stream.next(), stream.next()] == [b"one", b"two", b"two\n"]
        with pytest.raises(EndOfStream):
            stream.next()
        assert stream.ended
        assert list(stream.trailers) == []
    assert stream.closed
    with client.stream("GET", "/chunks") as stream:
        assert list(stream) == [b"one", b"two", b"two\n"]
    with client.stream("GET", "/chunks") as stream:
        stream.next()
        assert stream.rest() == [b"two", b"two\n"]
    assert client.get("/chunks").chunks == (b"one", b"two", b"two\n")
    assert client.get("/sized").chunks is None


def test_a_body_of_declared_length(client):
    with client.stream("GET", "/sized") as stream:
        assert not stream.chunked
        assert b"".join(stream) == b"sixsix"


@pytest.mark.parametrize("path", ["/cut", "/reset"])
def test_a_cut_body_is_no_whole_one(client, path):
    with pytest.raises(ResponseTruncated, match=f"GET {path}") as cut:
        client.get(path)
    assert cut.value.received == b"half"
    with client.stream("GET", path) as stream:
        assert stream.next() == b"half"
        with pytest.raises(ResponseTruncated):
            stream.next()
        assert not stream.ended


def test_nothing_is_read_before_it_is_asked_for(app, client):
    app.written = 0
    with client.stream("GET", "/big", receive_buffer=4096) as stream:
        stream.next()
        stream.next()
        written = -1
        while written != app.written:  # until the producer waits for the reader
            written = app.written
            time.sleep(0.02)
        assert written < 32 * MIB
        stream.close()
    assert client.get("/text").status == 200
    wait_for(lambda: app.ends == ["client_left"])


def test_a_slow_reader(client):
    with client.stream("GET", "/chunks", read_rate=200) as stream:
        begin = time.monotonic()
        assert b"".join(stream.rest()) == b"onetwotwo\n"
        # The head has used up the rate for about a second.
        assert time.monotonic() - begin > 0.1
        stream.read_rate = None
        assert stream.read_rate is None


def test_events(client):
    with client.sse("/events") as events:
        assert events.headers["content-type"] == "text/event-stream"
        first = events.next()
        assert first == ReceivedEvent('{"n":1}', "tick", "7", None, ("hello",))
        assert first.json() == {"n": 1}
        assert (events.retry, events.last_event_id) == (1500, "7")
        assert events.next().data == "two\nlines"
        with pytest.raises(EndOfStream):
            events.next()
        assert events.next_comment() == "hello"
        assert events.next_comment() == "bye"
        with pytest.raises(EndOfStream):
            events.next_comment()
    with client.sse("/events") as events:
        assert [event.event for event in events] == ["tick", "message"]
    with client.sse("/events") as events:
        assert events.next_comment() == "hello"  # the events before the next one are kept
        assert events.next_comment() == "bye"
        assert [event.event for event in events.rest()] == ["tick", "message"]


def test_the_last_event_id_and_a_body(client):
    with client.sse("/open", last_event_id="41") as events:
        assert events.next().data == "41"
    with client.sse("/open") as events:
        assert events.next().data == "nothing"
    with client.sse("/ask", method="POST", json={"q": 1}) as events:
        assert [event.json() for event in events] == [{"q": 1}]


def test_what_is_no_event_stream_says_so(client):
    with client.sse("/no") as events:
        assert events.status == 204
        with pytest.raises(MalformedResponse, match="GET /no: 204 without a type is no event stream"):
            events.next()
    with client.sse("/text") as events, pytest.raises(MalformedResponse, match="200 text/plain"):
        events.next()


def test_ways_to_leave(app, client):
    for leave in ("close", "cut"):
        events = client.sse("/open")
        events.next()
        getattr(events, leave)()
        assert events.closed
        wait_for(lambda: app.ends == ["client_left"])
        app.ends.clear()
    with client.sse("/open") as events:
        events.half_close()
        wait_for(lambda: app.ends == ["client_left"])


def test_every_wait_has_an_end(client):
    with client.sse("/open") as events:
        events.next()
        with pytest.raises(ResponseTimeout, match=r"GET /open: no event within 0.05 s"):
            events.next(0.05)
        with pytest.raises(ResponseTimeout, match="no comment"):
            events.next_comment(0.05)
        with pytest.raises(ResponseTimeout, match="no end of the events"):
            events.rest(0.05)
    with pytest.raises(ResponseTimeout, match=r"GET /open: no whole response within 0.05 s"):
        client.get("/open", timeout=0.05)
    with client.stream("GET", "/open") as stream:
        stream.next()
        with pytest.raises(ResponseTimeout, match="no chunk"):
            stream.next(0.05)
        with pytest.raises(ResponseTimeout, match="no end of the body"):
            stream.rest(0.05)


@pytest.mark.parametrize(("leave", "reset"), [("close", False), ("cut", True), ("half_close", False)])
def test_a_cut_is_a_reset_and_the_others_are_not(leave, reset):
    async def ask():
        ends = asyncio.get_running_loop().create_future()

        async def listen(reader, writer):
            try:
                ends.set_result((await reader.read(), False))
            except ConnectionResetError:
                ends.set_result((b"", True))
            writer.close()

        listener = await asyncio.start_server(listen, "127.0.0.1", 0)
        async with listener:
            wire = await Wire.connect(listener.sockets[0].getsockname())
            outcome = getattr(wire, leave)()
            if outcome is not None:
                await outcome
            ended = await asyncio.wait_for(ends, 5)
            await wire.close()
        return ended

    assert asyncio.run(ask()) == (b"", reset)


# === servers that do not know HTTP ===


def test_a_response_that_is_none(raw_client):
    for answer, words in {
        b"SSH-2.0\r\n\r\n": "no status line",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n": "no header line",
        b"HTTP/1.1 200 OK\r\na : b\r\n\r\n": "no header line",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n": "framing nobody asked for",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 1\r\n\r\n": "framing nobody asked for",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\na": "content-length is",
        b"HTTP/1.1 200 OK\r\ncontent-length: +1\r\n\r\na": "content-length is",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nx\r\n": "no size of a chunk",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nabc": "does not end in CRLF",
        b"HTTP/1.1 200 OK\r\na: " + b"b" * 300_000: "without an end in the head",
    }.items():
        with pytest.raises(MalformedResponse, match=words):
            raw_client(answer)


def test_a_response_that_breaks_off(raw_client):
    for answer, where in {
        b"": "in the head",
        b"HTTP/1.1 200 OK\r\n": "in the head",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\na": "1 bytes before the end of the body",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\na": "3 bytes before the end of a chunk",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n": "in the trailers",
    }.items():
        with pytest.raises(ResponseTruncated, match=where):
            raw_client(answer)


def test_what_else_http_allows(raw_client):
    interim = raw_client(b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\nX-Case:  a \r\n\r\nto the end")
    assert (interim.status, interim.headers["x-case"], interim.body) == (200, "a", b"to the end")
    chunked = raw_client(
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n00A;x=y\r\n0123456789\r\n0\r\ndigest: x\r\n\r\n"
    )
    assert (chunked.chunks, chunked.trailers["digest"]) == ((b"0123456789",), "x")
    assert raw_client(b"HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n").body == b""
    latin = raw_client(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=latin-1\r\n\r\n\xe4")
    assert latin.text == "ä"


@pytest.fixture
def raw_client():
    """What a client makes of some bytes as the answer, with FIN behind them."""

    async def ask(answer):
        async def respond(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            writer.close()

        listener = await asyncio.start_server(respond, "127.0.0.1", 0)
        async with listener:
            wire = await Wire.connect(listener.sockets[0].getsockname())
            async with AsyncStream(OutgoingRequest("GET", "/", b"GET / HTTP/1.1\r\n\r\n", b""), wire, 5) as stream:
                await stream.begin()
                chunks = await stream.rest()
        return stream, chunks

    def run(answer):
        stream, chunks = asyncio.run(ask(answer))
        head = stream.head
        framed = tuple(chunks) if stream.chunked else None
        body = b"".join(chunks)
        return ClientResponse(head.status, head.reason, head.http_version, head.headers, body, framed, stream.trailers)

    return run

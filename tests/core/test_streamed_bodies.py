"""Bodies that their handlers read as they arrive: `stream_body=True`, on a connection without sockets."""

import asyncio

import pytest

from kito.errors import (
    LocalProtocolError,
)

from .answers import read_answer, read_answers
from .rig import serving
from .uploads import CHUNKED, GET, HEAD, LIMITS, TIMEOUTS, chunk, declared


@pytest.fixture
def bounds():
    return LIMITS, TIMEOUTS


FRAMINGS = {
    "declared": (declared(6), b"abc", b"def"),
    "chunked": (CHUNKED, chunk(b"abc"), chunk(b"def") + b"0\r\n\r\n"),
}
framings = pytest.mark.parametrize("pieces", FRAMINGS.values(), ids=FRAMINGS)


@framings
def test_the_handler_begins_with_the_head_and_reads_what_arrives(consumer, rig, peer, pieces):
    head, first, second = pieces
    peer.send(head)
    assert consumer.begun == 1
    consumer.go(rig, 100)
    peer.send(first)
    assert consumer.pieces == [b"abc"]
    assert read_answer(peer.send(second)).body == b"read"
    assert consumer.pieces == [b"abc", b"def"]
    assert read_answer(peer.send(GET)).body == b"got"


@framings
@pytest.mark.parametrize("cut", [1, 3, 10, 1000])
def test_it_is_the_same_however_it_is_cut_and_requests_behind_it_are_served(consumer, rig, peer, pieces, cut):
    consumer.go(rig, 1000)
    data = b"".join(pieces) + GET + b"".join(pieces) + GET
    peer.send(*(data[start : start + cut] for start in range(0, len(data), cut)))
    assert [answer.body for answer in read_answers(peer.received)] == [b"read", b"got"] * 2
    assert b"".join(consumer.pieces) == b"abcdef" * 2


def test_what_has_arrived_between_two_steps_is_one_piece(consumer, rig, peer):
    peer.send(CHUNKED, chunk(b"abc"), chunk(b"def"))
    consumer.go(rig)
    assert consumer.pieces == [b"abcdef"]


@framings
def test_read_gives_all_of_it(app, rig, peer, pieces):
    @app.post("/", stream_body=True)
    async def handler(req):
        with pytest.raises(LocalProtocolError, match=r"await req\.read\(\)"):
            req.body  # noqa: B018
        whole = await req.read()
        assert await req.read() == req.body == whole
        return req.text()

    assert read_answer(peer.send(*pieces)).body == b"abcdef"


def test_read_gives_the_rest_behind_a_part(app, rig, peer):
    @app.post("/", stream_body=True)
    async def handler(req):
        first = await anext(req.stream())
        rest = await req.read()
        with pytest.raises(LocalProtocolError):
            req.json()
        return [first.decode(), rest.decode()]

    peer.send(declared(6), b"abc")
    assert read_answer(peer.send(b"def")).body == b'["abc","def"]'


@pytest.mark.parametrize("body", [b"", b"abc"])
def test_a_body_that_is_here_already_is_read_in_the_same_way(app, rig, peer, body):
    @app.post("/")
    async def handler(req):
        twice = [b"".join([piece async for piece in req.stream()]) for _ in range(2)]
        assert twice == [body, body]
        assert await req.read() == body
        return body

    assert read_answer(peer.send(declared(len(body)) + body)).body == body


def test_a_request_without_a_body_has_an_empty_one(consumer, rig, peer):
    consumer.go(rig, 10)
    assert read_answer(peer.send(declared(0))).body == b"read"
    assert read_answer(peer.send(HEAD + b"\r\n")).body == b"read"
    assert consumer.pieces == []


def test_two_readers_are_one_too_many(app, rig, peer):
    @app.post("/", stream_body=True)
    async def handler(req):
        body = req.stream()
        first = asyncio.ensure_future(anext(body))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="another task"):
            await anext(body)
        return await first

    peer.send(declared(3))
    assert read_answer(peer.send(b"abc")).body == b"abc"


def test_a_read_that_was_cancelled_loses_nothing(app, rig, peer):
    @app.post("/", stream_body=True)
    async def handler(req):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await req.read()
        return await req.read()

    peer.send(declared(6))
    rig.sleep(2)
    assert read_answer(peer.send(b"abc", b"def")).body == b"abcdef"


# === both ways at once ===


def test_a_generator_may_read_what_it_answers_to(app, rig, peer):
    @app.post("/", stream_body=True)
    async def echo(req):
        async for piece in req.stream():
            yield piece.upper()
        yield b"."

    head = peer.send(CHUNKED, chunk(b"abc"))
    assert head.endswith(b"3\r\nABC\r\n")
    assert peer.send(chunk(b"def")) == b"3\r\nDEF\r\n"
    assert peer.send(b"0\r\n\r\n" + GET[:10]) == b"1\r\n.\r\n0\r\n\r\n"
    assert peer.end is None


def test_a_plain_function_may_leave_the_body_to_a_task(app, rig, peer):
    tasks = set()

    @app.post("/", stream_body=True)
    def handler(req, res):
        stream = res.stream()

        async def copy():
            async with stream:
                async for piece in req.stream():
                    await stream.write(piece)

        tasks.add(asyncio.get_running_loop().create_task(copy()))

    peer.send(CHUNKED)
    peer.send(chunk(b"abc") + b"0\r\n\r\n")
    assert read_answer(peer.received).chunks == [b"abc"]


def test_a_client_that_leaves_an_echo_cancels_it(app, rig, peer):
    ends = []

    @app.post("/", stream_body=True)
    async def echo(req, res):
        stream = res.stream()
        stream.on_close(ends.append)
        try:
            async for piece in req.stream():
                await stream.write(piece)
        finally:
            ends.append("left")

    peer.send(CHUNKED, chunk(b"abc"))
    peer.send_eof()
    assert [getattr(end, "reason", end) for end in ends] == ["client_left", "left"]
    assert peer.gone


# === long bodies of declared length, which httptools is not given ===


@pytest.mark.parametrize("path", [b"/", b"/buffered"])
@pytest.mark.parametrize("cut", [1000, 65536, 10**6])
@pytest.mark.parametrize("size", [65535, 65536, 65537, 200_000])
@pytest.mark.parametrize("fields", [b"", b"connection: upgrade\r\nupgrade: h2c\r\n"], ids=["plain", "offer"])
def test_a_long_body_ends_where_it_says(app, path, cut, size, fields):
    app.post("/", lambda req: req.read(), stream_body=True)
    app.post("/buffered", lambda req: req.body)
    app.get("/get", lambda: "got")
    body = bytes(range(256)) * (size // 256 + 1)
    body = body[:size]
    request = b"POST %s HTTP/1.1\r\nhost: x\r\n%scontent-length: %d\r\n\r\n" % (path, fields, size)
    data = (request + body + GET) * 2
    with serving(app) as rig:
        peer = rig.connect()
        peer.send(*(data[start : start + cut] for start in range(0, len(data), cut)))
        assert [answer.body for answer in read_answers(peer.received)] == [body, b"got"] * 2
        assert peer.end is None


def test_a_long_body_that_had_to_wait_is_whole(app):
    app.post("/", lambda req: req.read(), stream_body=True)
    with serving(app) as rig:
        first = rig.future()
        app.get("/wait", lambda: first)
        peer = rig.connect()
        data = declared(70_000) + b"x" * 70_000
        peer.send(b"GET /wait HTTP/1.1\r\nhost: x\r\n\r\n" + data[:50_000], data[50_000:])
        assert peer.received == b""
        rig.call(first.set_result, "waited")
        assert [answer.body for answer in read_answers(peer.received)] == [b"waited", b"x" * 70_000]

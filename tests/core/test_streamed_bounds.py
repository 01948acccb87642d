"""What bounds a streamed body in size and time, and what a body that goes wrong brings about."""

import pytest

from kito import Limits, Timeouts
from kito.errors import (
    BadRequest,
    BodyTooLarge,
    ConnectionClosed,
    RequestTimeout,
)

from .answers import read_answer
from .rig import serving
from .uploads import CHUNKED, LIMITS, TIMEOUTS, Consumer, chunk, declared


@pytest.fixture
def bounds():
    return LIMITS, TIMEOUTS


# === bounds ===


def test_a_client_is_read_as_fast_as_its_body_is_taken(app, rig, peer):
    consumer = Consumer(app, body_size=None)
    peer.send(declared(100_000))
    for _ in range(100):
        peer.send(b"x" * 100)
    assert not peer.transport.reading
    consumer.go(rig)
    assert len(consumer.pieces[0]) <= LIMITS.high_water + 100
    assert peer.transport.reading is False  # the next piece filled it again
    consumer.go(rig, 1000)
    assert sum(map(len, consumer.pieces)) == 10_000
    assert peer.transport.reading
    assert read_answer(peer.send(b"x" * 90_000)).body == b"read"


def test_many_small_chunks_are_no_small_thing(app, rig, peer):
    Consumer(app)
    peer.send(CHUNKED)
    for _ in range(LIMITS.high_water // 60 + 1):
        peer.send(chunk(b"x"))
    assert not peer.transport.reading


@pytest.mark.parametrize(("size", "limit"), [(1000, None), (2000, 2000)])
def test_the_size_of_a_body_is_bounded_by_the_server_or_by_the_route(app, rig, size, limit):
    options = {} if limit is None else {"body_size": limit}
    consumer = Consumer(app, **options)
    consumer.go(rig, 10_000)
    assert read_answer(rig.connect().send(declared(size) + b"x" * size)).status == 200
    assert read_answer(rig.connect().send(CHUNKED + chunk(b"x" * size) + b"0\r\n\r\n")).status == 200
    over = rig.connect()
    answer = read_answer(over.send(declared(size + 1)))
    assert answer.status == 413
    assert answer.get(b"connection") == b"close"
    begun = consumer.begun
    lies = rig.connect()
    assert read_answer(lies.send(CHUNKED, chunk(b"x" * size), chunk(b"x"))).status == 413
    assert lies.end == "fin"
    assert isinstance(consumer.error, BodyTooLarge)
    assert consumer.begun == begun + 1


def test_a_route_may_bound_a_body_that_is_buffered(app, rig):
    app.post("/", lambda req: str(len(req.body)), body_size=5000)
    app.post("/small", lambda req: str(len(req.body)), body_size=10)
    app.post("/:name", lambda name: name, body_size=0)
    for path, limit in (("/", 5000), ("/small", 10), ("/x", 0)):
        head = b"POST %s HTTP/1.1\r\nhost: x\r\n" % path.encode()
        for over, status in ((0, 200), (1, 413)):
            body = b"x" * (limit + over)
            peer = rig.connect()
            assert read_answer(peer.send(head + b"content-length: %d\r\n\r\n" % len(body) + body)).status == status
            chunks = (chunk(body) if body else b"") + b"0\r\n\r\n"
            assert (
                read_answer(rig.connect().send(head + b"transfer-encoding: chunked\r\n\r\n" + chunks)).status == status
            )


def test_a_body_of_any_size_is_still_not_kept_whole(app, rig, peer):
    @app.post("/", stream_body=True, body_size=None)
    async def handler(req):
        with pytest.raises(BodyTooLarge, match="1000 bytes that are read at once"):
            await req.read()
        return "streamed"

    assert read_answer(peer.send(CHUNKED + chunk(b"x" * 1001) + b"0\r\n\r\n")).body == b"streamed"


def test_a_chunked_body_of_many_small_chunks_costs_what_it_weighs(app):
    app.post("/", lambda req: str(len(req.body)))
    count = 100_000
    with serving(app, Limits(body_size=2 * count)) as rig:
        peer = rig.connect()
        peer.send(CHUNKED)
        tracemalloc = pytest.importorskip("tracemalloc")
        tracemalloc.start()
        try:
            for _ in range(count // 1000):
                peer.send(chunk(b"xy") * 1000)
            assert tracemalloc.get_traced_memory()[0] < 5 * count  # bytes
        finally:
            tracemalloc.stop()
        assert read_answer(peer.send(b"0\r\n\r\n")).body == b"%d" % (2 * count)


# === what goes wrong ===


def test_a_client_that_leaves_in_the_middle_is_told_to_the_consumer(consumer, rig):
    for leave in ("eof", "lost"):
        peer = rig.connect()
        peer.send(declared(10), b"abc")
        consumer.go(rig)
        if leave == "eof":
            peer.send_eof()
        else:
            peer.leave(ConnectionResetError())
        consumer.go(rig)
        assert isinstance(consumer.error, ConnectionClosed)
        assert peer.gone
        assert peer.received == b""
        consumer.error = None


def test_chunks_that_are_none(consumer, rig, peer):
    consumer.go(rig, 10)
    peer.send(CHUNKED, chunk(b"abc"))
    answer = read_answer(peer.send(b"zz\r\n"))
    assert (answer.status, answer.get(b"connection")) == (400, b"close")
    assert isinstance(consumer.error, BadRequest)
    assert consumer.pieces == [b"abc"]
    assert peer.end == "fin"


def test_a_body_that_stops_coming(consumer, rig, peer):
    consumer.go(rig, 10)
    peer.send(declared(100), b"abc")
    rig.tick(4)
    assert peer.received == b""
    peer.send(b"abc")
    rig.tick(4)
    assert consumer.error is None
    rig.tick()
    assert read_answer(peer.take()).status == 408
    assert isinstance(consumer.error, RequestTimeout)
    assert peer.end == "fin"


@pytest.mark.parametrize(("rate", "status"), [(10, 200), (9, 408)])
def test_a_body_that_comes_too_slowly(consumer, rig, peer, rate, status):
    consumer.go(rig, 1000)
    peer.send(declared(400))
    for _ in range(400 // rate):
        rig.tick()
        peer.send(b"x" * rate)
    peer.send(b"x" * (400 % rate))
    assert read_answer(peer.received).status == status


def test_time_in_which_the_handler_does_not_read_is_not_the_clients(consumer, rig, peer):
    peer.send(declared(500), b"x" * 450)
    rig.tick(45)
    assert not peer.transport.reading
    assert consumer.error is None
    consumer.go(rig, 10)
    rig.tick(4)
    assert read_answer(peer.send(b"x" * 50)).status == 200


def test_more_of_the_body_buys_a_handler_no_time(app):
    consumer = Consumer(app)
    with serving(app, LIMITS, Timeouts(handler=3, body_rate=0)) as rig:
        peer = rig.connect()
        peer.send(declared(100))
        for _ in range(4):
            rig.tick()
            peer.send(b"x")
        assert read_answer(peer.received).status == 503
        assert consumer.begun == 1


def test_an_error_behind_the_head_of_an_answer_cuts_it_and_is_nobodys_failure(app, rig, peer):
    @app.post("/", stream_body=True)
    async def echo(req, res):
        async with res.stream() as stream:
            async for piece in req.stream():
                await stream.write(piece)

    peer.send(CHUNKED, chunk(b"abc"))
    peer.send(b"zz\r\n")
    answer = read_answer(peer.received)
    assert answer.chunks == [b"abc"]
    assert not answer.whole
    assert peer.end == "fin"  # and nothing was logged

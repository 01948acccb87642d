"""Bodies that their handlers read as they arrive: `stream_body=True`, on a connection without sockets."""

import asyncio

import pytest

from kito import Limits, Timeouts
from kito.errors import (
    BadRequest,
    BodyTooLarge,
    ConnectionClosed,
    LocalProtocolError,
    RequestTimeout,
    ResponseEnded,
)

from .answers import read_answer, read_answers
from .rig import serving

KIB = 1024  # bytes
HEAD = b"POST / HTTP/1.1\r\nhost: x\r\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
GET = b"GET /get HTTP/1.1\r\nhost: x\r\n\r\n"
LIMITS = Limits(body_size=1000, unread_body=500, high_water=400)
TIMEOUTS = Timeouts(head=3, body=4, body_rate=10, body_rate_after=20, keep_alive=5, handler=50)


def declared(size):
    return HEAD + b"content-length: %d\r\n\r\n" % size


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


class Consumer:
    """A handler that takes its body in steps, when it is told to, and remembers what it got."""

    def __init__(self, app, **options):
        self.pieces = []
        self.error = None
        self.trailers = None
        self.begun = 0
        self._steps = asyncio.Semaphore(0)
        app.post("/", self.handle, stream_body=True, **options)
        app.get("/get", lambda: "got")

    async def handle(self, req, res):
        self.begun += 1
        try:
            body = req.stream()
            await self._steps.acquire()
            async for piece in body:
                self.pieces.append(piece)
                await self._steps.acquire()
        except Exception as error:
            self.error = error
            raise
        self.trailers = dict(req.trailers.items())
        res.send("read")

    def go(self, rig, steps=1):
        """Let it take so many steps."""
        for _ in range(steps):
            rig.call(self._steps.release)


@pytest.fixture
def rig(app):
    with serving(app, LIMITS, TIMEOUTS) as rig:
        yield rig


@pytest.fixture
def consumer(app):
    return Consumer(app)


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


# === a body that nobody reads ===


@pytest.fixture
def unread(app):
    app.post("/", lambda: "no, thanks", stream_body=True)
    app.get("/get", lambda: "got")


def test_what_is_left_is_read_to_keep_the_connection(unread, rig, peer):
    answer = read_answer(peer.send(declared(500), b"x" * 100))
    assert (answer.body, answer.get(b"connection")) == (b"no, thanks", None)
    assert read_answer(peer.send(b"x" * 399, b"x" + GET)).body == b"got"
    assert [answer.body for answer in read_answers(peer.send(declared(500) + b"x" * 500 + GET))] == [
        b"no, thanks",
        b"got",
    ]


def test_more_than_that_closes_in_stages(unread, rig, peer):
    answer = read_answer(peer.send(declared(501)))
    assert (answer.body, answer.get(b"connection")) == (b"no, thanks", b"close")
    assert peer.end == "fin"
    assert not peer.gone
    peer.send(b"x" * 500)
    assert not peer.gone
    peer.send(b"x")
    assert peer.gone


def test_chunks_are_counted_as_they_come(unread, rig, peer):
    assert read_answer(peer.send(CHUNKED)).get(b"connection") is None
    peer.send(chunk(b"x" * 500))
    assert peer.end is None
    peer.send(chunk(b"x"))
    assert peer.end == "fin"
    assert not peer.gone


def test_what_is_left_has_its_time_too(unread, rig):
    silent, slow = rig.connect(), rig.connect()
    for peer in (silent, slow):
        assert read_answer(peer.send(declared(500))).status == 200
    for _ in range(21):
        rig.tick()
        slow.send(b"x")
    assert silent.end == "fin"
    assert slow.end == "fin"


def test_reading_behind_the_end_of_the_response_is_an_error_of_the_handler(app, rig, peer):
    errors = []

    @app.post("/", stream_body=True)
    async def handler(req, res):
        res.send("early")
        try:
            await req.read()
        except ResponseEnded as error:
            errors.append(error)

    assert read_answer(peer.send(declared(3))).body == b"early"
    assert len(errors) == 1
    assert read_answer(peer.send(b"abc" + declared(3))).body == b"early"


# === Expect: 100-continue ===

EXPECTING = HEAD + b"expect: 100-continue\r\ncontent-length: 3\r\n\r\n"


def test_a_body_is_asked_for_when_it_is_wanted(consumer, rig, peer):
    assert peer.send(EXPECTING) == b""
    rig.tick(40)  # it is us who keep it from sending
    consumer.go(rig, 10)
    assert peer.take() == CONTINUE
    rig.tick(4)
    assert read_answer(peer.send(b"abc")).body == b"read"


def test_a_client_that_does_not_wait_is_not_told(consumer, rig, peer):
    peer.send(EXPECTING + b"abc")
    consumer.go(rig, 10)
    assert read_answer(peer.take()).body == b"read"


def test_a_body_that_nobody_asked_for_ends_the_connection(unread, rig, peer):
    answer = read_answer(peer.send(EXPECTING))
    assert (answer.body, answer.get(b"connection")) == (b"no, thanks", b"close")
    assert peer.end == "fin"


def test_an_answer_that_begins_before_its_body_asks_for_that_first(app, rig, peer):
    @app.post("/", stream_body=True)
    async def echo(req, res):
        async with res.stream() as stream:
            async for piece in req.stream():
                await stream.write(piece)

    answer, rest = peer.send(EXPECTING), peer.send(b"abc")
    assert answer.startswith(CONTINUE)
    assert read_answer(answer[len(CONTINUE) :] + rest).chunks == [b"abc"]


# === trailers ===


def test_trailers_are_there_behind_the_body(consumer, rig, peer):
    consumer.go(rig, 10)
    dropped = b"Host: evil\r\ncontent-type: x/y\r\nauthorization: x\r\nx-forwarded-for: y\r\n"
    fields = b"x-sum: 42 \r\n" + dropped + b"Content-Digest: z\r\n"
    assert read_answer(peer.send(CHUNKED, chunk(b"abc") + b"0\r\n" + fields + b"\r\n")).status == 200
    assert consumer.trailers == {"x-sum": "42", "content-digest": "z"}


def test_trailers_of_a_body_that_is_buffered(app, rig, peer):
    app.post("/", lambda req: [req.headers.get("x"), req.trailers.get("x"), len(req.trailers)])
    assert read_answer(peer.send(CHUNKED + b"0\r\nx: 1\r\n\r\n")).body == b'[null,"1",1]'
    assert read_answer(peer.send(declared(0))).body == b"[null,null,0]"


@pytest.mark.parametrize(("count", "status"), [(5, 200), (6, 431)])
def test_the_number_of_trailers_is_bounded(app, count, status):
    app.post("/", lambda: "x")
    with serving(app, Limits(header_count=5)) as rig:
        peer = rig.connect()
        assert read_answer(peer.send(CHUNKED + b"0\r\n" + b"x: 1\r\n" * count + b"\r\n")).status == status


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

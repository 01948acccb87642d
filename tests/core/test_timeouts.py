"""What each timeout ends, and how: with an answer where a request has begun, silently where none has."""

import asyncio

import pytest

from kito import Timeouts

from .answers import read_answer, read_answers
from .rig import serving

KIB = 1024  # bytes
REQUEST = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n"
LINGER = 1 + 1  # ticks that a closing connection discards input, and the one under way
TIMEOUTS = Timeouts(head=3, body=4, body_rate=0, keep_alive=5, write=6, handler=7)


@pytest.fixture
def rig(app):
    app.get("/", lambda res: res.send("x"))
    app.post("/", lambda req, res: res.send(req.body))
    with serving(app, timeouts=TIMEOUTS) as rig:
        yield rig


# === a request that does not arrive ===


def test_a_client_that_says_nothing_is_closed_without_a_word(rig, peer):
    rig.tick(3)
    assert not peer.gone
    rig.tick()
    assert peer.gone
    assert peer.transport.calls == []
    assert peer.transport.closed_by == "close"


@pytest.mark.parametrize("begun", [b"G", b"GET", REQUEST[:20], REQUEST[:-1]])
def test_a_head_that_does_not_end_is_answered_with_408(rig, peer, begun):
    peer.send(begun)
    rig.tick(3)
    assert peer.received == b""
    rig.tick()
    answer = read_answer(peer.received)
    assert answer.status == 408
    assert answer.get(b"connection") == b"close"
    assert peer.end == "fin"


def test_the_time_for_a_head_is_a_total(rig, peer):
    for byte in REQUEST[:4]:
        peer.send(bytes([byte]))
        rig.tick()
    assert read_answer(peer.received).status == 408


def test_the_time_for_a_later_head_begins_with_its_first_byte(rig, peer):
    peer.send(REQUEST)
    rig.tick(4)
    peer.send(REQUEST[:5])
    rig.tick(3)
    assert peer.end is None
    rig.tick()
    assert [answer.status for answer in read_answers(peer.received)] == [200, 408]


def test_each_head_has_its_own_time_however_the_reads_cut_it(rig, peer):
    peer.send(REQUEST[:7])
    for _ in range(10):
        rig.tick(2)
        assert read_answer(peer.send(REQUEST[7:] + REQUEST[:7])).status == 200
    rig.tick(4)
    assert read_answer(peer.take()).status == 408


def test_the_time_for_a_head_behind_an_answer_begins_with_the_answer(app, rig, peer):
    responses = []
    app.get("/later", lambda res: responses.append(res.stream()))
    peer.send(b"GET /later HTTP/1.1\r\nhost: x\r\n\r\n" + REQUEST[:5])
    rig.tick(50)
    rig.call(responses[0].end)
    rig.tick(3)
    assert peer.end is None
    rig.tick()
    assert [answer.status for answer in read_answers(peer.received)] == [200, 408]


@pytest.mark.parametrize("blank", [b"\r\n", b"\r\n\r\n", b"\n"])
def test_blank_lines_buy_no_time(rig, peer, blank):
    for _ in range(4):
        peer.send(blank)
        rig.tick()
    assert peer.end == "fin"
    kept = rig.connect()
    kept.send(REQUEST)
    for _ in range(6):
        kept.send(blank)
        rig.tick()
    assert kept.end == "fin"


def test_a_body_that_stops_is_answered_with_408(rig, peer):
    peer.send(POST + b"12")
    rig.tick(4)
    assert peer.received == b""
    rig.tick()
    answer = read_answer(peer.received)
    assert answer.status == 408
    assert peer.end == "fin"


def test_each_piece_of_a_body_has_its_own_time(rig, peer):
    peer.send(POST)
    for byte in b"1234":
        rig.tick(4)
        peer.send(bytes([byte]))
    rig.tick(4)
    assert read_answer(peer.send(b"5")).body == b"12345"


@pytest.mark.parametrize(("rate", "served"), [(99, True), (100, True), (102, False)])
def test_a_body_has_a_rate_on_average_after_a_while(app, rate, served):
    app.post("/", lambda req, res: res.send(str(len(req.body))))
    with serving(app, timeouts=Timeouts(body=100, body_rate=rate, body_rate_after=5), tick_s=0.5) as rig:
        peer = rig.connect()
        peer.send(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2000\r\n\r\n")
        for _ in range(20):
            rig.tick()
            peer.send(b"x" * 50)  # in each half second
        if served:
            assert peer.received == b""
            assert read_answer(peer.send(b"x" * 1000)).body == b"2000"
        else:
            assert read_answer(peer.received).status == 408
            assert peer.end == "fin"


def test_a_body_that_starts_slowly_may_catch_up(app):
    app.post("/", lambda req, res: res.send(str(len(req.body))))
    with serving(app, timeouts=Timeouts(body=100, body_rate=100, body_rate_after=10)) as rig:
        peer = rig.connect()
        peer.send(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5000\r\n\r\n")
        rig.tick(10)
        peer.send(b"x")
        rig.tick(10)
        assert read_answer(peer.send(b"x" * 4999)).body == b"5000"


# === between requests ===


def test_an_idle_connection_is_closed_after_keep_alive(rig, peer):
    for _ in range(3):
        peer.send(REQUEST)
        rig.tick(5)
        assert peer.end is None
    rig.tick()
    assert peer.gone
    assert peer.transport.closed_by == "close"
    assert [answer.status for answer in read_answers(peer.received)] == [200] * 3


def test_no_keep_alive_means_one_request_a_connection(app):
    app.get("/", lambda res: res.send("x"))
    app.get("/stream", lambda res: res.stream().end("x"))
    with serving(app, timeouts=Timeouts(keep_alive=0)) as rig:
        for path in (b"/", b"/stream"):
            peer = rig.connect()
            answer = read_answer(peer.send(b"GET %s HTTP/1.1\r\nhost: x\r\n\r\n" % path))
            assert answer.get(b"connection") == b"close"
            assert answer.body == b"x"
            assert peer.end == "fin"


# === a handler that takes its time ===


def waiting_handler(app, path="/wait"):
    """Register a handler that waits for the future that is put into the returned list."""
    futures, ends = [], []

    @app.get(path)
    async def handler(res):
        futures.append(asyncio.get_running_loop().create_future())
        try:
            return await futures[-1]
        except asyncio.CancelledError as error:
            ends.append(error)
            raise

    return futures, ends


WAIT = b"GET /wait HTTP/1.1\r\nhost: x\r\n\r\n"


def test_a_handler_that_does_not_answer_is_cancelled_and_answered_for(app, rig, peer):
    futures, ends = waiting_handler(app)
    peer.send(WAIT)
    rig.tick(7)
    assert peer.received == b""
    assert not futures[0].cancelled()
    rig.tick()
    answer = read_answer(peer.received)
    assert answer.status == 503
    assert answer.get(b"connection") == b"close"
    assert len(ends) == 1
    rig.tick(LINGER)
    assert peer.gone


@pytest.mark.parametrize(("timeout", "ticks"), [(2, 2), (9.5, 10), (None, 200)])
def test_a_route_may_have_its_own_time(app, rig, peer, timeout, ticks):
    app.get("/own", rig.future, timeout=timeout)
    app.get("/stream", lambda res: streams.append(res.stream()), timeout=timeout)
    streams = []
    peer.send(b"GET /own HTTP/1.1\r\nhost: x\r\n\r\n")
    other = rig.connect()
    other.send(b"GET /stream HTTP/1.1\r\nhost: x\r\n\r\n")
    rig.tick(ticks)
    assert peer.received == b""
    rig.tick()
    if timeout is not None:
        assert read_answer(peer.received).status == 503
    assert not streams[0].closed


def test_a_handler_that_will_not_be_cancelled_answers_nobody(app, rig, peer):
    answers = []

    @app.get("/wait")
    async def handler(res):
        try:
            await rig.future()
        except asyncio.CancelledError:
            res.send("too late")  # a LocalProtocolError: the answer has been given
        finally:
            answers.append(res.headers_sent)

    peer.send(WAIT)
    rig.tick(8)
    assert read_answer(peer.received).status == 503
    assert answers == [True]
    rig.log.take("failed after")


def test_an_open_stream_is_an_answer(app, rig, peer):
    streams = []
    app.get("/wait", lambda res: streams.append(res.stream()))
    peer.send(WAIT)
    rig.tick(100)
    rig.call(streams[0].end, "done")
    assert read_answer(peer.received).body == b"done"
    assert peer.end is None


def test_without_a_timeout_a_handler_takes_as_long_as_it_likes(app):
    futures, _ = waiting_handler(app)
    with serving(app, timeouts=Timeouts(head=1, body=1, keep_alive=1, write=1)) as rig:
        peer = rig.connect()
        peer.send(WAIT)
        rig.tick(1000)
        rig.call(futures[0].set_result, "done")
        assert read_answer(peer.received).body == b"done"

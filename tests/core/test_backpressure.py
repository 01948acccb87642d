"""Slow readers: awaited writes wait for them, writes that nobody awaits are bounded."""

import pytest

from kito import Event, Limits
from kito.errors import ConnectionClosed

from .rig import serving

KIB = 1024  # bytes
MIB = 1024 * KIB
REQUEST = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
LIMITS = Limits(high_water=20 * KIB, max_backlog=80 * KIB)
CORK = 64 * KIB  # output of one turn that leaves before the turn ends
LOW = LIMITS.high_water // 4  # where asyncio's transports resume


@pytest.fixture
def rig(app):
    with serving(app, LIMITS) as rig:
        yield rig


@pytest.fixture
def stream(app, peer):
    """An open stream to `peer`, whose head has been read."""
    streams = []
    app.get("/", lambda res: streams.append(res.stream()))
    peer.send(REQUEST)
    return streams[0]


class Producer:
    """A task that awaits an awaitable; `outcome` is None until it has gone on."""

    def __init__(self, rig, awaitable):
        self.outcome = None
        self.task = rig.call(rig.loop.create_task, self._wait(awaitable))

    async def _wait(self, awaitable):
        try:
            self.outcome = ("done", await awaitable)
        except ConnectionClosed as error:
            self.outcome = ("closed", error)


def fall_behind(rig, peer, stream):
    """Put the client more than `high_water` behind; returns the last write's awaitable."""
    peer.stall()
    rig.call(stream.write, bytes(LIMITS.high_water))
    return rig.call(stream.write, b"x")


def test_the_high_water_mark_is_the_transports(peer):
    assert peer.transport.high == LIMITS.high_water


def test_every_write_below_high_water_returns_the_same_ready_object(app, rig, stream):
    writers = []
    app.get("/sse", lambda res: writers.append(res.sse()))
    rig.connect().send(b"GET /sse HTTP/1.1\r\nhost: x\r\n\r\n")
    ready = rig.call(stream.write, b"x")
    assert rig.call(stream.write, bytes(20000)) is ready
    assert rig.call(stream.writelines, ["a", "b"]) is ready
    for send in (writers[0].send, writers[0].send_json, writers[0].comment):
        assert rig.call(send, "x") is ready
    assert rig.call(writers[0].send, Event("x")) is ready
    assert rig.call(writers[0].close) is ready
    assert rig.call(stream.end, b"x") is ready


def test_awaiting_a_ready_write_takes_no_turn_of_the_loop(rig, stream):
    waiting = rig.call(stream.write, b"x").__await__()
    with pytest.raises(StopIteration):
        next(waiting)


def test_a_write_awaited_over_high_water_waits_for_the_low_water_mark(rig, peer, stream):
    producer = Producer(rig, fall_behind(rig, peer, stream))
    assert producer.outcome is None
    waiting = peer.transport.get_write_buffer_size()
    peer.read(waiting - LOW - 1)
    assert producer.outcome is None
    peer.read(1)
    assert producer.outcome == ("done", None)


def test_all_who_wait_go_on(rig, peer, stream):
    producers = [Producer(rig, fall_behind(rig, peer, stream)) for _ in range(3)]
    producers[1].task.cancel()
    peer.read()
    assert [producer.outcome for producer in producers] == [("done", None), None, ("done", None)]
    assert producers[1].task.cancelled()


def test_an_awaitable_of_a_write_that_has_drained_meanwhile_is_ready(rig, peer, stream):
    drain = fall_behind(rig, peer, stream)
    peer.read()
    assert Producer(rig, drain).outcome == ("done", None)


def test_who_awaits_is_told_that_the_client_has_left(rig, peer, stream):
    drain = fall_behind(rig, peer, stream)
    waiting = Producer(rig, drain)
    peer.leave(ConnectionResetError())
    assert waiting.outcome[0] == "closed"
    assert Producer(rig, drain).outcome[0] == "closed"
    assert Producer(rig, rig.call(stream.write, b"x")).outcome[0] == "closed"
    assert Producer(rig, rig.call(stream.write, b"")).outcome[0] == "closed"


def test_who_does_not_await_is_not_disturbed_by_a_client_that_has_left(rig, peer, stream):
    peer.leave()
    assert stream.closed
    received = peer.received
    for _ in range(3):
        rig.call(stream.write, b"x" * 100000)
    rig.call(stream.end, b"last")
    assert peer.received == received
    assert stream.bytes_sent == 0


def test_a_producer_that_awaits_holds_no_more_than_high_water_and_what_one_turn_corks(app, rig, peer):
    @app.get("/")
    async def handler(res):
        stream = res.stream()
        while True:
            await stream.write(bytes(KIB))

    peer.stall()
    peer.send(REQUEST)
    bound = LIMITS.high_water + CORK + 2 * KIB
    assert LIMITS.high_water < peer.transport.get_write_buffer_size() < bound
    for _ in range(5):
        before = len(peer.received)
        peer.read()
        assert len(peer.received) > before
        assert peer.transport.get_write_buffer_size() < bound
    assert peer.end is None


def test_a_producer_that_never_has_to_wait_gives_the_loop_its_turn(app, rig, peer):
    """A client that takes everything at once must not have the loop alone."""
    written = []
    turns = []

    @app.get("/")
    async def handler(res):
        stream = res.stream()
        while len(turns) < 3 and len(written) < 10_000:
            await stream.write(bytes(KIB))
            written.append(KIB)
        stream.end()

    def turn():
        turns.append(len(written))
        if len(turns) < 3:
            rig.loop.call_soon(turn)

    rig.loop.call_soon(peer.transport.deliver, REQUEST)
    rig.loop.call_soon(turn)
    rig.loop.settle()
    assert len(turns) == 3
    assert sum(written) < 4 * MIB


def test_a_producer_that_never_awaits_is_cut_off_at_max_backlog(rig, peer, stream):
    ends = []
    stream.on_close(ends.append)
    peer.stall()
    written = 0
    while not stream.closed:
        rig.call(stream.write, bytes(KIB))
        written += KIB
        assert peer.transport.get_write_buffer_size() <= LIMITS.max_backlog + 2 * KIB
        assert written < 2 * LIMITS.max_backlog
    assert written > LIMITS.max_backlog
    assert [end.reason for end in ends] == ["overflow"]
    assert peer.transport.closed_by == "abort"
    assert peer.gone
    assert rig.state.tally.snapshot()["ends"] == {"overflow": 1}
    rig.log.take("behind")


def test_a_turn_that_never_ends_piles_up_no_more(rig, peer, stream):
    peer.stall()

    def flood():
        for number in range(1000):
            if stream.closed:
                return number
            stream.write(bytes(KIB))
        return None

    written = rig.call(flood) * KIB
    assert LIMITS.max_backlog < written <= LIMITS.max_backlog + 3 * CORK
    assert peer.gone
    rig.log.take("behind")


def test_a_large_whole_answer_is_not_a_backlog(app, rig, peer):
    body = bytes(5 * LIMITS.max_backlog)
    app.get("/large", lambda res: res.send(body))
    peer.stall()
    peer.send(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n")
    assert peer.end is None
    assert peer.read().endswith(body)
    assert not peer.gone


def test_one_large_awaited_write_is_not_a_backlog(rig, peer, stream):
    peer.stall()
    producer = Producer(rig, rig.call(stream.write, bytes(5 * LIMITS.max_backlog)))
    assert producer.outcome is None
    assert len(peer.read()) > 5 * LIMITS.max_backlog
    assert producer.outcome == ("done", None)


def test_a_client_behind_by_less_than_max_backlog_is_served(rig, peer, stream):
    peer.stall()
    for _ in range(LIMITS.max_backlog // KIB - 2):
        rig.call(stream.write, bytes(KIB - 7))
    rig.call(stream.end)
    assert peer.end is None
    assert peer.read().endswith(b"0\r\n\r\n")
    assert not peer.gone

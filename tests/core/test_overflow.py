"""Policies for readers that fall behind: whom a full backlog concerns, what is dropped, and what the client is told."""

import json

import pytest

from kito import Event, Limits
from kito.errors import BacklogExceeded

from .answers import read_answer
from .event_stream import EventSource
from .rig import serving

KIB = 1024  # bytes
LIMITS = Limits(high_water=20 * KIB, max_backlog=80 * KIB)
REQUEST = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
PAD = "x" * 500
CORK = 64 * KIB  # output of one turn that leaves before the turn ends


@pytest.fixture
def rig(app):
    with serving(app, LIMITS) as rig:
        yield rig


class Reader:
    """A client of a stream: `writer` is what the handler has, `rig` turns the loop for it."""

    def __init__(self, app, rig, kind, **options):
        writers = []
        app.get("/", lambda res: writers.append(getattr(res, kind)(**options)))
        self.rig, self.peer = rig, rig.connect()
        self.head = self.peer.send(REQUEST)
        self.writer = writers[0]
        self.ends = []
        self.writer.on_close(self.ends.append)

    def fall_behind(self):
        """Stop to read, more than the high-water mark behind."""
        self.peer.stall()
        self.rig.call(self.writer.write, b": " + b"." * (self.peer.transport.high + 1) + b"\n\n")
        assert self.peer.transport.paused

    def events(self):
        """What the client makes of all that it has read; the body need not be whole."""
        return EventSource().read(read_answer(self.peer.received).body).events


def numbers(events):
    return [json.loads(event.data)["n"] for event in events if event.type == "message"]


def gaps(events):
    return [json.loads(event.data)["dropped"] for event in events if event.type == "gap"]


# === raise ===


@pytest.mark.parametrize("kind", ["stream", "sse"])
def test_raise_tells_the_producer_and_queues_nothing(app, rig, kind):
    reader = Reader(app, rig, kind, overflow="raise")
    put = reader.writer.write if kind == "stream" else reader.writer.send
    reader.peer.stall()
    sent = 0
    while reader.peer.transport.get_write_buffer_size() <= LIMITS.max_backlog:
        rig.call(put, "x" * KIB)
        sent += KIB
    assert sent > LIMITS.max_backlog - 2 * KIB
    with pytest.raises(BacklogExceeded, match=r"bytes behind, more than max_backlog=81920"):
        rig.call(put, "more")
    before = reader.writer.bytes_sent, reader.peer.transport.get_write_buffer_size()
    with pytest.raises(BacklogExceeded):
        rig.call(put, "more")
    assert (reader.writer.bytes_sent, reader.peer.transport.get_write_buffer_size()) == before
    assert not reader.writer.closed
    reader.peer.read()
    rig.call(put, "again")
    rig.call(reader.writer.end)
    assert [end.reason for end in reader.ends] == ["ended"]
    assert reader.peer.read().endswith(b"0\r\n\r\n")


def test_raise_counts_what_this_turn_has_written(app, rig):
    reader = Reader(app, rig, "stream", overflow="raise")
    reader.peer.stall()

    def flood():
        for number in range(1000):
            try:
                reader.writer.write(bytes(KIB))
            except BacklogExceeded:
                return number
        return None

    written = rig.call(flood) * KIB
    assert LIMITS.max_backlog <= written <= LIMITS.max_backlog + CORK + KIB


def test_raise_reaches_every_kind_of_event(app, rig):
    reader = Reader(app, rig, "sse", overflow="raise", max_backlog=21 * KIB)
    reader.peer.stall()
    rig.call(reader.writer.send, "x" * 30 * KIB)
    for call in (
        lambda: reader.writer.send("x"),
        lambda: reader.writer.send_json("x"),
        lambda: reader.writer.send(Event("x")),
        lambda: reader.writer.comment("x"),
    ):
        with pytest.raises(BacklogExceeded):
            rig.call(call)


# === drop_oldest, latest ===


def test_the_oldest_events_are_dropped_and_the_gap_is_told(app, rig):
    reader = Reader(app, rig, "sse", overflow="drop_oldest", max_backlog=20 * KIB)
    rig.call(reader.writer.send, {"n": -1})
    reader.fall_behind()
    for number in range(100):
        rig.call(reader.writer.send, {"n": number, "pad": PAD})
        assert reader.peer.transport.get_write_buffer_size() < 21 * KIB + CORK
    assert 50 < reader.writer.dropped < 80
    reader.peer.read()
    rig.call(reader.writer.send, {"n": 100})
    rig.call(reader.writer.close)
    reader.peer.read()
    events = reader.events()
    dropped = reader.writer.dropped
    assert numbers(events) == [-1, *range(dropped, 101)]
    assert [event.type for event in events[:3]] == ["message", "gap", "message"]
    assert gaps(events) == [dropped]
    assert reader.ends[0].dropped == dropped == rig.state.tally.snapshot()["dropped"]
    assert reader.ends[0].events_sent == rig.state.tally.snapshot()["events"] == 102 - dropped


def test_only_the_latest_is_kept(app, rig):
    reader = Reader(app, rig, "sse", overflow="latest")
    reader.fall_behind()
    for number in range(50):
        rig.call(reader.writer.send, {"n": number})
    reader.peer.read()
    assert reader.writer.dropped == 49
    for number in range(50, 53):
        rig.call(reader.writer.send, {"n": number})
    reader.peer.read()
    rig.call(reader.writer.close)
    reader.peer.read()
    assert numbers(reader.events()) == [49, 50, 51, 52]
    assert gaps(reader.events()) == [49]


def test_each_gap_is_told_where_it_is(app, rig):
    reader = Reader(app, rig, "sse", overflow="latest")
    for _ in range(3):
        reader.fall_behind()
        for number in range(5):
            rig.call(reader.writer.send, {"n": number})
        reader.peer.read()
    rig.call(reader.writer.close)
    reader.peer.read()
    assert [event.type for event in reader.events()] == ["gap", "message"] * 3
    assert gaps(reader.events()) == [4, 4, 4]


def test_a_reader_that_catches_up_bit_by_bit_gets_what_is_kept_bit_by_bit(app, rig):
    """What is kept stays where it can be dropped until the transport takes it."""
    reader = Reader(app, rig, "sse", overflow="drop_oldest")
    reader.fall_behind()
    for number in range(140):
        rig.call(reader.writer.send, {"n": number, "pad": PAD})
    assert reader.writer.dropped == 0
    most = 0
    while reader.peer.transport.get_write_buffer_size():
        reader.peer.read(10 * KIB)
        most = max(most, reader.peer.transport.get_write_buffer_size())
    assert most < LIMITS.high_water + CORK + 2 * KIB
    rig.call(reader.writer.close)
    reader.peer.read()
    assert numbers(reader.events()) == list(range(140))
    assert gaps(reader.events()) == []


def test_one_event_over_the_bound_is_kept_alone(app, rig):
    reader = Reader(app, rig, "sse", overflow="drop_oldest", max_backlog=20 * KIB)
    reader.fall_behind()
    rig.call(reader.writer.send, {"n": 0})
    rig.call(reader.writer.send, {"n": 1, "pad": "x" * 50 * KIB})
    reader.peer.read()
    rig.call(reader.writer.close)
    reader.peer.read()
    assert numbers(reader.events()) == [1]


def test_closing_sends_what_is_kept(app, rig):
    reader = Reader(app, rig, "sse", overflow="drop_oldest")
    reader.fall_behind()
    for number in range(100):
        rig.call(reader.writer.send, {"n": number, "pad": PAD})
    rig.call(reader.writer.close)
    reader.peer.read()
    assert numbers(reader.events()) == list(range(100))
    assert read_answer(reader.peer.received).whole


def test_every_kind_of_event_waits_in_order_and_comments_do_not(app, rig):
    reader = Reader(app, rig, "sse", overflow="drop_oldest")
    reader.fall_behind()
    rig.call(reader.writer.send, "text")
    rig.call(reader.writer.send, Event("shared", id=1))
    rig.call(reader.writer.comment, "nobody reads this")
    rig.call(reader.writer.send_json, "json")
    reader.peer.read()
    rig.call(reader.writer.close)
    reader.peer.read()
    assert [event.data for event in reader.events()] == ["text", "shared", '"json"']
    assert b"nobody" not in reader.peer.received


def test_a_client_that_leaves_takes_what_is_kept_with_it(app, rig):
    reader = Reader(app, rig, "sse", overflow="latest")
    reader.fall_behind()
    for number in range(5):
        rig.call(reader.writer.send, {"n": number})
    reader.peer.leave()
    assert (reader.ends[0].reason, reader.ends[0].dropped) == ("client_left", 4)
    assert reader.writer.dropped == 4
    rig.call(reader.writer.send, "nobody")


def test_awaiting_still_waits(app, rig):
    """Who awaits drops nothing: the policy is for those who do not."""
    reader = Reader(app, rig, "sse", overflow="latest")
    reader.fall_behind()
    done = []

    async def produce():
        for number in range(3):
            await reader.writer.send({"n": number})
            done.append(number)

    task = rig.call(rig.loop.create_task, produce())
    assert done == []
    reader.peer.read()
    assert task.done()
    assert reader.writer.dropped == 0


# === bounds of one stream ===


def test_a_stream_has_bounds_of_its_own_and_the_next_answer_has_not(app, rig):
    reader = Reader(app, rig, "stream", high_water=4 * KIB, max_backlog=8 * KIB)
    assert reader.peer.transport.high == 4 * KIB
    rig.call(reader.writer.end)
    assert reader.peer.transport.high == LIMITS.high_water
    app.get("/next", lambda res: nexts.append(res.stream()))
    nexts = []
    reader.peer.send(b"GET /next HTTP/1.1\r\nhost: x\r\n\r\n")
    reader.peer.stall()
    for _ in range(60):
        rig.call(nexts[0].write, bytes(KIB))
    assert not nexts[0].closed


def test_a_small_backlog_of_its_own_disconnects(app, rig):
    reader = Reader(app, rig, "stream", max_backlog=8 * KIB)
    reader.peer.stall()
    for _ in range(10):
        rig.call(reader.writer.write, bytes(KIB))
    assert [end.reason for end in reader.ends] == ["overflow"]
    rig.log.take("behind")


def test_one_bound_brings_the_other_along(app, rig):
    assert Reader(app, rig, "stream", max_backlog=8 * KIB).peer.transport.high == 8 * KIB


def test_a_large_high_water_brings_the_backlog_along(app, rig):
    reader = Reader(app, rig, "stream", high_water=200 * KIB)
    reader.peer.stall()
    rig.call(reader.writer.write, bytes(190 * KIB))
    rig.call(reader.writer.write, b"x")
    rig.call(reader.writer.write, b"x")
    assert not reader.writer.closed


@pytest.mark.parametrize(
    ("kind", "options", "error", "words"),
    [
        ("stream", {"overflow": "drop_oldest"}, ValueError, "only events can be dropped, see res.sse"),
        ("stream", {"overflow": "latest"}, ValueError, "only events can be dropped"),
        ("sse", {"overflow": "newest"}, ValueError, "disconnect, raise, drop_oldest, latest, not 'newest'"),
        ("sse", {"overflaw": "raise"}, TypeError, "did you mean overflow"),
        ("stream", {"whatever_else": 1}, TypeError, "known are high_water"),
        ("stream", {"high_water": 0}, ValueError, "from 1 to"),
        ("stream", {"max_backlog": 2.5}, ValueError, "max_backlog is a whole number of bytes"),
        ("stream", {"high_water": 9, "max_backlog": 8}, ValueError, "raise max_backlog too"),
        ("stream", {"coalesce": -1}, ValueError, "coalesce is a number of seconds"),
        ("stream", {"coalesce": "1"}, ValueError, "coalesce is a number of seconds"),
        ("sse", {"max_age": float("nan")}, ValueError, "max_age is a number of seconds"),
    ],
)
def test_wrong_options_are_told_before_the_head(app, rig, peer, kind, options, error, words):
    def handler(res):
        with pytest.raises(error, match=words):
            getattr(res, kind)(**options)
        res.text("still free to answer")

    app.get("/", handler)
    assert read_answer(peer.send(REQUEST)).body == b"still free to answer"

"""A stream's age: it ends cleanly when its time is over, its producer is told, and the connection goes on."""

import pytest

from .answers import read_answer, read_answers

REQUEST = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
AGE = 10  # seconds, and ticks
SPREAD = 1  # a tenth of it


@pytest.mark.parametrize("kind", ["stream", "sse"])
def test_a_stream_ends_cleanly_at_its_age(app, rig, peer, kind):
    ends, outcomes = [], []

    @app.get("/")
    async def handler(res):
        writer = getattr(res, kind)(max_age=AGE)
        writer.on_close(ends.append)
        writer.write("data: x\n\n")
        try:
            await rig.future()
        finally:
            outcomes.append(writer.closed)

    app.get("/next", lambda: "next")
    peer.send(REQUEST)
    rig.tick(AGE - SPREAD)
    assert ends == []
    rig.tick(2 * SPREAD + 1)
    assert [end.reason for end in ends] == ["max_age"]
    assert outcomes == [True]
    assert rig.state.tally.snapshot()["ends"] == {"max_age": 1}
    assert read_answer(peer.received).whole
    peer.send(b"GET /next HTTP/1.1\r\nhost: x\r\n\r\n")
    assert [answer.body for answer in read_answers(peer.received)] == [b"data: x\n\n", b"next"]


def test_ages_are_spread(app, rig):
    ages, kept = [], []
    app.get("/", lambda res: kept.append(res.sse(max_age=100, heartbeat=0)))
    for _ in range(40):
        rig.connect().send(REQUEST)
    for writer in kept:
        writer.on_close(lambda end: ages.append(rig.state.clock.tick))
    rig.tick(89)
    assert ages == []
    rig.tick(23)
    assert len(ages) == 40
    assert len(set(ages)) > 5


def test_a_writer_of_an_ended_stream_is_told(app, rig, peer):
    streams = []
    app.get("/", lambda res: streams.append(res.stream(max_age=1)))
    peer.send(REQUEST)
    rig.tick(4)
    assert streams[0].closed
    rig.call(streams[0].write, "nobody")
    rig.call(streams[0].end)
    assert read_answer(peer.received).body == b""


def test_what_is_gathered_leaves_with_the_age(app, rig, peer):
    streams = []
    app.get("/", lambda res: streams.append(res.stream(max_age=1, coalesce=9)))
    peer.send(REQUEST)
    rig.call(streams[0].write, "text")
    rig.tick(4)
    assert read_answer(peer.received).body == b"text"


def test_a_declared_length_that_is_not_filled_is_no_clean_end(app, rig, peer):
    streams = []
    app.get("/", lambda res: streams.append(res.header("content-length", 9).stream(max_age=1)))
    peer.send(REQUEST)
    rig.call(streams[0].write, "half")
    rig.tick(4)
    assert not read_answer(peer.received).whole
    assert peer.end == "fin"


def test_an_ended_stream_has_no_age(app, rig, peer):
    app.get("/", lambda res: res.stream(max_age=1).end("x"))
    peer.send(REQUEST)
    rig.tick(4)
    assert rig.state.tally.snapshot()["ends"] == {"ended": 1}
    assert peer.end is None

"""Clients that read slowly: progress is all that is asked of them, and the last answer still arrives."""

import pytest

from kito import Timeouts

from .answers import read_answer, read_answers
from .rig import serving

KIB = 1024  # bytes
REQUEST = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
LINGER = 1 + 1  # ticks that a closing connection discards input, and the one under way
TIMEOUTS = Timeouts(head=3, body=4, body_rate=0, keep_alive=5, write=6)


@pytest.fixture
def rig(app):
    app.get("/", lambda res: res.send("x"))
    app.post("/", lambda req, res: res.send(req.body))
    with serving(app, timeouts=TIMEOUTS) as rig:
        yield rig


@pytest.fixture
def stalled(app, rig, peer):
    """A client that is over the high-water mark of a stream, and reads no more; returns the stream."""
    streams = []
    app.get("/stream", lambda res: streams.append(res.stream()))
    peer.send(b"GET /stream HTTP/1.1\r\nhost: x\r\n\r\n")
    peer.stall()
    rig.call(streams[0].write, bytes(100 * KIB))
    assert peer.transport.paused
    return streams[0]


def test_a_client_that_takes_nothing_is_dropped(rig, peer, stalled):
    ends = []
    stalled.on_close(ends.append)
    rig.tick(6)
    assert not peer.gone
    rig.tick()
    assert peer.gone
    assert peer.transport.closed_by == "abort"
    assert [end.reason for end in ends] == ["timeout"]
    assert rig.state.tally.snapshot()["ends"] == {"timeout": 1}


def test_a_client_that_takes_something_in_time_is_served(rig, peer, stalled):
    for _ in range(10):
        rig.tick(6)
        peer.read(KIB)
    assert peer.transport.paused
    rig.tick(6)
    assert peer.end is None
    rig.tick(6)  # progress is looked at once in each `write` seconds
    assert peer.gone


def test_writing_on_does_not_make_a_client_look_alive(rig, peer, stalled):
    for _ in range(7):
        rig.call(stalled.write, b"more")
        rig.tick()
    assert peer.gone


def test_a_client_that_catches_up_has_no_deadline(rig, peer, stalled):
    peer.read()
    rig.tick(100)
    assert peer.end is None
    rig.call(stalled.end)
    assert peer.take() == b""  # it is stalled again, and below high water
    assert peer.read() == b"0\r\n\r\n"


@pytest.mark.parametrize("http", [b"1.0", b"1.1"])
def test_the_last_answer_may_be_read_slowly(app, rig, peer, http):
    body = bytes(300 * KIB)
    app.get("/large", lambda res: res.send(body))
    peer.stall()
    peer.send(b"GET /large HTTP/%s\r\nhost: x\r\nconnection: close\r\n\r\n" % http)
    while peer.transport.get_write_buffer_size():
        rig.tick(5)
        assert not peer.gone
        peer.read(50 * KIB)
    assert read_answer(peer.received).body == body
    assert peer.end == "fin"


def test_the_last_answer_is_not_kept_for_a_client_that_takes_nothing(app, rig, peer):
    app.get("/large", lambda res: res.send(bytes(300 * KIB)))
    peer.stall()
    peer.send(b"GET /large HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    rig.tick(6 + 1)
    assert peer.gone
    assert peer.transport.closed_by == "abort"


def test_a_client_that_reads_one_big_answer_slowly_is_not_idle(app, rig, peer):
    app.get("/large", lambda res: res.send(bytes(300 * KIB)))
    peer.stall()
    peer.send(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n", REQUEST)
    while peer.transport.get_write_buffer_size():
        rig.tick(4)
        peer.read(30 * KIB)
    peer.transport.stalled = False
    rig.tick(4)
    assert peer.end is None
    peer.send(REQUEST)
    peer.read()
    assert [answer.status for answer in read_answers(peer.received)] == [200] * 3


@pytest.mark.parametrize("begun", [REQUEST[:9], b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n12"])
def test_what_waits_because_of_us_is_not_late(app, rig, peer, begun):
    """Behind a big answer that is read slowly, input is held: its own deadlines do not run."""
    app.get("/large", lambda res: res.send(bytes(300 * KIB)))
    peer.stall()
    peer.send(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n" + begun)
    peer.send(REQUEST[9:] if begun == REQUEST[:9] else b"345")
    while peer.transport.get_write_buffer_size():
        rig.tick(4)
        peer.read(30 * KIB)
    peer.transport.stalled = False
    rig.tick(2)
    assert [answer.status for answer in read_answers(peer.received)] == [200, 200]


# === closing in stages ===


def test_input_behind_a_refusal_is_discarded_for_a_while(rig, peer):
    assert read_answer(peer.send(b"NONSENSE / HTTP/1.1\r\n\r\n")).status == 501
    assert peer.end == "fin"
    assert peer.transport.closed_by is None  # only the write side is shut
    assert peer.send(b"x" * 100000, REQUEST) == b""
    rig.tick(LINGER)
    assert peer.gone


def test_a_client_that_has_read_a_refusal_ends_the_wait(rig, peer):
    peer.send(b"NONSENSE / HTTP/1.1\r\n\r\n")
    peer.send_eof()
    assert peer.gone
    assert peer.transport.closed_by == "close"


def test_a_slow_reader_of_the_last_answer_has_time_to_finish_sending(app, rig, peer):
    streams = []
    app.get("/large", lambda res: streams.append(res.header("connection", "close").stream()))
    peer.send(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n", REQUEST)
    peer.stall()
    rig.call(streams[0].end, bytes(100 * KIB))
    rig.tick(6)
    peer.read()
    assert peer.end == "fin"
    rig.tick()
    assert not peer.gone  # it may not have noticed yet: a reset now would destroy what it has not read
    rig.tick(LINGER)
    assert peer.gone

"""Heartbeats: a quiet event stream gets a comment, so that proxies keep it and dead clients are noticed."""

import pytest

from .answers import read_answer

KIB = 1024  # bytes
BEAT = b"3\r\n:\n\n\r\n"


def open_events(app, rig, peer, **options):
    writers = []
    app.get("/sse", lambda res: writers.append(res.sse(**options)))
    peer.send(b"GET /sse HTTP/1.1\r\nhost: x\r\n\r\n")
    return writers[0]


def test_a_quiet_event_stream_gets_a_comment_each_heartbeat(app, rig, peer):
    sse = open_events(app, rig, peer, heartbeat=10)
    rig.tick(10)
    assert peer.take() == b""
    rig.tick()
    assert peer.take() == BEAT
    for _ in range(5):
        rig.tick(9)
        assert peer.take() == b""
        rig.tick()
        assert peer.take() == BEAT
    assert sse.events_sent == 0


def test_only_silence_is_answered_with_a_comment(app, rig, peer):
    sse = open_events(app, rig, peer, heartbeat=4)
    for _ in range(30):
        rig.tick()
        rig.call(sse.send, "x")
    assert BEAT not in peer.take()
    rig.tick(4)  # the tick of the last event was partly over: never early
    assert peer.take() == b""
    rig.tick()
    assert peer.take() == BEAT


def test_a_client_that_is_behind_gets_no_comments(app, rig, peer):
    sse = open_events(app, rig, peer, heartbeat=2)
    peer.stall()
    rig.call(sse.send, "x" * (100 * KIB))
    waiting = peer.transport.get_write_buffer_size()
    rig.tick(5)
    assert peer.transport.get_write_buffer_size() == waiting
    peer.transport.stalled = False
    peer.read()
    rig.tick(3)
    assert peer.take() == BEAT


@pytest.mark.parametrize("heartbeat", [0, 0.0])
def test_a_heartbeat_of_zero_is_none(app, rig, peer, heartbeat):
    open_events(app, rig, peer, heartbeat=heartbeat)
    rig.tick(300)
    assert peer.take() == b""


def test_the_default_heartbeat_is_fifteen_seconds(app, rig, peer):
    open_events(app, rig, peer)
    rig.tick(15)
    assert peer.take() == b""
    rig.tick()
    assert peer.take() == BEAT


@pytest.mark.parametrize("how", ["close", "abort", "leave"])
def test_a_stream_that_is_over_has_no_heartbeat(app, rig, peer, how):
    sse = open_events(app, rig, peer, heartbeat=1)
    if how == "leave":
        peer.leave()
    else:
        rig.call(getattr(sse, how))
    peer.take()
    rig.tick(3)
    assert peer.take() == b""


def test_a_plain_stream_has_no_heartbeat(app, rig, peer):
    streams = []
    app.get("/stream", lambda res: streams.append(res.stream()))
    peer.send(b"GET /stream HTTP/1.1\r\nhost: x\r\n\r\n")
    rig.tick(100)
    assert peer.take() == b""


def test_a_stream_of_declared_length_has_no_heartbeat(app, rig, peer):
    writers = []

    @app.get("/sse")
    def handler(res):
        writers.append(res.header("content-length", "15").sse(heartbeat=1))

    peer.send(b"GET /sse HTTP/1.1\r\nhost: x\r\n\r\n")
    rig.tick(5)
    rig.call(writers[0].send, "1234567")
    rig.call(writers[0].close)
    assert read_answer(peer.received).body == b"data: 1234567\n\n"
    assert peer.end is None

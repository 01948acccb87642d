"""Repeated events: a rhythm that ends with its stream, and neither drifts nor piles up."""

import gc

import pytest

REQUEST = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


@pytest.fixture
def sse(app, peer):
    """An open event stream to `peer`."""
    writers = []
    app.get("/", lambda res: writers.append(res.sse()))
    peer.send(REQUEST)
    return writers.pop()


def test_every_calls_in_its_rhythm_until_the_stream_is_over(rig, peer, sse):
    calls = []
    rig.call(sse.every, 2.0, lambda: calls.append(rig.loop.now - 1000))
    for _ in range(10):
        rig.sleep(1)
    assert calls == [2, 4, 6, 8, 10]
    rig.call(sse.close)
    rig.sleep(10)
    assert len(calls) == 5


def test_every_does_not_pile_up_calls_when_the_loop_is_late(rig, sse):
    calls = []
    rig.call(sse.every, 1.0, lambda: calls.append(rig.loop.now - 1000))
    rig.sleep(10.5)
    assert len(calls) <= 2
    rig.sleep(1)
    assert calls[-1] == 11.5


def test_every_can_be_cancelled(rig, sse):
    calls = []
    timer = rig.call(sse.every, 1.0, lambda: calls.append("call"))
    rig.sleep(1)
    for _ in range(2):
        rig.call(timer.cancel)
    rig.sleep(5)
    assert calls == ["call"]


def test_every_keeps_its_stream_open(app, rig, peer):
    @app.get("/")
    def handler(res):
        sse = res.sse()
        sse.every(1.0, lambda: sse.send("tick"))

    peer.send(REQUEST)
    gc.collect()
    rig.sleep(1)
    rig.sleep(1)
    assert peer.received.count(b"tick") == 2
    peer.leave()


def test_a_call_that_fails_is_logged_and_the_rhythm_stays(rig, sse):
    calls = []

    def fail():
        calls.append("call")
        raise RuntimeError("broken")

    rig.call(sse.every, 1.0, fail)
    rig.sleep(1)
    rig.log.take("Exception in callback")
    rig.sleep(1)
    rig.log.take("Exception in callback")
    assert len(calls) == 2


@pytest.mark.parametrize(("seconds", "fn"), [(0, print), (-1, print), (float("nan"), print), (1, None), ("1", print)])
def test_every_takes_a_time_and_a_function(rig, sse, seconds, fn):
    with pytest.raises((ValueError, TypeError)):
        rig.call(sse.every, seconds, fn)

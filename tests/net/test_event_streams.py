"""Event streams as a whole: their head, retry, Last-Event-ID, the end, and the timers of `every`."""

import asyncio

import pytest

from kito import Event, server
from kito.errors import InvalidEvent, ResponseEnded
from tests.net.events import SSE_HEAD, sent


async def test_the_head_keeps_what_the_handler_set(net):
    app = server()

    @app.get("/set")
    def set_before(res):
        res.header("cache-control", "no-store").type("text/event-stream; x=1").header("x-accel-buffering", "yes")
        res.sse().close()

    @app.get("/given")
    def given(res):
        res.sse(headers={"Cache-Control": "no-store", "x-more": "1"}).close()

    async with net.serving(app) as site:
        head = (await site.get("/set")).head
        assert head.get("cache-control") == "no-store"
        assert head.get("x-accel-buffering") == "yes"
        assert head.get("content-type").startswith("text/event-stream; x=1")
        head = (await site.get("/given")).head
        assert head.undated() == {**SSE_HEAD, "cache-control": "no-store", "x-more": "1"}


async def test_retry_is_told_first(net):
    app = server()

    @app.get("/")
    def handler(res):
        sse = res.sse(retry=1500)
        sse.send("x")
        sse.close()

    async with net.serving(app) as site:
        assert (await site.get("/")).chunks == [b"retry: 1500\n\n", b"data: x\n\n"]


async def test_a_wrong_retry_leaves_the_response_open(net):
    app = server()

    @app.get("/")
    def handler(res):
        with pytest.raises(InvalidEvent):
            res.sse(retry=-1)
        with pytest.raises(ValueError, match="heartbeat"):
            res.sse(heartbeat=-1)
        res.send("plain")

    async with net.serving(app) as site:
        assert (await site.get("/")).body == b"plain"


async def test_last_event_id(net):
    app = server()
    seen = []

    @app.get("/")
    def handler(req, res):
        sse = res.sse()
        seen.append((req.last_event_id, sse.last_event_id))
        sse.close()

    async with net.serving(app) as site:
        wire = await site.connect()
        for fields in ((), ("Last-Event-ID: 41",), ("last-event-id: GrÃ¼n",)):  # UTF-8, as bytes of latin-1
            await wire.get("/", *fields)
            await wire.answer()
        await wire.get("/", f"last-event-id: {'x' * 1025}")
        await wire.answer()
    assert seen[:3] == [(None, None), ("41", "41"), ("Grün", "Grün")]
    assert seen[3][1] is None  # longer than anybody's: as if there was none


@pytest.mark.parametrize(
    ("query", "fields", "seen"),
    [
        ("?last_event_id=41", (), "41"),
        ("?lastEventId=41", (), "41"),
        ("?page=2&lastEventId=a%20b+c%E2%82%AC", (), "a b c€"),
        ("?last_event_id=41", ("Last-Event-ID: 42",), "42"),
        ("?last_event_id=41", ("Last-Event-ID: " + "x" * 1025,), None),
        ("?last_event_id=", (), None),
        ("?last_event_id", (), None),
        ("?xlast_event_id=41", (), None),
        ("?last_event_id=" + "x" * 1024, (), "x" * 1024),
        ("?last_event_id=" + "x" * 1025, (), None),
        ("?last_event_id=4%0a1", (), None),
        ("?last_event_id=4%0D1", (), None),
        ("?last_event_id=4%001", (), None),
        ("?last_event_id=%ff", (), "\ufffd"),
    ],
)
async def test_last_event_id_in_the_query(net, query, fields, seen):
    app = server()
    got = []

    @app.get("/")
    def handler(req, res):
        sse = res.sse()
        got.append((req.last_event_id, sse.last_event_id))
        sse.close()

    async with net.serving(app) as site:
        await site.get("/" + query, *fields)
    assert got == [(seen, seen)]


@pytest.mark.parametrize(
    ("arguments", "sent_last"),
    [
        (("bye",), b"data: bye\n\n"),
        (({"done": True}, "complete", 7), b'event: complete\nid: 7\ndata: {"done":true}\n\n'),
        ((None, "complete"), b"event: complete\ndata: \n\n"),
        ((Event("bye", "complete"),), b"event: complete\ndata: bye\n\n"),
    ],
)
async def test_close_may_send_a_last_event(net, arguments, sent_last):
    assert await sent(net, lambda sse: sse.close(*arguments)) == [sent_last]


async def test_a_last_event_that_cannot_be_sent_leaves_the_stream_open(net):
    def write(sse):
        with pytest.raises(InvalidEvent):
            sse.close("x", "a\nb")
        sse.send("still here")
        sse.close("bye")
        with pytest.raises(ResponseEnded):
            sse.close("again")

    assert await sent(net, write) == [b"data: still here\n\n", b"data: bye\n\n"]


async def test_a_reconnect_whose_work_is_done_is_told_to_stop(net):
    app = server()

    @app.get("/")
    def handler(req, res):
        if req.last_event_id == "last":
            res.sse_done()
        else:
            res.sse().close("x", id="last")

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        assert (await wire.answer()).chunks == [b"id: last\ndata: x\n\n"]
        await wire.get("/", "last-event-id: last")
        head = await wire.head()
        assert (head.status, head.undated()) == (204, {"cache-control": "no-store"})
        await wire.get("/")  # the connection is still good
        assert (await wire.answer()).status == 200


async def test_what_follows_close_raises_and_closing_twice_does_not(net):
    raised = []

    def write(sse):
        sse.close()
        for attempt in (lambda: sse.send("x"), lambda: sse.send(Event("x")), lambda: sse.comment("x")):
            try:
                attempt()
            except ResponseEnded:
                raised.append(True)
        sse.close()

    assert await sent(net, write) == []
    assert len(raised) == 3


async def test_every_calls_until_it_is_cancelled_or_the_stream_is_over(net):
    app = server()
    calls = {"cancelled": 0, "left": 0}

    @app.get("/")
    async def handler(res):
        sse = res.sse()
        done = asyncio.Event()

        def tick():
            calls["cancelled"] += 1
            sse.send(calls["cancelled"])
            if calls["cancelled"] == 3:
                timer.cancel()
                timer.cancel()
                done.set()

        def other():
            calls["left"] += 1

        timer = sse.every(0.005, tick)
        sse.every(0.001, other)
        await done.wait()
        sse.close()

    async with net.serving(app) as site:
        assert (await site.get("/")).chunks == [b"data: 1\n\n", b"data: 2\n\n", b"data: 3\n\n"]
        assert calls["left"] > 0
        before = dict(calls)
        await asyncio.sleep(0.02)  # several times what either timer waits
        assert calls == before


async def test_every_refuses_what_it_cannot_do(net):
    def write(sse):
        with pytest.raises(ValueError, match="positive"):
            sse.every(0, print)
        with pytest.raises(TypeError, match="calls a function"):
            sse.every(1, "print")

    assert await sent(net, write) == []


async def test_a_failing_timer_does_not_stop_the_stream(net):
    app = server()

    @app.get("/")
    async def handler(res):
        sse = res.sse()
        called = asyncio.Event()

        def fail():
            timer.cancel()
            called.set()
            raise RuntimeError("of the timer")

        timer = sse.every(0.001, fail)
        await called.wait()
        sse.send("still here")
        sse.close()

    async with net.serving(app) as site:
        assert (await site.get("/")).chunks == [b"data: still here\n\n"]
    assert str(net.logged("Exception in callback").exc_info[1]) == "of the timer"

"""How a server stops: nothing new, idle connections closed, streams told, requests finished, the rest cut."""

import asyncio
import re

import pytest

from kito import Timeouts, server
from tests.support.wire import Wire, request, soon, until

BRIEF = Timeouts(stream_grace=0.05, shutdown=0.1, cleanup=0.1)  # seconds


async def begin_stop(app, **options):
    """Begin to stop, and return once the server has begun."""
    app.close(**options)
    await asyncio.sleep(0.01)


async def test_nothing_new_is_accepted_and_idle_connections_close(net):
    app = server()
    app.go_on = asyncio.Event()

    @app.get("/")
    async def handler():
        await app.go_on.wait()
        return "x"

    async with net.serving(app) as site:
        fresh, used, busy = [await site.connect() for _ in range(3)]
        await used.get("/nowhere")
        await used.answer()
        await busy.get("/")
        await until(lambda: app.stats["requests"] == 2)
        await begin_stop(app)
        await fresh.ended()
        await used.ended()
        with pytest.raises((ConnectionRefusedError, FileNotFoundError)):
            await Wire.connect(site.address)
        app.go_on.set()
        assert (await busy.answer()).body == b"x"


@pytest.mark.parametrize("kind", ["handler", "arriving head", "arriving body", "pipelined"])
async def test_a_request_that_was_under_way_is_answered_and_its_connection_closed(net, kind):
    app = server()
    started, go_on = asyncio.Event(), asyncio.Event()

    @app.post("/")
    async def handler(req):
        started.set()
        await go_on.wait()
        return req.body

    post = request("/", method="POST", body=b"body")
    halves = {"handler": len(post), "arriving head": 10, "arriving body": len(post) - 2, "pipelined": len(post)}
    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.send(post[: halves[kind]])
        if kind in ("handler", "pipelined"):
            await soon(started.wait())
        else:
            await until(lambda: app.stats["connections"])
            await asyncio.sleep(0.01)
        if kind == "pipelined":
            await wire.send(post)
            await asyncio.sleep(0.01)
        await begin_stop(app)
        await wire.send(post[halves[kind] :])
        go_on.set()
        answer = await wire.answer()
        assert (answer.status, answer.body) == (200, b"body")
        assert answer.head.get("connection") == "close"
        await wire.ended()


async def test_event_streams_are_told_and_may_end_by_themselves(net):
    app = server()
    go_on = asyncio.Event()

    @app.get("/events")
    async def events(res):
        sse = res.sse()
        sse.send("first")
        await go_on.wait()
        sse.send("last")
        sse.close()

    @app.get("/stream")
    async def stream(res):
        stream = res.stream()
        stream.write("first")
        await go_on.wait()
        stream.end("last")

    async with net.serving(app) as site:
        wires = [await site.connect() for _ in range(12)]
        for wire in wires[:-1]:
            await wire.get("/events")
            await wire.head()
            assert await wire.chunk() == b"data: first\n\n"
        await wires[-1].get("/stream")
        await wires[-1].head()
        assert await wires[-1].chunk() == b"first"
        await begin_stop(app)
        told = [await wire.chunk() for wire in wires[:-1]]
        assert all(re.fullmatch(rb"retry: \d+\n\n", block) for block in told), told
        waits = [int(block.split()[1]) for block in told]
        assert all(1000 <= wait <= 5000 for wait in waits)
        assert len(set(waits)) > 1  # spread, lest all come back at once
        go_on.set()
        for wire in wires[:-1]:
            assert await wire.chunks() == [b"data: last\n\n"]
        assert await wires[-1].chunks() == [b"last"]  # nobody's word inside of other bodies
        for wire in wires:
            await wire.ended()


async def test_what_does_not_end_in_time_is_cancelled_cut_and_counted(net):
    app = server(timeouts=BRIEF)
    ends, cleaned = [], []

    async def endless(res):
        sse = res.sse()
        sse.on_close(ends.append)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cleaned.append(sse.closed)
            raise

    async def stuck():
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.append("stuck")

    app.get("/endless", endless)
    app.get("/stuck", stuck)
    held = []
    app.get("/held", lambda res: held.append(res.stream()))
    async with net.serving(app) as site:
        wires = [await site.connect() for _ in range(4)]
        for wire, path in zip(wires, ("/endless", "/endless", "/held", "/stuck"), strict=True):
            await wire.get(path)
        for wire in wires[:3]:
            await wire.head()
        await until(lambda: app.stats["requests"] == 4)
        app.close()
        for wire in wires[:3]:
            await wire.truncated()
        await wires[3].gone()
        await soon(app.aclose())
    assert [end.reason for end in ends] == ["shutdown", "shutdown"]
    assert cleaned == [True, True, "stuck"]
    assert held[0].closed
    held.clear()
    assert "4 exchanges were cut" in net.logged("stopped: ").getMessage()


async def test_streams_are_cut_before_requests(net):
    app = server(timeouts=Timeouts(stream_grace=0, shutdown=10))
    go_on = asyncio.Event()

    @app.get("/stream")
    async def stream(res):
        await res.stream().wait_closed()

    @app.get("/plain")
    async def plain():
        await go_on.wait()
        return "in time"

    async with net.serving(app) as site:
        streaming, waiting = await site.connect(), await site.connect()
        await streaming.get("/stream")
        await waiting.get("/plain")
        await streaming.head()
        await until(lambda: app.stats["requests"] == 2)
        await begin_stop(app)
        await streaming.truncated()
        go_on.set()
        assert (await waiting.answer()).body == b"in time"
    net.logged("1 exchanges were cut")


@pytest.mark.parametrize("how", ["close", "aclose"])
async def test_a_grace_is_for_everything(net, how):
    app = server()  # whose own times are 5 and 30 seconds
    app.get("/stream", lambda res: app.held.append(res.stream()))

    @app.get("/plain")
    async def plain():
        await asyncio.Event().wait()

    app.held = []
    async with net.serving(app) as site:
        wires = [await site.connect() for _ in range(2)]
        await wires[0].get("/stream")
        await wires[0].head()
        await wires[1].get("/plain")
        await until(lambda: app.stats["requests"] == 2)
        if how == "close":
            app.close(grace=0.05)
            for wire in wires:
                await wire.gone()
        else:
            await soon(app.aclose(grace=0.05))
            assert app.address is None
            assert app.stats == {}
    app.held.clear()
    net.logged("2 exchanges were cut")


async def test_stopping_again_skips_the_wait(net):
    app = server()
    app.held = []
    app.get("/", lambda res: app.held.append(res.sse()))
    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await wire.head()
        await begin_stop(app)
        assert (await wire.chunk()).startswith(b"retry:")
        await soon(app.aclose())  # not the five seconds of stream_grace
        await wire.truncated()
    app.held.clear()
    net.logged("1 exchanges were cut")


@pytest.mark.wirings("uvloop-tcp")  # it takes a second
async def test_a_handler_that_ignores_its_cancellation_does_not_hold_the_stop(net):
    app = server(timeouts=BRIEF)
    release = asyncio.Event()
    ignored = []

    @app.get("/")
    async def stubborn(res):
        res.stream()
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                ignored.append(True)

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await wire.head()
        await soon(app.aclose())
        assert ignored
        await wire.gone()
    release.set()
    await asyncio.sleep(0)
    net.records.clear()  # what is said of it is nobody's promise


async def test_a_handler_that_works_on_behind_its_answer_is_cancelled(net):
    app = server(timeouts=BRIEF)
    cancelled = asyncio.Event()

    @app.get("/")
    async def handler(res):
        res.send("answered")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async with net.serving(app) as site:
        assert (await site.get("/")).body == b"answered"
    assert cancelled.is_set()


async def test_a_detached_handler_is_cancelled(net):
    app = server(timeouts=BRIEF)
    cancelled, left = asyncio.Event(), asyncio.Event()

    @app.get("/", on_disconnect="detach")
    async def handler(res):
        await res.stream().wait_closed()
        left.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await wire.head()
        wire.close()
        await soon(left.wait())
        assert not cancelled.is_set()
    assert cancelled.is_set()


async def test_a_big_last_answer_is_read_to_its_end(net):
    app = server()
    app.get("/", lambda: b"x" * 2**22)
    async with net.serving(app) as site:
        wire = await site.connect(receive_buffer=4096)
        await wire.get("/")
        await wire.head()
        await begin_stop(app)
        assert len(await wire.rest()) == 2**22

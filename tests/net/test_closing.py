"""Open streams are told that the server stops: their producers by `closing`, the clients of events by `retry`."""

import asyncio
import re

import pytest

from kito import Timeouts, server
from tests.support.wire import soon, until

FAREWELL = rb"retry: \d{4}\n\n"
BRIEF = Timeouts(stream_grace=0.05, shutdown=0.1, cleanup=0.1)  # seconds

kinds = pytest.mark.parametrize("kind", ["stream", "sse"])


def add_watchers(app, kind):
    """Register `/`, whose producer ends its body when it is told to; returns what it saw."""
    seen = []

    @app.get("/")
    async def handler(res):
        body = getattr(res, kind)()
        body.on_closing(lambda: seen.append("called"))
        seen.append(body.closing)
        seen.append(await body.wait_closing())
        seen.append(body.closing)
        body.end()

    return seen


@kinds
async def test_a_producer_that_is_told_ends_its_body(net, kind):
    app = server()
    seen = add_watchers(app, kind)
    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await wire.head()
        assert seen == [False]
        app.close()
        chunks = await wire.chunks()  # a clean end
        await wire.ended()
    assert seen == [False, "called", True, True]
    assert bool(chunks) == (kind == "sse")
    assert all(re.fullmatch(FAREWELL, chunk) for chunk in chunks)


@kinds
async def test_a_stream_that_is_opened_while_the_server_stops_is_told_at_once(net, kind):
    app = server()
    go_on = asyncio.Event()
    seen = []

    @app.get("/")
    async def handler(res):
        await go_on.wait()
        body = getattr(res, kind)()
        body.on_closing(lambda: seen.append("called"))
        seen.append(await body.wait_closing())
        body.end("last") if kind == "stream" else body.close("last")

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await until(lambda: app.stats["requests"])
        app.close()
        await until(lambda: app._runner.state.stopping)
        go_on.set()
        chunks = (await wire.answer()).chunks
    assert seen == ["called", True]
    if kind == "sse":
        assert re.fullmatch(FAREWELL, chunks.pop(0))
    assert chunks == [b"last" if kind == "stream" else b"data: last\n\n"]


async def test_waiting_for_it_ends_with_the_stream(net):
    app = server()
    seen = []
    done = asyncio.Event()

    @app.get("/", on_disconnect="detach")
    async def handler(res):
        stream = res.stream()
        stream.on_closing(lambda: seen.append("never"))
        seen.append(await stream.wait_closing())
        stream.on_closing(lambda: seen.append("never"))
        seen.append(await stream.wait_closing())
        done.set()

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await wire.head()
        wire.close()
        await soon(done.wait())
    assert seen == [False, False]


async def test_a_callback_that_fails_is_logged_and_hurts_nobody(net):
    app = server()
    told = []

    @app.get("/")
    def handler(res):
        stream = res.stream()
        stream.on_closing(lambda: 1 / 0)
        stream.on_closing(lambda: told.append(stream.end("told")))

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await wire.head()
        app.close()
        assert await wire.chunks() == [b"told"]
    assert told
    net.logged("an on_closing callback failed")


async def test_who_is_told_and_does_not_end_is_cut(net):
    app = server(timeouts=BRIEF)
    seen = add_watchers(app, "sse")

    @app.get("/deaf")
    async def deaf(res):
        await res.sse().wait_closed()

    async with net.serving(app) as site:
        wires = [await site.connect() for _ in range(2)]
        for wire, path in zip(wires, ("/", "/deaf"), strict=True):
            await wire.get(path)
            await wire.head()
        app.close()
        await wires[0].chunks()
        assert re.fullmatch(FAREWELL, await wires[1].chunk())
        await wires[1].truncated()
        await soon(app.aclose())
    assert True in seen
    assert "1 exchanges were cut" in net.logged("stopped: ").getMessage()


async def test_on_closing_takes_a_function(net):
    app = server()

    @app.get("/")
    def handler(res):
        with pytest.raises(TypeError, match="on_closing takes a function"):
            res.stream().on_closing(None)

    async with net.serving(app) as site:
        await site.get("/")

"""A client that shuts its write side behind a request: it has left an open stream, unless the route serves it on."""

import asyncio

import pytest

from kito import Timeouts, server
from tests.support.wire import request, soon, until

orders = pytest.mark.parametrize("order", ["before the stream", "while it is open"])


def add_stream(app, **options):
    """Register `/`, which streams a word when it is told to; returns what it waits for and how its stream ended."""
    begin, go_on, ends = asyncio.Event(), asyncio.Event(), []

    @app.get("/", **options)
    async def handler(res):
        await begin.wait()
        stream = res.stream()
        stream.on_close(lambda end: ends.append(end.reason))
        stream.write("first")
        await go_on.wait()
        stream.end("last")

    return begin, go_on, ends


@orders
async def test_serve_goes_on_to_the_end_and_closes(net, order):
    app = server()
    begin, go_on, ends = add_stream(app, half_close="serve")
    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        if order == "before the stream":
            wire.finish()
            await asyncio.sleep(0.01)
            begin.set()
            head = await wire.head()
            assert head.get("connection") == "close"
        else:
            begin.set()
            await wire.head()
            wire.finish()
            await asyncio.sleep(0.01)
        assert await wire.chunk() == b"first"
        go_on.set()
        assert await wire.chunks() == [b"last"]
        await wire.ended()
        await until(lambda: not app.stats["connections"])
    assert ends == ["ended"]


@orders
async def test_without_it_the_client_has_left(net, order):
    app = server()
    begin, _, ends = add_stream(app, half_close="leave")
    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        if order == "before the stream":
            wire.finish()
            await asyncio.sleep(0.01)
            begin.set()
        else:
            begin.set()
            await wire.head()
            wire.finish()
        await wire.gone()
        await until(lambda: not app.stats["connections"])
    assert ends == ["client_left"]


async def test_behind_pipelined_requests_all_are_answered(net):
    app = server()
    begin, go_on, _ = add_stream(app, half_close="serve")
    app.get("/plain", lambda: "plain")
    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.send(request("/") + request("/plain"))
        wire.finish()
        begin.set()
        go_on.set()
        assert (await wire.answer()).chunks == [b"first", b"last"]
        assert (await wire.answer()).body == b"plain"
        await wire.ended()


async def test_a_client_that_is_gone_altogether_is_noticed_when_it_is_written_to(net):
    app = server()
    ended = asyncio.Event()

    @app.get("/", half_close="serve")
    async def handler(res):
        stream = res.stream()
        stream.on_close(lambda end: ended.set())
        while True:
            await stream.write("more")
            await asyncio.sleep(0.001)

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await wire.head()
        wire.finish()
        await wire.chunk()
        wire.close()
        await soon(ended.wait())


async def test_a_server_that_stops_cuts_it(net):
    app = server(timeouts=Timeouts(stream_grace=0, shutdown=0))
    begin, _, ends = add_stream(app, half_close="serve")
    begin.set()
    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await wire.head()
        wire.finish()
        await asyncio.sleep(0.01)
        await soon(app.aclose())
        await wire.gone()
    assert ends == ["shutdown"]
    net.logged("1 exchanges were cut")


def test_other_words_are_refused_at_registration():
    with pytest.raises(ValueError, match="half_close is 'leave' or 'serve'"):
        server().get("/", lambda: None, half_close="stay")

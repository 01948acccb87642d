"""Writers that nobody holds any more: a clean end while the handler runs or returns, truncation when lost later."""

import asyncio
import gc
import warnings

import pytest

from kito import server


def sync_stream(res):
    res.stream().write("part")


def sync_events(res):
    res.sse().send("part")


async def dropped_at_once(res):
    res.stream().write("part")
    await asyncio.sleep(0)


async def dropped_by_returning(res):
    stream = res.stream()
    await asyncio.sleep(0)
    stream.write("part")


async def dropped_behind_a_caught_error(res):
    stream = res.stream()
    try:
        stream.write("part")
        raise KeyError("caught")
    except KeyError:
        pass


HANDLERS = [sync_stream, sync_events, dropped_at_once, dropped_by_returning, dropped_behind_a_caught_error]


@pytest.mark.parametrize("handler", HANDLERS, ids=lambda handler: handler.__name__)
async def test_a_handler_that_returns_without_an_end_ends_the_body(net, handler):
    app = server()
    app.get("/", handler)
    async with net.serving(app) as site:
        wire = await site.connect()
        for _ in range(3):
            await wire.get("/")
            assert b"".join((await wire.answer()).chunks) in (b"part", b"data: part\n\n")
        assert app.stats["ends"] == {"ended": 3}


async def test_a_dropped_writer_ends_the_body_only_when_its_handler_is_done(net):
    app = server()
    go_on = asyncio.Event()

    @app.get("/")
    async def handler(res):
        res.stream().write("part")
        await go_on.wait()

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await wire.head()
        assert await wire.chunk() == b"part"
        await asyncio.sleep(0.01)
        assert wire.arrived() == 0
        go_on.set()
        assert await wire.chunk() is None


async def test_a_handler_that_dropped_its_writer_and_raises_truncates(net):
    app = server()

    @app.get("/")
    async def handler(res):
        res.stream().write("part")
        await asyncio.sleep(0)
        raise RuntimeError("behind the drop")

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await wire.head()
        assert await wire.chunk() == b"part"
        await wire.truncated()
    net.logged("failed after the head")


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_debug_warns_of_it(net, kind):
    app = server(debug=True)
    app.get("/", sync_stream if kind == "sync" else dropped_by_returning)
    async with net.serving(app) as site:
        with pytest.warns(ResourceWarning, match="without end"):
            assert (await site.get("/")).chunks == [b"part"]


async def test_without_debug_nothing_is_said(net):
    app = server()
    app.get("/", sync_stream)
    async with net.serving(app) as site:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            assert (await site.get("/")).chunks == [b"part"]
    assert not [warning for warning in caught if issubclass(warning.category, ResourceWarning)]


@pytest.mark.parametrize("kind", ["stream", "sse"])
async def test_a_writer_that_is_lost_later_truncates(net, kind):
    app = server()
    held = []

    @app.get("/")
    def handler(res):
        held.append(res.stream() if kind == "stream" else res.sse())

    async with net.serving(app) as site:
        for _ in range(3):
            wire = await site.connect()
            await wire.get("/")
            await wire.head()
            assert not held[0].closed
            held.clear()
            await wire.truncated()
            assert net.logged("was lost without end()").levelname == "WARNING"
        assert app.stats["ends"] == {"error": 3}


async def test_a_timer_keeps_the_writer_until_it_has_run(net):
    app = server()

    @app.get("/")
    def handler(res):
        stream = res.stream()
        asyncio.get_running_loop().call_later(0.01, stream.write, "from the timer")

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await wire.head()
        assert await wire.chunk() == b"from the timer"
        await wire.truncated()
    net.logged("was lost without end()")


async def test_every_keeps_the_writer(net):
    app = server()
    ticks = asyncio.Semaphore(0)

    @app.get("/")
    def handler(res):
        sse = res.sse()
        sse.every(0.002, ticks.release)

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await wire.head()
        gc.collect()
        for _ in range(3):
            await ticks.acquire()
        assert wire.arrived() == 0
        assert app.stats["streams_open"] == 1


@pytest.mark.parametrize("how", ["kept", "passed to a task"])
async def test_a_stream_outlives_its_handler_while_somebody_holds_it(net, how):
    app = server()
    held, tasks = [], []

    async def produce(stream):
        await asyncio.sleep(0.01)
        stream.write("later")
        stream.end()

    @app.get("/")
    async def handler(res):
        stream = res.stream()
        if how == "kept":
            held.append(stream)
        else:
            tasks.append(asyncio.create_task(produce(stream)))

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await wire.head()
        if how == "kept":
            await asyncio.sleep(0)
            held[0].end("later")
        assert await wire.chunks() == [b"later"]
        await asyncio.gather(*tasks)

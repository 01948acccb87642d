"""How streams of handlers in threads end: by errors, with their sources, lost, at a stop, without a client."""

import asyncio
import io
import time

import pytest

from kito import ConnectionClosed, Timeouts, server
from kito.errors import BodyLengthMismatch
from tests.support.threads import PATIENCE_S, Gate, blocking
from tests.support.wire import soon, until


@pytest.mark.parametrize("kind", ["stream", "sse", "block", "generator"])
async def test_a_failure_behind_the_head_truncates_behind_all_that_was_written(net, kind):
    app = server()

    def handler(res):
        stream = res.stream() if kind == "stream" else res.sse()
        stream.write("part") if kind == "stream" else stream.send("part")
        raise RuntimeError("too late")

    def block(res):
        with res.stream() as stream:
            stream.write("part")
            raise RuntimeError("too late")

    def generator():
        yield "part"
        raise RuntimeError("too late")

    blocking(app, {"block": block, "generator": generator}.get(kind, handler))
    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await wire.head()
        assert await wire.chunk() == (b"data: part\n\n" if kind == "sse" else b"part")
        if kind == "sse":
            assert (await wire.chunk()).startswith(b"event: error\n")
        await wire.truncated()
    net.logged("failed after the head")


async def test_what_only_the_loop_finds_out_is_raised_by_a_later_call(net):
    app = server()
    raised = []

    def handler(res):
        stream = res.header("content-length", 3).stream()
        try:
            for _ in range(1000):
                stream.write("four")
                time.sleep(0.001)
        except BodyLengthMismatch as error:
            raised.append(error)
            raise

    blocking(app, handler)
    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await wire.gone()
        await until(lambda: raised)
    net.logged("failed after the head")


async def test_a_source_and_a_file_are_sent_and_closed(net):
    app = server()
    file = io.BytesIO(b"x" * 100_000)
    blocking(app, lambda res: res.stream(file), "/file")
    blocking(app, lambda res: res.stream(str(number) for number in range(3)), "/items")
    blocking(app, lambda res: res.stream("text"), "/wrong")
    async with net.serving(app) as site:
        assert len((await site.get("/file")).body) == 100_000
        assert (await site.get("/items")).chunks == [b"0", b"1", b"2"]
        assert (await site.get("/wrong")).status == 500
    assert file.closed
    net.logged("GET /wrong failed")


@pytest.mark.parametrize("kind", ["dropped", "kept"])
async def test_a_writer_that_is_not_ended(net, kind):
    """Dropped with its handler it ends the body; kept, it goes on in whichever thread has it."""
    app = server()
    held = []

    def handler(res):
        stream = res.stream()
        stream.write("part")
        if kind == "kept":
            held.append(stream)

    blocking(app, handler)
    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await wire.head()
        assert await wire.chunk() == b"part"
        if kind == "kept":
            await asyncio.to_thread(held[0].end, "from another")
            held.clear()
            assert await wire.chunk() == b"from another"
        assert await wire.chunk() is None


async def test_a_kept_writer_that_is_lost_in_a_thread_truncates(net):
    app = server()
    held = []
    blocking(app, lambda res: held.append(res.stream()))
    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await wire.head()
        await until(lambda: held and not app._runner.state.dispatcher.tasks)
        await asyncio.to_thread(held.clear)
        await wire.truncated()
    net.logged("was lost without end()")


async def test_on_the_loop_a_writer_never_waits(net):
    app = server()
    held = []
    blocking(app, lambda res: held.append(res.stream()))
    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await wire.head()
        await until(lambda: held)
        for _ in range(3):
            held[0].write("x" * 40_000)
        held[0].end("last")
        chunks = await wire.chunks()
    assert [len(chunk) for chunk in chunks] == [40_000] * 3 + [4]


async def test_a_thread_is_told_that_the_server_stops(net):
    app = server()
    seen = []

    def handler(res):
        with res.sse() as sse:
            seen.append(sse.wait_closing(0.001))
            sse.on_closing(lambda: seen.append("called"))
            sse.on_close(lambda end: seen.append(end.reason))
            seen.append(sse.wait_closing(PATIENCE_S))
            seen.append(sse.closing)

    blocking(app, handler)
    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await wire.head()
        await until(lambda: len(seen) == 1)
        await asyncio.sleep(0.01)
        await soon(app.aclose())
        assert (await wire.chunks())[0].startswith(b"retry: ")
    assert seen == [False, "called", True, True, "ended"]


async def test_a_stop_cuts_a_thread_that_writes_on(net):
    app = server(timeouts=Timeouts(stream_grace=0, shutdown=0))
    ended = []

    def handler(res):
        stream = res.stream()
        try:
            while True:
                stream.write(b"x" * 2**16)
        finally:
            ended.append(True)

    blocking(app, handler)
    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await wire.head()
        await soon(app.aclose())
        assert ended
        await wire.gone()
    net.logged("1 exchanges were cut")


@pytest.mark.parametrize("policy", ["detach", "finish"])
async def test_on_disconnect(net, policy):
    app = server()
    gate, outcome = Gate(), []

    def handler(res):
        stream = res.stream()
        stream.write("first")
        gate.passed()
        try:
            stream.write("nobody reads this")
            stream.write("nor this")
        except ConnectionClosed:
            outcome.append("told")
        else:
            outcome.append("not told")

    blocking(app, handler, on_disconnect=policy)
    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await wire.head()
        assert await wire.chunk() == b"first"
        wire.close()
        await until(lambda: app.stats["ends"])
        gate.set()
        await until(lambda: outcome)
    assert outcome == ["told" if policy == "detach" else "not told"]

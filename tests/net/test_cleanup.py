"""What a cancelled producer does in its `finally`: it is never cut short before `Timeouts.cleanup`, and always then."""

import asyncio

import pytest

from kito import Limits, Timeouts, server
from tests.support.wire import soon, until

NEVER = Timeouts(cleanup=600, stream_grace=0, shutdown=0)  # seconds


class Cleanup:
    """A `finally` that awaits, and what became of it."""

    def __init__(self):
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()
        self.outcome = asyncio.get_running_loop().create_future()

    async def run(self):
        self.begun.set()
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.outcome.set_result("cut short")
            raise
        self.outcome.set_result("whole")


def add_handler(app, cleanup):
    @app.get("/")
    async def handler(res):
        stream = res.stream()
        try:
            await stream.wait_closed()
            await asyncio.Event().wait()
        finally:
            await cleanup.run()


def add_writer(app, cleanup):
    @app.get("/")
    async def handler(res):
        stream = res.stream()
        try:
            while True:
                await stream.write(b"x" * 32768)
        finally:
            await cleanup.run()


def add_generator(app, cleanup):
    @app.get("/")
    async def pieces():
        try:
            while True:
                yield b"x" * 32768
        finally:
            await cleanup.run()


def add_first_item(app, cleanup):
    @app.get("/", commit_after=0)
    async def pieces():
        try:
            await asyncio.Event().wait()
            yield "never"
        finally:
            await cleanup.run()


def add_source(app, cleanup):
    async def source():
        try:
            yield "first"
            await asyncio.Event().wait()
        finally:
            await cleanup.run()

    app.get("/", lambda res: res.stream(source()))


producers = pytest.mark.parametrize(
    "add", [add_handler, add_writer, add_generator, add_first_item, add_source], ids=lambda add: add.__name__[4:]
)


async def leave(site):
    """Ask, read the head, and reset the connection."""
    wire = await site.connect()
    await wire.get("/")
    await wire.head()
    wire.reset()


@producers
async def test_it_may_take_its_time_and_a_stop_does_not_cut_it_short(net, add):
    app = server(timeouts=NEVER)
    cleanup = Cleanup()
    add(app, cleanup)
    async with net.serving(app) as site:
        await leave(site)
        await soon(cleanup.begun.wait())
        stopping = asyncio.ensure_future(app.aclose())
        await until(lambda: app._runner.state.stopping)
        await asyncio.sleep(0.01)  # the stop cancels what runs, and not what cleans up
        cleanup.go_on.set()
        assert await soon(cleanup.outcome) == "whole"
        await soon(stopping)


@producers
async def test_it_is_cancelled_at_the_limit(net, add):
    app = server()
    cleanup = Cleanup()
    add(app, cleanup)
    async with net.serving(app) as site:
        await leave(site)
        await soon(cleanup.begun.wait())
        clock = app._runner.state.clock
        clock.advance(4)
        await asyncio.sleep(0)
        assert not cleanup.outcome.done()
        clock.advance(3)  # five seconds, and the tick that had begun
        assert await soon(cleanup.outcome) == "cut short"
    assert net.logged("does not come to its end").levelname == "ERROR"


async def test_a_cancellation_by_ones_own_write_does_not_cut_it_short(net):
    """It is on its way when the cleanup begins: it arrives at the write that finds nobody any more."""
    app = server(limits=Limits(max_backlog=2**17))
    cleanup = Cleanup()

    @app.get("/")
    async def handler(res):
        stream = res.stream()
        try:
            while not stream.closed:
                stream.write(b"x" * 2**16)
            await stream.write("to nobody")
        finally:
            await cleanup.run()

    async with net.serving(app) as site:
        wire = await site.connect(receive_buffer=4096)
        await wire.get("/")
        await soon(cleanup.begun.wait())
        await asyncio.sleep(0.01)
        cleanup.go_on.set()
        assert await soon(cleanup.outcome) == "whole"
    net.logged("bytes behind: disconnected")


async def test_a_stop_waits_for_it_and_then_cancels_it(net):
    app = server(timeouts=Timeouts(cleanup=0.05, stream_grace=0, shutdown=0))
    cleanup = Cleanup()
    add_handler(app, cleanup)
    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await wire.head()
        await soon(app.aclose())
        assert cleanup.outcome.result() == "cut short"
    net.logged("1 exchanges were cut")
    net.logged("does not come to its end")


async def test_a_generator_that_was_never_started_is_closed(net):
    """Its client has left before the stream was opened: the writer is born closed."""
    app = server()
    closed = asyncio.Event()
    go_on = asyncio.Event()

    class Source:
        def __aiter__(self):
            return self

        async def __anext__(self):
            raise AssertionError("nobody is there any more")

        async def aclose(self):
            await asyncio.sleep(0)
            closed.set()

    @app.get("/")
    async def handler(res):
        await go_on.wait()
        await res.stream(Source())

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await until(lambda: app.stats["requests"])
        wire.close()
        await asyncio.sleep(0.01)
        go_on.set()
        await soon(closed.wait())


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_source_of_a_plain_handler_is_closed_though_nobody_reads_it(net, method):
    """HEAD: the pump's task is cancelled by the answer, before it has begun."""
    app = server()
    closed = []

    class Source:
        def __iter__(self):
            return self

        def __next__(self):
            raise StopIteration

        def close(self):
            closed.append(True)

    app.get("/", lambda res: res.stream(Source()))
    async with net.serving(app) as site:
        await site.get("/", method=method)
        await until(lambda: not app._runner.state.dispatcher.tasks)
    assert closed == [True]

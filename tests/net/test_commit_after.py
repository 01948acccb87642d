"""When the head of a generator's response is sent: with the first item, or after `commit_after` seconds without one."""

import asyncio

import pytest

from kito import HTTPError, server
from tests.support.wire import soon

SOON_S = 0.01  # a commit_after that passes while a test waits for it
NEVER_S = 600.0

routes = pytest.mark.parametrize("route", ["get", "sse"])


def frame(route, text):
    """A chunk as its route sends it."""
    return f"data: {text}\n\n".encode() if route == "sse" else text.encode()


@routes
async def test_the_head_of_a_slow_generator_is_sent_before_its_first_item(net, route):
    app = server()
    go_on = asyncio.Event()

    @getattr(app, route)("/", commit_after=SOON_S)
    async def pieces():
        await go_on.wait()
        yield "first"
        yield "second"

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        assert (await wire.head()).status == 200
        go_on.set()
        assert await wire.chunks() == [frame(route, "first"), frame(route, "second")]


async def test_heartbeats_flow_before_the_first_event(net):
    app = server()

    @app.sse("/", commit_after=SOON_S)
    async def pieces(res):
        await res_ended.wait()
        yield "never"

    res_ended = asyncio.Event()
    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await wire.head()
        (connection,) = app._runner.state.connections
        assert connection.streaming
        app._runner.state.clock.advance(20)  # seconds of silence
        assert await wire.chunk() == b":\n\n"


@routes
async def test_an_error_before_that_has_a_status_of_its_own(net, route):
    app = server()

    @getattr(app, route)("/", commit_after=NEVER_S)
    async def pieces():
        await asyncio.sleep(0.01)
        raise HTTPError(409)
        yield

    async with net.serving(app) as site:
        assert (await site.get("/")).status == 409


@routes
async def test_none_is_never(net, route):
    app = server()
    started, go_on = asyncio.Event(), asyncio.Event()

    @getattr(app, route)("/", commit_after=None)
    async def pieces():
        started.set()
        await go_on.wait()
        raise HTTPError(409)
        yield

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await soon(started.wait())
        asyncio.get_running_loop().call_later(0.01, go_on.set)
        assert (await wire.answer()).status == 409


@routes
async def test_an_error_behind_it_is_truncation(net, route):
    app = server()
    go_on = asyncio.Event()

    @getattr(app, route)("/", commit_after=SOON_S)
    async def pieces():
        await go_on.wait()
        raise HTTPError(409)
        yield

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        assert (await wire.head()).status == 200
        go_on.set()
        if route == "sse":
            assert (await wire.chunk()).startswith(b"event: error\n")
        await wire.truncated()
    net.logged("failed after the head")


async def test_a_generator_that_ends_behind_it_without_an_item_ends_the_body(net):
    app = server()
    go_on = asyncio.Event()

    @app.sse("/", commit_after=SOON_S)
    async def pieces():
        await go_on.wait()
        if not go_on.is_set():
            yield

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await wire.head()
        go_on.set()
        assert await wire.chunks() == []


async def test_a_client_that_leaves_in_that_time_closes_the_generator(net):
    app = server()
    closed = asyncio.Event()

    @app.sse("/", commit_after=SOON_S)
    async def pieces():
        try:
            await asyncio.Event().wait()
            yield
        finally:
            closed.set()

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await wire.head()
        wire.close()
        await soon(closed.wait())
    assert app.stats == {}


@pytest.mark.parametrize("slow", [False, True])
async def test_a_generator_may_answer_by_itself(net, slow):
    app = server()

    @app.sse("/", commit_after=0)
    async def pieces(res):
        res.sse_done()
        if slow:
            await asyncio.sleep(0.01)
        if not res.headers_sent:
            yield

    async with net.serving(app) as site:
        assert (await site.get("/")).status == 204


async def test_the_first_items_awaits_see_their_task_and_its_timeouts(net):
    app = server()
    tasks = []

    @app.get("/")
    async def pieces():
        tasks.append(asyncio.current_task())
        try:
            async with asyncio.timeout(0.005):
                await asyncio.Event().wait()
        except TimeoutError:
            yield "timed out"
        tasks.append(asyncio.current_task())
        yield "and on"

    async with net.serving(app) as site:
        assert (await site.get("/")).chunks == [b"timed out", b"and on"]
    assert tasks[0] is tasks[1] is not None


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), 4000, "1"])
def test_other_times_are_refused_at_registration(seconds):
    app = server()
    with pytest.raises((ValueError, TypeError)):
        app.get("/", lambda: None, commit_after=seconds)

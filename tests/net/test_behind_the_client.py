"""A handler that outlives its client: its writes, detached handlers, plain ones, and streams opened too late."""

import asyncio

import pytest

from kito import ConnectionClosed, Event, Limits, server
from tests.support.wire import soon, until

leaving = pytest.mark.parametrize("leave", ["finish", "reset", "close"])


@leaving
async def test_awaited_writes_raise_and_others_do_nothing(net, leave):
    app = server()
    go_on = asyncio.Event()
    done = asyncio.get_running_loop().create_future()

    @app.get("/", on_disconnect="detach")
    async def handler(res):
        stream = res.stream()
        end = await stream.wait_closed()
        assert stream.closed
        stream.write("into the void")
        stream.writelines(["a", b"b"])
        stream.flush()
        errors = []
        for write in (stream.write("x"), stream.writelines(["x"]), stream.write("")):
            try:
                await write
            except ConnectionClosed as error:
                errors.append(error)
        stream.end()
        await go_on.wait()
        done.set_result((end.reason, len(errors)))

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await wire.head()
        getattr(wire, leave)()
        go_on.set()
        assert await soon(done) == ("client_left", 3)


@pytest.mark.parametrize("leave", ["reset", "close"])
async def test_writes_that_wait_raise_when_the_client_leaves(net, leave):
    app = server(limits=Limits(max_backlog=2**26))
    waiting = asyncio.Event()
    done = asyncio.get_running_loop().create_future()

    @app.get("/", on_disconnect="detach")
    async def handler(res):
        stream = res.stream()
        for _ in range(64):  # more than the kernel and the high-water mark take
            outcome = stream.write(b"x" * 2**17)
        waiting.set()
        errors = []
        for late in (stream.write("awaited at once"), outcome):  # the second one when the client has long gone
            try:
                await late
            except ConnectionClosed as error:
                errors.append(error)
        done.set_result(len(errors))

    async with net.serving(app) as site:
        wire = await site.connect(receive_buffer=4096)
        await wire.get("/")
        await soon(waiting.wait())
        getattr(wire, leave)()
        assert await soon(done) == 2


@leaving
async def test_events_to_nobody(net, leave):
    app = server()
    done = asyncio.get_running_loop().create_future()

    @app.get("/", on_disconnect="detach")
    async def handler(res):
        sse = res.sse()
        await sse.wait_closed()
        errors = 0
        for send in (sse.send("x"), sse.send(Event("x")), sse.send_json("x"), sse.comment("x")):
            try:
                await send
            except ConnectionClosed:
                errors += 1
        sse.close()
        sse.close()
        done.set_result((errors, sse.events_sent))

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await wire.head()
        getattr(wire, leave)()
        assert await soon(done) == (4, 0)


@leaving
@pytest.mark.parametrize("policy", ["detach", "finish"])
async def test_a_detached_handler_runs_to_its_end(net, policy, leave):
    app = server()
    left, go_on, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    @app.get("/", on_disconnect=policy)
    async def handler(res):
        stream = res.stream()
        stream.on_close(lambda end: left.set())
        stream.write("first")
        await go_on.wait()
        stream.write("into the void")
        stream.end("last")
        done.set()

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await wire.head()
        getattr(wire, leave)()
        await soon(left.wait())
        assert not done.is_set()
        go_on.set()
        await soon(done.wait())


@pytest.mark.parametrize("leave", ["reset", "close"])
@pytest.mark.parametrize("answers", ["plainly", "by raising"])
async def test_a_handler_without_a_stream_runs_to_its_end(net, answers, leave):
    app = server()
    started, go_on = asyncio.Event(), asyncio.Event()
    done = asyncio.get_running_loop().create_future()

    @app.get("/")
    async def handler(res):
        started.set()
        await go_on.wait()
        done.set_result(asyncio.current_task().cancelling())
        if answers == "by raising":
            raise RuntimeError("told to nobody")
        res.status(201).send("to nobody")

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await soon(started.wait())
        getattr(wire, leave)()
        assert (await site.get("/nowhere")).status == 404  # by now the server knows
        go_on.set()
        assert await soon(done) == 0
        await asyncio.sleep(0)
    if answers == "by raising":
        assert net.records.pop().exc_info[1].args == ("told to nobody",)


@pytest.mark.wirings("uvloop-tcp", "asyncio-tcp")  # a Unix socket has no RST, and FIN alone leaves a plain request be
async def test_a_stream_that_is_opened_behind_the_client_is_over_at_once(net):
    app = server()
    started, go_on = asyncio.Event(), asyncio.Event()
    done = asyncio.get_running_loop().create_future()
    ends = []

    @app.get("/")
    async def handler(res):
        started.set()
        await go_on.wait()
        stream = res.stream()
        stream.on_close(ends.append)
        try:
            end = await stream.wait_closed()
            while True:
                stream.write("x")
                await asyncio.sleep(0.001)
        finally:
            done.set_result((stream.closed, end.reason))

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await soon(started.wait())
        wire.reset()
        await until(lambda: not app.stats["connections"])
        go_on.set()
        assert await soon(done) == (True, "client_left")
        assert [end.reason for end in ends] == ["client_left"]

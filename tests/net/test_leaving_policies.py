"""What `on_disconnect` makes of a client that leaves: the producer is cancelled, told, or never told."""

import asyncio

import pytest

from kito import ConnectionClosed, Limits, server
from tests.support.wire import soon, until

leaving = pytest.mark.parametrize("leave", ["finish", "reset", "close"])
PIECE = 32 * 1024  # bytes


async def open_and_leave(site, leave):
    """Read the head of a stream, and leave."""
    wire = await site.connect()
    await wire.get("/")
    await wire.head()
    getattr(wire, leave)()
    await until(lambda: site.app.stats["connections"] == 0)


def told_by(stream):
    """How a producer whose client has left is told: `closed`, an awaited write, one that is not."""

    async def ask():
        stream.write("into the void")
        try:
            await stream.write("and again")
        except ConnectionClosed:
            return stream.closed, "raises"
        return stream.closed, "is ready"

    return ask()


@leaving
@pytest.mark.parametrize(("policy", "expected"), [("detach", (True, "raises")), ("finish", (False, "is ready"))])
async def test_a_producer_that_is_not_cancelled(net, policy, expected, leave):
    app = server()
    go_on = asyncio.Event()
    answer = asyncio.get_running_loop().create_future()
    ends = []

    @app.get("/", on_disconnect=policy)
    async def handler(res):
        stream = res.stream()
        stream.on_close(ends.append)
        stream.write("first")
        await go_on.wait()
        asked = await told_by(stream)
        stream.end("last")
        answer.set_result((asked, stream.closed))

    async with net.serving(app) as site:
        await open_and_leave(site, leave)
        assert [end.reason for end in ends] == ["client_left"]
        assert not answer.done()
        go_on.set()
        assert await soon(answer) == (expected, True)
        assert app.stats["ends"] == {"client_left": 1}
    assert len(ends) == 1
    assert ends[0].bytes_sent == len("first")


@leaving
@pytest.mark.parametrize(("policy", "outcome"), [("detach", "raises"), ("finish", "is ready")])
async def test_a_write_that_waits_when_the_client_leaves(net, policy, outcome, leave):
    app = server()
    answer = asyncio.get_running_loop().create_future()
    written = []

    @app.get("/", on_disconnect=policy)
    async def handler(res):
        stream = res.stream()
        try:
            while not app.stats["ends"]:
                written.append(await stream.write(bytes(PIECE)))
        except ConnectionClosed:
            answer.set_result("raises")
        else:
            answer.set_result("is ready")

    async with net.serving(app) as site:
        wire = await site.connect(receive_buffer=4096)
        await wire.get("/")
        await wire.head()
        before = -1
        while before != len(written):  # until it waits
            before = len(written)
            await asyncio.sleep(0.02)
        getattr(wire, leave)()
        assert await soon(answer) == outcome


@pytest.mark.parametrize(("policy", "count"), [("cancel", 1), ("detach", 2), ("finish", 5)])
async def test_how_far_a_generator_gets(net, policy, count):
    """With `finish` it is run to its end; with `detach` its next item finds nobody."""
    app = server()
    go_on = asyncio.Event()
    items, closed = [], asyncio.Event()

    @app.get("/", on_disconnect=policy)
    async def numbers():
        try:
            for number in range(5):
                items.append(number)
                yield f"{number}"
                await go_on.wait()
        finally:
            closed.set()

    async with net.serving(app) as site:
        await open_and_leave(site, "close")
        go_on.set()
        await soon(closed.wait())
    assert len(items) == count


async def test_a_producer_that_is_never_told_does_not_have_the_loop_alone(net):
    app = server()
    others = []

    @app.get("/", on_disconnect="finish")
    async def handler(res):
        stream = res.stream()
        stream.write("first")
        await until(lambda: app.stats["ends"])
        while not others:
            await stream.write("x")

    @app.get("/other")
    def other():
        others.append(True)
        return "served"

    async with net.serving(app) as site:
        await open_and_leave(site, "close")
        assert (await site.get("/other")).body == b"served"


@pytest.mark.wirings("uvloop-tcp", "asyncio-tcp")
@pytest.mark.parametrize("reason", ["ended", "max_age", "client_left", "overflow", "shutdown", "error"])
async def test_every_reason_is_told(net, reason):
    """The seventh, "timeout", takes `Timeouts.write` seconds: tests/core/test_slow_readers.py has it."""
    app = server(limits=Limits(max_backlog=64 * 1024))
    ends = []

    @app.get("/")
    async def handler(res):
        sse = res.sse(max_age=0.1 if reason == "max_age" else 0)
        sse.on_close(ends.append)
        sse.send("first")
        if reason == "ended":
            sse.close()
        elif reason == "error":
            raise RuntimeError("on purpose")
        while reason == "overflow":
            sse.send("x" * PIECE)
            await asyncio.sleep(0)
        await sse.wait_closed()

    async with net.serving(app) as site:
        wire = await site.connect(receive_buffer=4096)
        await wire.get("/")
        await wire.head()
        if reason == "client_left":
            wire.close()
        if reason == "shutdown":
            await app.aclose(grace=0)
        await until(lambda: ends)
        if reason != "shutdown":
            assert app.stats["ends"] == {reason: 1}
    assert [end.reason for end in ends] == [reason]
    assert ends[0].events_sent >= 1
    assert ends[0].bytes_sent >= len("data: first\n\n")
    assert ends[0].dropped == 0
    for text in {"overflow": ["behind"], "error": ["failed after the head"], "shutdown": ["were cut"]}.get(reason, []):
        net.logged(text)

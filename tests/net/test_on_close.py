"""Who is told that a stream is over: on_close callbacks, wait_closed(), timers; once each, however it ended."""

import asyncio

import pytest

from kito import server
from tests.support.wire import soon, until

leaving = pytest.mark.parametrize("leave", ["finish", "reset", "close"])


@leaving
async def test_timers_and_callbacks_of_a_plain_handler_are_told(net, leave):
    app = server()
    ended = asyncio.get_running_loop().create_future()
    timers = []

    @app.get("/")
    def handler(res):
        sse = res.sse()
        timers.append(sse.every(0.001, lambda: sse.send("tick")))
        sse.on_close(ended.set_result)

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await wire.head()
        await wire.chunk()
        getattr(wire, leave)()
        end = await soon(ended)
        assert end.reason == "client_left"
        assert end.events_sent >= 1
        sent = app.stats["events"]
        await asyncio.sleep(0.01)  # ten times what the timer waits
        assert app.stats["events"] == sent


async def test_callbacks_are_called_once_each_and_do_not_hurt_each_other(net):
    app = server()
    calls = []
    held = []

    @app.get("/")
    def handler(res):
        stream = res.stream()
        held.append(stream)

        @stream.on_close
        def first(end):
            calls.append("first")
            raise RuntimeError("of the callback")

        stream.on_close(lambda end: calls.append("second"))
        stream.end()
        stream.on_close(lambda end: calls.append(f"late {end.reason}"))

    async with net.serving(app) as site:
        await site.get("/")
    assert calls == ["first", "second", "late ended"]
    assert str(net.logged("on_close callback failed").exc_info[1]) == "of the callback"


async def test_waiting_for_the_end_of_a_stream(net):
    app = server()
    reasons = []

    @app.get("/")
    async def handler(res):
        stream = res.stream()

        async def wait():
            reasons.append((await stream.wait_closed()).reason)

        tasks = [asyncio.create_task(wait()) for _ in range(3)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        await asyncio.gather(tasks[0], return_exceptions=True)
        stream.end()
        await asyncio.gather(*tasks[1:])
        reasons.append((await stream.wait_closed()).reason)

    async with net.serving(app) as site:
        await site.get("/")
        await until(lambda: len(reasons) == 3)
    assert reasons == ["ended"] * 3

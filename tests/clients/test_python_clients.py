"""httpx2's own reader of event streams, and aiohttp: events as they come, a cut as an error, a leaver as one."""

import asyncio

import pytest

from kito import Event, server
from kito.testing import AsyncTestClient, TestClient
from tests.clients.visits import wait_until
from tests.conftest import require_module


@pytest.fixture
def app():
    app = server()
    app.go_on = asyncio.Event()
    app.ends = []

    @app.sse("/events")
    async def events():
        yield Event({"n": 1}, "tick", id=7, retry=100)
        yield "two\nlines\r\nand three"
        yield Event("last", id="")

    @app.get("/cut")
    async def cut(res):
        sse = res.sse()
        await sse.send("half")
        await app.go_on.wait()
        sse.abort()

    @app.get("/open")
    async def opened(res):
        sse = res.sse()
        sse.on_close(lambda end: app.ends.append(end.reason))
        sse.send("here")
        await sse.wait_closed()

    @app.post("/go")
    def go():
        app.go_on.set()
        return "gone on"

    return app


SEEN = [("tick", '{"n":1}', "7", 100), ("message", "two\nlines\nand three", "7", None), ("message", "last", "", None)]


def test_httpx2_reads_events(app):
    httpx2 = require_module("httpx2")
    with TestClient(app) as running, httpx2.Client(base_url=running.origin, timeout=5, trust_env=False) as client:
        with client.sse("/events") as source:
            assert [(event.event, event.data, event.id, event.retry) for event in source] == SEEN
        with client.sse("/cut") as source:
            events = iter(source)
            assert next(events).data == "half"
            assert running.post("/go").text == "gone on"
            with pytest.raises(httpx2.RemoteProtocolError):
                next(events)


def test_httpx2_leaves(app):
    httpx2 = require_module("httpx2")
    with TestClient(app) as running, httpx2.Client(base_url=running.origin, timeout=5, trust_env=False) as client:
        with client.sse("/open") as source:
            events = iter(source)
            assert next(events).data == "here"
            assert app.ends == []
        wait_until(lambda: app.ends, "the stream has not ended")
    assert app.ends == ["client_left"]


def test_aiohttp_reads_chunk_by_chunk_sees_a_cut_and_leaves(app):
    aiohttp = require_module("aiohttp")

    async def test():
        timeout = aiohttp.ClientTimeout(total=5)
        async with AsyncTestClient(app) as running, aiohttp.ClientSession(running.origin, timeout=timeout) as session:
            async with session.get("/events") as response:
                assert response.content_type == "text/event-stream"
                lines = [line async for line in response.content]
                assert lines[:5] == [b"event: tick\n", b"id: 7\n", b"retry: 100\n", b'data: {"n":1}\n', b"\n"]
                assert lines[-3:] == [b"id\n", b"data: last\n", b"\n"] or lines[-3:] == [
                    b"id: \n",
                    b"data: last\n",
                    b"\n",
                ]
            async with session.get("/cut") as response:
                assert await response.content.readany() == b"data: half\n\n"
                app.go_on.set()
                with pytest.raises(aiohttp.ClientPayloadError):
                    await response.read()
            async with session.get("/open") as response:
                assert await response.content.readany() == b"data: here\n\n"
        assert app.ends == ["client_left"]

    asyncio.run(test())

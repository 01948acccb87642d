"""What lives how long: nothing outlives its connection, and idle connections hold next to nothing.

Counted without the garbage collector: what needs it to go away would pile up between its runs.
"""

import asyncio
import gc
import logging

import pytest

from kito import Timeouts
from kito._core.debug import live_objects
from kito.app import App

from .rig import serving

HOST = b"host: x\r\n"


@pytest.fixture
def no_collector():
    gc.disable()
    yield
    gc.enable()


def make_app():
    app = App()
    app.get("/", lambda res: res.send("x"))
    app.post("/", lambda req, res: res.send(req.body))

    @app.get("/stream")
    async def stream(res):
        stream = res.stream()
        stream.write("a")
        await asyncio.get_running_loop().create_future()

    @app.get("/events")
    async def events(res):
        async with res.sse() as sse:
            await sse.send("a")

    @app.get("/generator")
    async def generator():
        yield "a"
        await asyncio.get_running_loop().create_future()

    @app.get("/fails")
    def fails(req, res):
        raise RuntimeError(req.url)

    @app.get("/wait")
    async def wait(req, res):
        await asyncio.get_running_loop().create_future()

    return app


INPUTS = {
    "nothing": b"",
    "part of a head": b"GET / HT",
    "part of a body": b"POST / HTTP/1.1\r\n" + HOST + b"content-length: 5\r\n\r\n123",
    "answered": b"GET / HTTP/1.1\r\n" + HOST + b"\r\n",
    "pipelined": b"GET / HTTP/1.1\r\n" + HOST + b"\r\nGET /events HTTP/1.1\r\n" + HOST + b"\r\n",
    "streaming": b"GET /stream HTTP/1.1\r\n" + HOST + b"\r\n",
    "streaming with requests behind": b"GET /stream HTTP/1.1\r\n"
    + HOST
    + b"\r\nGET / HTTP/1.1\r\n"
    + HOST
    + b"\r\n" * 2,
    "generating": b"GET /generator HTTP/1.1\r\n" + HOST + b"\r\n",
    "failing": b"GET /fails HTTP/1.1\r\n" + HOST + b"\r\n",
    "waiting": b"GET /wait HTTP/1.1\r\n" + HOST + b"\r\n",
    "refused": b"NONSENSE\r\n\r\n",
    "refused behind a stream": b"GET /stream HTTP/1.1\r\n" + HOST + b"\r\nNONSENSE\r\n\r\n",
    "last": b"GET / HTTP/1.0\r\n\r\n",
}


@pytest.mark.parametrize("end", ["leave", "abort", "time"])
@pytest.mark.parametrize("data", INPUTS.values(), ids=INPUTS)
def test_nothing_outlives_its_connection(no_collector, monkeypatch, data, end):
    monkeypatch.setattr(logging.getLogger("kito"), "propagate", False)  # the test runner would keep tracebacks
    timeouts = Timeouts(head=1, body=1, keep_alive=1, handler=1)
    with serving(make_app(), timeouts=timeouts) as rig:
        before = live_objects()
        peer = rig.connect()
        peer.send(data)
        assert live_objects()["connections"] == before["connections"] + 1
        if end == "time":
            rig.tick(10)
        if end == "abort":
            rig.call(peer.protocol.abort)
        else:
            peer.leave()
        for task in rig.state.dispatcher.tasks:  # without a stream a handler runs to its end
            rig.loop.call_soon(task.cancel)
            del task
        del peer
        rig.loop.settle()
        rig.log.records.clear()
        left = live_objects()
        left["readers"] = max(left["readers"] - 1, before["readers"])  # one waits for the next connection
        assert left == before
        assert rig.state.connections == set()
        assert rig.state.dispatcher.tasks == {}


def test_idle_connections_hold_no_parser(no_collector):
    with serving(make_app()) as rig:
        before = live_objects()
        peers = [rig.connect() for _ in range(50)]
        for peer in peers:
            peer.send(INPUTS["answered"])
        now = live_objects()
        assert now["connections"] == before["connections"] + 50
        assert now["exchanges"] == before["exchanges"]
        assert now["readers"] <= before["readers"] + 1
        for peer in peers:
            peer.leave()


def test_connections_with_open_streams_hold_no_parser(no_collector):
    with serving(make_app()) as rig:
        before = live_objects()
        peers = [rig.connect() for _ in range(50)]
        for peer in peers:
            peer.send(INPUTS["streaming"])
        now = live_objects()
        assert now["exchanges"] == before["exchanges"] + 50
        assert now["readers"] <= before["readers"] + 1
        for peer in peers:
            peer.leave()


def test_the_pool_of_parsers_is_bounded(no_collector):
    with serving(make_app()) as rig:
        before = live_objects()["readers"]
        peers = [rig.connect() for _ in range(200)]
        for peer in peers:
            peer.send(b"GET / HT")
        assert live_objects()["readers"] == before + 200
        for peer in peers:
            peer.send(INPUTS["answered"][len(b"GET / HT") :])
        assert live_objects()["readers"] <= before + 64
        for peer in peers:
            peer.leave()

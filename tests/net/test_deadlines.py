"""What time does over real sockets: heartbeats in silence, and every deadline with its answer. A tick is a second."""

import asyncio

import pytest

from kito import Timeouts, server
from tests.support.wire import request, soon

pytestmark = pytest.mark.wirings("uvloop-tcp")  # the clock is the core's own; a second here is a second

TICKS_S = 3.0  # seconds in which a deadline of one second has certainly come


async def test_heartbeats_fill_silence_and_nothing_else(net):
    app = server()

    @app.get("/quiet")
    async def quiet(res):
        await res.sse(heartbeat=1).wait_closed()

    @app.get("/off")
    async def off(res):
        await res.sse(heartbeat=0).wait_closed()

    @app.get("/default")
    async def default(res):
        await res.sse().wait_closed()

    @app.get("/busy")
    async def busy(res):
        sse = res.sse(heartbeat=1)
        while True:
            sse.send("x")
            await asyncio.sleep(0.1)

    loop = asyncio.get_running_loop()
    async with net.serving(app) as site:
        wires = {}
        for name in ("/quiet 1.1", "/quiet 1.0", "/off 1.1", "/default 1.1", "/busy 1.1"):
            path, version = name.split()
            wires[name] = await site.connect()
            await wires[name].get(path, version=version)
            await wires[name].head()
        start = loop.time()
        for _ in range(2):
            assert await wires["/quiet 1.1"].chunk() == b":\n\n"
        assert 2 <= loop.time() - start < 5
        assert await wires["/quiet 1.0"].exactly(6) == b":\n\n:\n\n"
        assert wires["/off 1.1"].arrived() == 0
        assert wires["/default 1.1"].arrived() == 0
        for _ in range(25):  # of more than two seconds
            assert await wires["/busy 1.1"].chunk() == b"data: x\n\n"


async def check_head(site):
    wire = await site.connect()
    await wire.send(b"GET / HTTP/1.1\r\nhost: a\r\n")
    answer = await wire.answer()
    assert answer.status == 408
    assert answer.head.get("connection") == "close"
    await wire.ended()


async def check_dripping_head(site):
    """The time of a head is a total: bytes that go on coming do not stretch it."""
    wire = await site.connect()
    for byte in b"GET / HTTP/1.1\r\nhost: a\r\nx-slow: yes yes yes yes yes":
        await wire.send(bytes([byte]))
        await asyncio.sleep(0.1)
        if wire.arrived():
            break
    assert (await wire.answer()).status == 408


async def check_silent_connection(site):
    wire = await site.connect()
    await wire.ended()


async def check_body(site):
    wire = await site.connect()
    await wire.send(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nab")
    assert (await wire.answer()).status == 408
    await wire.ended()


async def check_keep_alive(site):
    wire = await site.connect()
    await wire.get("/")
    assert (await wire.answer()).status == 200
    await wire.ended()


async def check_later_head(site):
    wire = await site.connect()
    await wire.send(request("/") + b"GET / HTTP/1.1\r\n")
    assert (await wire.answer()).status == 200
    assert (await wire.answer()).status == 408
    await wire.ended()


async def check_handler(site):
    wire = await site.connect()
    await wire.get("/stuck")
    answer = await wire.answer()
    assert answer.status == 503
    assert answer.head.get("connection") == "close"


async def check_open_stream(site):
    """An open stream is an answer: nothing of this ends it."""
    wire = await site.connect()
    await wire.get("/stream")
    await wire.head()
    await asyncio.sleep(TICKS_S)
    assert wire.arrived() == 0
    site.app.go_on.set()
    assert await wire.chunks() == [b"still here"]


CHECKS = [
    check_head,
    check_dripping_head,
    check_silent_connection,
    check_body,
    check_keep_alive,
    check_later_head,
    check_handler,
    check_open_stream,
]


async def test_every_deadline_has_its_answer(net):
    app = server(timeouts=Timeouts(head=1, body=1, keep_alive=1, handler=1))
    app.go_on = asyncio.Event()
    cancelled = asyncio.Event()
    app.get("/", lambda: "x")
    app.post("/", lambda: "x")

    @app.get("/stuck")
    async def stuck():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    @app.get("/stream")
    async def stream(res):
        stream = res.stream()
        await app.go_on.wait()
        stream.end("still here")

    async with net.serving(app) as site:
        start = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as group:
            for check in CHECKS:
                group.create_task(check(site), name=check.__name__)
        assert asyncio.get_running_loop().time() - start > 1
        await soon(cancelled.wait())


@pytest.mark.wirings("uvloop-tcp", "asyncio-unix")
async def test_a_reader_that_takes_nothing_is_dropped(net):
    app = server(timeouts=Timeouts(write=1))
    ended = asyncio.get_running_loop().create_future()

    @app.get("/stream")
    async def stream(res):
        stream = res.stream()
        stream.on_close(ended.set_result)
        while True:
            await stream.write(b"x" * 32768)

    app.get("/plain", lambda: b"x" * 2**23)
    async with net.serving(app) as site:
        wires = [await site.connect(receive_buffer=4096) for _ in range(3)]
        await wires[0].get("/stream")
        await wires[1].get("/plain")
        await wires[2].get("/plain", version="1.0")
        assert (await soon(ended)).reason == "timeout"
        for wire in wires:
            await asyncio.wait_for(wire.gone(), TICKS_S)
        assert app.stats["ends"] == {"timeout": 1}


async def test_a_keep_alive_of_zero_closes_behind_each_answer(net):
    app = server(timeouts=Timeouts(keep_alive=0))
    app.get("/", lambda: "x")
    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        assert (await wire.answer()).head.get("connection") == "close"
        await wire.ended()

"""When bytes leave: once at the end of a loop turn, at once when much is pending or on flush(), never later."""

import asyncio
import sys

import pytest

from kito import Event, server

KIB = 1024
CORK = 64 * KIB

segments = pytest.mark.skipif(sys.platform != "linux", reason="TCP_INFO, which counts segments, is Linux'")
tcp = pytest.mark.wirings("uvloop-tcp", "asyncio-tcp")


async def read_all(wire):
    """Read one chunked answer, and count the segments in which it came."""
    before = wire.segments()
    await wire.get("/")
    answer = await wire.answer()
    return answer.chunks, wire.segments() - before


@segments
@tcp
async def test_the_frames_of_one_turn_leave_in_one_system_call(net):
    app = server()

    @app.get("/")
    def handler(res):
        stream = res.stream()
        for index in range(100):
            stream.write(f"{index}\n")
        stream.end("last")

    async with net.serving(app) as site:
        wire = await site.connect()
        for _ in range(2):
            chunks, count = await read_all(wire)
            assert len(chunks) == 101
            assert count == 1


@segments
@tcp
async def test_the_frames_of_a_later_turn_leave_in_one_system_call_each(net):
    app = server()
    shared = Event("shared")

    @app.get("/")
    async def handler(res):
        sse = res.sse()
        await asyncio.sleep(0.01)
        sse.send("own")
        sse.send(shared)
        sse.comment("note")
        sse.send(shared)
        await asyncio.sleep(0.01)
        sse.send(shared)
        await asyncio.sleep(0.01)
        sse.send("x")
        sse.close()

    async with net.serving(app) as site:
        wire = await site.connect()
        chunks, count = await read_all(wire)
    assert len(chunks) == 6
    assert count == 4  # the head, and three turns with frames


@segments
@tcp
async def test_pieces_by_reference_leave_with_the_small_ones_around_them(net):
    app = server()

    @app.get("/")
    def handler(res):
        stream = res.stream()
        stream.write("small")
        stream.write(b"x" * 20 * KIB)
        stream.end("small")

    async with net.serving(app) as site:
        wire = await site.connect()
        chunks, count = await read_all(wire)
    assert [len(chunk) for chunk in chunks] == [5, 20 * KIB, 5]
    assert count == 1


@segments
@tcp
async def test_pipelined_answers_leave_in_one_system_call(net):
    app = server()
    app.get("/", lambda: "x")
    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.send(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n" * 16)
        for _ in range(16):
            assert (await wire.answer()).body == b"x"
        assert wire.segments() == 1


@pytest.mark.parametrize("kind", ["stream", "sse", "generator"])
async def test_the_head_leaves_before_anything_is_written(net, kind):
    app = server()
    proceed = asyncio.Event()

    if kind == "generator":

        @app.get("/")
        async def pieces():
            yield "first"
            await proceed.wait()
            yield "rest"
    else:

        @app.get("/")
        async def handler(res):
            writer = res.stream() if kind == "stream" else res.sse()
            await proceed.wait()
            writer.end("rest") if kind == "stream" else writer.close()

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        assert (await wire.head()).status == 200
        if kind == "generator":
            assert await wire.chunk() == b"first"
        proceed.set()
        await wire.chunks()


async def test_every_write_leaves_with_its_turn(net):
    app = server()
    turn = asyncio.Condition()
    written = []

    @app.get("/")
    async def handler(res):
        async with turn, res.stream() as stream:
            for index in range(5):
                stream.write(str(index))
                written.append(index)
                await turn.wait()

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await wire.head()
        for index in range(5):  # the handler goes on only when this chunk is here
            assert await wire.chunk() == str(index).encode()
            assert written[-1] == index
            async with turn:
                turn.notify()
        assert await wire.chunk() is None


@pytest.mark.parametrize("piece", [KIB, 20 * KIB])
async def test_much_leaves_at_once(net, piece):
    app = server()
    arrived = []

    async with net.serving(app) as site:
        wire = await site.connect()

        @app.get("/")
        def handler(res):
            stream = res.stream()
            for _ in range(CORK // piece + 1):
                arrived.append(wire.arrived())
                stream.write(b"x" * piece)
            arrived.append(wire.arrived())
            stream.end()

        await wire.get("/")
        assert sum(len(chunk) for chunk in (await wire.answer()).chunks) == (CORK // piece + 1) * piece
    assert arrived[: CORK // piece - 1] == [0] * (CORK // piece - 1)
    assert arrived[-1] >= CORK


async def test_flush_does_not_wait_for_the_end_of_the_turn(net):
    app = server()
    arrived = []

    async with net.serving(app) as site:
        wire = await site.connect()

        @app.get("/")
        def handler(res):
            stream = res.stream()
            stream.write("x")
            arrived.append(wire.arrived())
            stream.flush()
            arrived.append(wire.arrived())
            stream.flush()
            arrived.append(wire.arrived())
            stream.end()

        await wire.get("/")
        assert (await wire.answer()).chunks == [b"x"]
    assert arrived[0] == 0
    assert arrived[1] > 0
    assert arrived[2] == arrived[1]


async def test_a_writer_that_fails_does_not_stop_the_others(net):
    """Two streams are written to in one turn; the client of the first has gone."""
    app = server()
    streams = {}

    @app.get("/:name")
    async def handler(res, name):
        streams[name] = res.stream()
        await streams[name].wait_closed()

    async with net.serving(app) as site:
        first, second = await site.connect(), await site.connect()
        for name, wire in (("first", first), ("second", second)):
            await wire.get(f"/{name}")
            await wire.head()
        first.reset()
        streams["first"].write("into the void")
        streams["second"].write("here")
        assert await second.chunk() == b"here"
        streams["second"].end()
        assert await second.chunk() is None
        await streams["first"].wait_closed()

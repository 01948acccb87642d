"""A slow reader of a huge stream costs the memory that is promised, and its neighbours nothing."""

import asyncio
import gc
import tracemalloc

import pytest

from kito import Limits, server
from tests.support.wire import soon, until

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB
PIECE = bytes(64 * KIB)
MEMORY = 2 * MIB  # that one slow reader may cost
READS = 12  # of 64 KiB, 1/16 s apart: 1 MiB a second
KERNEL = 5 * MIB  # bytes; more than the kernel keeps for one connection that is not read
NEIGHBOURS = 50
EVENTS = 30  # to each of them

pytestmark = pytest.mark.wirings("uvloop-tcp", "asyncio-tcp")


async def read_slowly(wire):
    for _ in range(READS):
        await wire.exactly(64 * KIB)
        await asyncio.sleep(1 / 16)


async def test_a_gibibyte_for_a_slow_reader_is_not_held(net):
    """Only the producer decides how much of it there is: it waits, however often it is let on."""
    app = server()
    written = []

    @app.get("/")
    async def handler(res):
        async with res.stream() as stream:
            for _ in range(GIB // len(PIECE)):
                await stream.write(PIECE)
                written.append(len(PIECE))

    async with net.serving(app) as site:
        wire = await site.connect(receive_buffer=4096)
        await wire.get("/")
        await wire.head()
        gc.collect()
        tracemalloc.start()
        try:
            await read_slowly(wire)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert app.stats["backlog"] < MEMORY
        assert sum(written) < READS * 64 * KIB + KERNEL + MEMORY
        assert peak < MEMORY + READS * 64 * KIB  # what the reader of this test holds is in it
        wire.reset()
        await until(lambda: app.stats["ends"])


@pytest.mark.parametrize("overflow", ["drop_oldest", "latest"])
async def test_neighbours_of_a_slow_reader_miss_nothing(net, overflow):
    """One event after the other to all: who reads has each of them at once, whatever the slow one does."""
    app = server(limits=Limits(max_backlog=256 * KIB))
    writers = []

    @app.get("/")
    async def handler(res):
        sse = res.sse(overflow=overflow)
        writers.append(sse)
        await sse.wait_closed()

    async with net.serving(app) as site:
        slow = await site.connect(receive_buffer=4096)
        await slow.get("/")
        await slow.head()
        wires = [await site.connect() for _ in range(NEIGHBOURS)]
        for wire in wires:
            await wire.get("/")
            await wire.head()
        while writers[0].dropped == 0:  # the one that does not read falls behind
            writers[0].send("x" * 32 * KIB)
            await asyncio.sleep(0)
        for number in range(EVENTS):
            for sse in writers:
                sse.send(f"{number}")
            chunks = await soon(asyncio.gather(*(wire.chunk() for wire in wires)))
            assert chunks == [b"data: %d\n\n" % number] * NEIGHBOURS
        assert [sse.dropped for sse in writers[1:]] == [0] * NEIGHBOURS
        assert writers[0].dropped > 0
        assert app.stats["backlog"] < KERNEL
        slow.reset()

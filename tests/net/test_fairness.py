"""A producer that never has to wait does not have the loop alone: by bytes, by number, and by time."""

import asyncio
import time

import pytest

from kito import server

WRITES = 5000  # several times what one turn of the loop allows
SLOW_S = 0.003  # what an item of a busy producer costs


def sync_generator(item, count):
    def pieces():
        for _ in range(count):
            yield item()

    return pieces


def async_generator(item, count):
    async def pieces():
        for _ in range(count):
            yield item()

    return pieces


def awaited_writes(item, count):
    async def handler(res):
        stream = res.stream()
        for _ in range(count):
            await stream.write(item())
        await stream.end()

    return handler


producers = pytest.mark.parametrize("make", [sync_generator, async_generator, awaited_writes])


async def turns_of(net, make, item, count):
    """How often everybody else had a turn between the first and the last item."""
    app = server()
    turns, seen = 0, []

    def counted():
        seen.append(turns)
        return item()

    async def count_turns():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    app.get("/", make(counted, count))
    async with net.serving(app) as site:
        counter = asyncio.ensure_future(count_turns())
        await site.get("/")
        counter.cancel()
    assert len(seen) == count
    return seen[-1] - seen[0]


@pytest.mark.wirings("uvloop-tcp", "asyncio-tcp")
@producers
@pytest.mark.parametrize("item", ["x", ""], ids=["tiny", "empty"])
async def test_many_small_items(net, make, item):
    assert await turns_of(net, make, lambda: item, WRITES) >= WRITES // 1024 - 1


@pytest.mark.wirings("uvloop-tcp", "asyncio-tcp")
@producers
async def test_a_few_slow_items(net, make):
    def item():
        time.sleep(SLOW_S)
        return "x"

    # the second item of a turn begins its time, the third, sixth ... look at it: 5 ms are over with the sixth
    assert await turns_of(net, make, item, 32) >= 32 // 6 - 1


@pytest.mark.wirings("uvloop-tcp", "asyncio-tcp")
@producers
async def test_a_hundred_items_leave_in_one_turn(net, make):
    app = server()
    app.get("/", make(lambda: "x", 100))
    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        head = await wire.head()
        assert head.status == 200
        segments = wire.segments()
        assert len(await wire.chunks()) == 100
        assert wire.segments() - segments <= 1

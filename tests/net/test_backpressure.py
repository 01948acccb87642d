"""Slow readers: awaiting producers pause at the high-water mark, others are bounded by max_backlog, nothing is lost."""

import array
import asyncio

import pytest

from kito import Limits, Timeouts, server
from tests.support.wire import soon, until

KIB = 1024
MIB = 1024 * KIB
SMALL = 4 * KIB  # bytes; a receive buffer that is full at once
PIECE = 32 * KIB  # bytes
KERNEL = 5 * MIB  # bytes; more than the kernel keeps for one connection that is not read
BIG = 8 * MIB  # bytes; more than kernel, cork and backlog together
PATIENT = Limits(max_backlog=64 * MIB)


def body(size):
    """A body in which every piece can be told from every other."""
    return array.array("I", range(size // 4)).tobytes()


async def slow(site, **options):
    """A connection whose client does not read by itself."""
    return await site.connect(receive_buffer=SMALL, **options)


async def test_a_ready_write_returns_one_shared_object(net):
    app = server()
    outcomes = []

    @app.get("/")
    async def handler(res):
        async with res.stream() as stream:
            outcomes.extend([stream.write("a"), stream.write("b"), stream.write(""), stream.writelines(["c"])])
            assert await stream.write("d") is None

    async with net.serving(app) as site:
        await site.get("/")
    assert all(outcome is outcomes[0] for outcome in outcomes)


def add_paced(app, sent, whole):
    """A route that streams `whole` with awaited writes; `sent` is where each piece began."""

    @app.get("/")
    async def handler(res):
        async with res.stream() as stream:
            for start in range(0, len(whole), PIECE):
                sent.append(start)
                await stream.write(whole[start : start + PIECE])


async def stalled(sent):
    """Wait until a producer goes no further."""
    await until(lambda: sent)
    before = -1
    while before != len(sent):
        before = len(sent)
        await asyncio.sleep(0.03)


async def test_an_awaiting_producer_pauses_and_goes_on(net):
    app = server()
    sent, whole = [], body(BIG)
    add_paced(app, sent, whole)
    async with net.serving(app) as site:
        wire = await slow(site)
        await wire.get("/")
        await stalled(sent)
        assert len(sent) * PIECE < KERNEL + 3 * PIECE + 64 * KIB
        same = (await wire.answer()).body == whole
        assert same
        assert len(sent) == len(whole) // PIECE
        assert app.stats["ends"] == {"ended": 1}


async def test_the_high_water_mark_is_where_it_was_set(net):
    counts = []
    for high_water in (16 * KIB, 4 * MIB):
        app = server(limits=Limits(high_water=high_water, max_backlog=4 * MIB))
        sent = []
        add_paced(app, sent, body(16 * MIB))
        async with net.serving(app) as site:
            wire = await slow(site)
            await wire.get("/")
            await stalled(sent)
            counts.append(len(sent) * PIECE)
            wire.reset()
            await asyncio.sleep(0)
    assert counts[1] - counts[0] > 2 * MIB


def over_the_mark(stream):
    """Write more than the kernel and the high-water mark take; the backlog of `PATIENT` allows it."""
    for _ in range(BIG // PIECE):
        stream.write(bytes(PIECE))


async def test_every_waiting_producer_is_woken(net):
    app = server(limits=PATIENT)
    waiting, finished = asyncio.Event(), []

    @app.get("/")
    async def handler(res):
        async with res.stream() as stream:
            over_the_mark(stream)

            async def produce():
                await stream.write("behind the mark")
                finished.append(True)

            async with asyncio.TaskGroup() as group:
                for _ in range(3):
                    group.create_task(produce())
                await asyncio.sleep(0.01)
                waiting.set()

    async with net.serving(app) as site:
        wire = await slow(site)
        await wire.get("/")
        await soon(waiting.wait())
        assert not finished
        chunks = (await wire.answer()).chunks
        assert len(finished) == 3
    assert chunks[-3:] == [b"behind the mark"] * 3


async def test_a_producer_may_give_up_waiting_and_write_on(net):
    app = server(limits=PATIENT)
    gave_up = asyncio.Event()

    @app.get("/")
    async def handler(res):
        async with res.stream() as stream:
            over_the_mark(stream)
            try:
                async with asyncio.timeout(0.01):
                    await stream.write("waited for")
            except TimeoutError:
                gave_up.set()
            await stream.write("last")

    async with net.serving(app) as site:
        wire = await slow(site)
        await wire.get("/")
        await soon(gave_up.wait())
        assert (await wire.answer()).chunks[-2:] == [b"waited for", b"last"]


@pytest.mark.parametrize("turns", ["one turn", "many turns"])
@pytest.mark.parametrize("kind", ["stream", "sse"])
async def test_a_producer_that_does_not_await_is_bounded(net, kind, turns):
    app = server()
    done = asyncio.get_running_loop().create_future()
    ends = []

    @app.get("/", on_disconnect="detach")
    async def handler(res):
        writer = res.stream() if kind == "stream" else res.sse()
        writer.on_close(ends.append)
        write = writer.write if kind == "stream" else writer.send
        for _ in range(2 * BIG // PIECE):
            write(b"x" * PIECE)
            if turns == "many turns":
                await asyncio.sleep(0)
        done.set_result((writer.closed, writer.bytes_sent))

    async with net.serving(app) as site:
        wire = await slow(site)
        await wire.get("/")
        closed, sent = await soon(done)
        assert closed
        assert MIB <= sent < KERNEL + MIB + 64 * KIB + 2 * PIECE
        assert [end.reason for end in ends] == ["overflow"]
        assert app.stats["ends"] == {"overflow": 1}
        assert net.logged("behind: disconnected").levelname == "WARNING"  # and that once
        await wire.head()
        await wire.truncated()


async def test_max_backlog_is_where_it_was_set(net):
    sizes = []
    for max_backlog in (64 * KIB, 4 * MIB):
        app = server(limits=Limits(max_backlog=max_backlog))
        ended = asyncio.get_running_loop().create_future()

        @app.get("/")
        def handler(res, ended=ended):
            stream = res.stream()
            stream.on_close(ended.set_result)
            while not stream.closed and stream.bytes_sent < 32 * MIB:
                stream.write(b"x" * PIECE)

        async with net.serving(app) as site:
            wire = await slow(site)
            await wire.get("/")
            sizes.append((await soon(ended)).bytes_sent)
        net.logged("behind: disconnected")
    assert sizes[1] - sizes[0] > 2 * MIB


async def test_neighbours_of_a_slow_reader_do_not_notice(net):
    app = server()
    streams = []
    both = asyncio.Event()

    @app.get("/")
    async def handler(res):
        streams.append(res.stream())
        if len(streams) == 2:
            both.set()
        await streams[-1].wait_closed()

    async with net.serving(app) as site:
        sluggish, healthy = await slow(site), await site.connect()
        for wire in (sluggish, healthy):
            await wire.get("/")
        await healthy.head()
        await soon(both.wait())
        for index in range(BIG // PIECE):
            for stream in streams:
                stream.write(index.to_bytes(4, "big") * (PIECE // 4))
            assert (await healthy.chunk())[:4] == index.to_bytes(4, "big")
        streams[1].end()
        assert await healthy.chunk() is None
        assert app.stats["ends"] == {"overflow": 1, "ended": 1}
        net.logged("behind: disconnected")


@pytest.mark.wirings("uvloop-tcp", "asyncio-unix")
@pytest.mark.parametrize("how", ["plain", "one awaited write", "last write"])
async def test_one_big_piece_arrives_whole(net, how):
    app = server()
    whole = body(BIG)

    @app.get("/")
    async def handler(res):
        if how == "plain":
            return whole
        stream = res.stream()
        if how == "one awaited write":
            await stream.write(whole)
            await stream.end()
        else:
            stream.end(whole)
        return None

    async with net.serving(app) as site:
        wire = await slow(site)
        await wire.get("/")
        answer = await wire.answer()
        same = answer.body == whole
        assert same, len(answer.body)
        await wire.get("/nowhere")
        assert (await wire.answer()).status == 404


@pytest.mark.wirings("uvloop-unix", "asyncio-tcp")
async def test_the_last_answer_of_a_connection_may_be_read_slowly(net):
    """Closing waits for what is pending: as long as the client takes something, by the write deadline alone."""
    app = server(timeouts=Timeouts(write=10))
    whole = body(BIG)
    app.get("/", lambda: whole)
    async with net.serving(app) as site:
        wires = [await slow(site) for _ in range(3)]
        await wires[0].get("/", version="1.0")
        await wires[1].get("/", "connection: close")
        await wires[2].get("/")
        wires[2].finish()
        for wire in wires:
            assert (await wire.head()).status == 200
        await asyncio.sleep(2.5)  # longer than a closing connection lingers
        for wire in wires:
            received = await wire.rest()
            same = received == whole
            assert same, len(received)

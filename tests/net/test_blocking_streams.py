"""Streams of handlers in threads: writes wait there, arrive in batches, and tell of a client that has left."""

import asyncio
import threading
import time

import pytest

from kito import ConnectionClosed, HTTPError, Limits, server
from kito.errors import InvalidEvent, ResponseEnded
from tests.support.threads import PATIENCE_S, Gate, blocking
from tests.support.wire import until


async def test_a_stream(net):
    app = server()

    def handler(res):
        stream = res.type("text").stream()
        stream.write("one")
        stream.write(bytearray(b"two"))
        stream.write("")
        stream.writelines(["three", b"four"])
        stream.flush()
        stream.end("five")
        assert stream.closed
        assert stream.bytes_sent == len("onetwothreefourfive")
        with pytest.raises(ResponseEnded):
            stream.write("more")
        with pytest.raises(ResponseEnded):
            stream.end()
        with pytest.raises(TypeError):
            stream.write(5)

    blocking(app, handler)
    async with net.serving(app) as site:
        answer = await site.get("/")
    assert answer.chunks == [b"one", b"two", b"three", b"four", b"five"]


async def test_events(net):
    app = server()

    def handler(res):
        with res.sse(retry=1500) as sse:
            assert sse.last_event_id == "6"
            sse.send("text")
            sse.send({"a": 1}, "json", id=7)
            sse.send_json("text")
            sse.comment("word")
            with pytest.raises(InvalidEvent):
                sse.send("x", "a\nb")
            with pytest.raises(InvalidEvent):
                sse.comment(5)
            sse.close("bye", "complete")
            assert sse.events_sent == 4
            sse.close()

    blocking(app, handler)
    async with net.serving(app) as site:
        answer = await site.get("/", "last-event-id: 6")
    assert answer.chunks == [
        b"retry: 1500\n\n",
        b"data: text\n\n",
        b'event: json\nid: 7\ndata: {"a":1}\n\n',
        b'data: "text"\n\n',
        b": word\n\n",
        b"event: complete\ndata: bye\n\n",
    ]


@pytest.mark.wirings("asyncio-tcp")  # uvloop's methods cannot be watched
async def test_many_writes_wake_the_loop_once(net, monkeypatch):
    """What a thread writes while the loop is busy arrives in one batch."""
    app = server()
    gate, busy = Gate(), Gate()

    def handler(res):
        with res.stream() as stream:
            stream.flush()
            asyncio.run_coroutine_threadsafe(hold(), loop)
            busy.passed()
            for number in range(100):
                stream.write(f"{number} ")
            gate.set()

    async def hold():
        busy.set()
        gate.wait(PATIENCE_S)  # on the loop: nothing else runs meanwhile

    loop = asyncio.get_running_loop()
    wakes, post = [], loop.call_soon_threadsafe

    def counted(fn, *arguments, **options):
        wakes.append(fn.__name__)
        return post(fn, *arguments, **options)

    monkeypatch.setattr(loop, "call_soon_threadsafe", counted)
    blocking(app, handler)
    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await wire.head()
        chunks = await wire.chunks()
    assert chunks == [f"{number} ".encode() for number in range(100)]
    assert wakes.count("make_calls") == 1


async def test_a_write_waits_in_the_thread_for_a_slow_reader(net):
    app = server(limits=Limits(high_water=65536))
    written = []
    total = 2**24

    def handler(res):
        stream = res.stream()
        for _ in range(total // 2**16):
            stream.write(b"x" * 2**16)
            written.append(2**16)
        stream.end()

    blocking(app, handler)
    async with net.serving(app) as site:
        wire = await site.connect(receive_buffer=4096)
        await wire.get("/")
        await wire.head()
        before = -1
        while before != sum(written):  # until nothing more fits
            before = sum(written)
            await asyncio.sleep(0.05)
        assert before < total
        assert sum(map(len, await wire.chunks())) == total


@pytest.mark.parametrize("leave", ["finish", "reset"])
@pytest.mark.parametrize("producer", ["busy", "waiting", "generator"])
async def test_a_client_that_leaves_is_told_by_the_next_write(net, producer, leave):
    app = server()
    raised = []

    def handler(res):
        stream = res.stream()
        stream.write("first")
        try:
            while True:
                stream.write(b"x" * (2**16 if producer == "waiting" else 10))
                if producer == "busy":
                    time.sleep(0.001)
        except ConnectionClosed as error:
            raised.append(error)
            raise

    def generator():
        try:
            while True:
                yield b"x" * 10
                time.sleep(0.001)
        finally:
            raised.append(GeneratorExit)

    blocking(app, generator if producer == "generator" else handler)
    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await wire.head()
        await wire.chunk()
        getattr(wire, leave)()
        await until(lambda: raised)
        await until(lambda: app.stats["ends"] == {"client_left": 1})


async def test_a_generator(net):
    app = server()
    threads = set()

    def pieces(count):
        threads.add(threading.current_thread())
        for number in range(int(count)):
            yield {"number": number}

    def chunks():
        threads.add(threading.current_thread())
        yield "a"
        yield b"b"

    blocking(app, pieces, "/events/:count", "sse")
    blocking(app, chunks, "/chunks")
    async with net.serving(app) as site:
        assert (await site.get("/events/2")).chunks == [b'data: {"number":0}\n\n', b'data: {"number":1}\n\n']
        assert (await site.get("/chunks")).chunks == [b"a", b"b"]
        assert (await site.get("/chunks", method="HEAD")).status == 200
    assert threading.main_thread() not in threads


async def test_the_head_of_a_slow_generator_is_committed(net):
    app = server()
    gate = Gate()

    def pieces():
        gate.passed()
        yield "first"

    blocking(app, pieces, commit_after=0.01)
    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await wire.head()
        gate.set()
        assert await wire.chunks() == [b"first"]


async def test_a_generator_that_raises_before_its_first_item_has_a_real_status(net):
    app = server()

    def pieces():
        raise HTTPError(409)
        yield

    blocking(app, pieces)
    async with net.serving(app) as site:
        assert (await site.get("/")).status == 409

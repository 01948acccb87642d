"""The client leaves, by FIN or RST, while its stream is idle or writing: the producer stops, cleans up, and is told."""

import asyncio
import socket
import statistics
import sys
import threading
import time

import pytest

from kito import ConnectionClosed, Event, server
from tests.support.wire import RESET_ON_CLOSE, request, soon, until

AWARE_S = 0.25  # seconds from FIN or RST to the producer's `finally`; 0.05 are promised
ROUNDS = 20
FAST_S = 4.0  # seconds after which a producer that is told nothing gives up

leaving = pytest.mark.parametrize("leave", ["finish", "reset", "close"])


class Seen:
    """What a producer went through."""

    def __init__(self):
        self.cleaned = asyncio.get_running_loop().create_future()  # the time, by the clock that uvloop does not round
        self.ends = []
        self.closed = None
        self.error = None

    def clean(self):
        self.cleaned.set_result(time.monotonic())


def add_idle(app, seen):
    @app.get("/")
    async def handler(res):
        stream = res.stream()
        stream.on_close(seen.ends.append)
        try:
            stream.write("first")
            await asyncio.Event().wait()
        except BaseException as error:
            seen.error, seen.closed = error, stream.closed
            raise
        finally:
            seen.clean()


def add_busy(app, seen):
    @app.get("/")
    async def handler(res):
        stream = res.stream()
        stream.on_close(seen.ends.append)
        try:
            stream.write("first")
            while True:
                await stream.write("x" * 100)
                await asyncio.sleep(0.001)
        except BaseException as error:
            seen.error, seen.closed = error, stream.closed
            raise
        finally:
            seen.clean()


def add_paused(app, seen):
    @app.get("/")
    async def handler(res):
        stream = res.stream()
        stream.on_close(seen.ends.append)
        try:
            stream.write("first")
            while True:
                await stream.write(b"x" * 32768)  # until nothing more fits
        except BaseException as error:
            seen.error, seen.closed = error, stream.closed
            raise
        finally:
            seen.clean()


def add_generator(app, seen):
    @app.get("/")
    async def pieces():
        try:
            yield "first"
            await asyncio.Event().wait()
        except BaseException as error:
            seen.error = error
            raise
        finally:
            seen.clean()


def add_events(app, seen):
    @app.sse("/")
    async def events():
        try:
            yield "first"
            while True:
                await asyncio.sleep(0.001)
                yield Event("more")
        except BaseException as error:
            seen.error = error
            raise
        finally:
            seen.clean()


PRODUCERS = {
    "idle": add_idle,
    "busy": add_busy,
    "paused": add_paused,
    "generator": add_generator,
    "events": add_events,
}


@leaving
@pytest.mark.parametrize("producer", PRODUCERS)
async def test_the_producer_is_cancelled_and_cleans_up(net, producer, leave):
    seen = Seen()
    app = server()
    PRODUCERS[producer](app, seen)
    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await wire.head()
        assert b"first" in await wire.chunk()
        left = time.monotonic()
        getattr(wire, leave)()
        assert await soon(seen.cleaned) - left < AWARE_S
        assert isinstance(seen.error, asyncio.CancelledError | GeneratorExit)
        await asyncio.sleep(0)
        assert app.stats["ends"] == {"client_left": 1}
        assert app.stats["streams_open"] == 0
    if producer not in ("generator", "events"):
        assert seen.closed is True
        assert [end.reason for end in seen.ends] == ["client_left"]
        assert seen.ends[0].bytes_sent >= len("first")


@pytest.mark.wirings("uvloop-tcp", "asyncio-tcp")
@pytest.mark.parametrize("producer", ["idle", "busy"])
@pytest.mark.parametrize("leave", ["finish", "reset"])
async def test_how_soon_it_is_noticed(net, leave, producer):
    delays = []
    for _ in range(ROUNDS):
        seen = Seen()
        app = server()
        PRODUCERS[producer](app, seen)
        async with net.serving(app) as site:
            wire = await site.connect()
            await wire.get("/")
            await wire.head()
            left = time.monotonic()
            getattr(wire, leave)()
            delays.append(await soon(seen.cleaned) - left)
    sys.stdout.write(f"{leave}, {producer}: noticed after {statistics.median(delays) * 1000:.2f} ms in the median\n")
    assert statistics.median(delays) < 0.05


async def test_a_sync_generator_is_closed(net):
    app = server()
    closed = asyncio.Event()

    @app.get("/")
    def pieces():
        try:
            while True:
                yield b"x" * 32768
        finally:
            closed.set()

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await wire.head()
        await wire.chunk()
        wire.close()
        await soon(closed.wait())


async def test_a_pumped_source_is_closed(net):
    app = server()
    closed = asyncio.Event()

    async def source():
        try:
            yield "first"
            await asyncio.Event().wait()
        finally:
            closed.set()

    @app.get("/")
    async def handler(res):
        await res.stream(source())

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await wire.head()
        await wire.chunk()
        wire.finish()
        await soon(closed.wait())


def read_and_reset(address, size, left):
    """A client in a thread of its own: it reads as fast as it can, and leaves by RST."""
    with socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET) as sock:
        sock.settimeout(FAST_S)
        sock.connect(address)
        sock.sendall(request("/"))
        while size > 0:
            size -= len(sock.recv(65536))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    left.set()


async def test_a_producer_that_never_has_to_wait_is_told_too(net):
    """Its client keeps up with it until it leaves: no write has to wait, and the loop gets no turn between them."""
    app = server()
    left = threading.Event()
    ended = []

    @app.get("/")
    async def handler(res):
        stream = res.stream()
        give_up = time.monotonic() + FAST_S
        try:
            while time.monotonic() < give_up:
                await stream.write(b"x" * 100)
        except BaseException as error:
            ended.append(type(error))
            raise

    async with net.serving(app) as site:
        client = threading.Thread(target=read_and_reset, args=(site.address, 2**21, left))
        client.start()
        await asyncio.to_thread(client.join)
        assert left.is_set()
        await until(lambda: app.stats["connections"] == 0)
    assert ended[0] in (asyncio.CancelledError, ConnectionClosed)


async def test_idle_connections_end_without_a_word(net):
    async with net.serving(server()) as site:
        for bytes_before in (b"", b"GET / HT", b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nab"):
            wire = await site.connect()
            if bytes_before:
                await wire.send(bytes_before)
            wire.finish()
            answer = await wire.rest()
            assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")
        await until(lambda: not site.app.stats["connections"])

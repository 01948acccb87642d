"""What `res.stream(source)` takes: iterables of both kinds and files; each is sent whole, and closed."""

import asyncio
import io
import threading

import pytest

from kito import server
from tests.support.wire import soon, until

TEXT = bytes(range(256)) * 1024  # four pieces of a file


class Source:
    """An iterable whose iterator can be closed, and remembers it."""

    def __init__(self, items):
        self.items = items
        self.closed = 0

    def __iter__(self):
        return self

    def __next__(self):
        if not self.items:
            raise StopIteration
        return self.items.pop(0)

    def close(self):
        self.closed += 1


class AsyncSource(Source):
    """The same, async."""

    __iter__ = None

    def __aiter__(self):
        return self

    async def __anext__(self):
        await asyncio.sleep(0)
        if not self.items:
            raise StopAsyncIteration
        return self.items.pop(0)

    async def aclose(self):
        await asyncio.sleep(0)
        self.closed += 1


class Made:
    """An iterable whose iterator is a generator of its own."""

    def __init__(self, closed):
        self.closed = closed

    async def __aiter__(self):
        try:
            while True:
                yield "piece"
                await asyncio.sleep(0.001)
        finally:
            self.closed.set()


class SlowFile(io.BytesIO):
    """A file whose reads wait in their thread until they are let go; it knows whether it was closed under one."""

    def __init__(self):
        super().__init__(TEXT)
        self.go_on = threading.Event()
        self.reading = False
        self.threads = set()
        self.closed_while_read = False

    def read(self, size=-1):
        self.threads.add(threading.current_thread())
        self.reading = True
        self.go_on.wait(10)
        try:
            return super().read(size)
        finally:
            self.reading = False

    def close(self):
        self.closed_while_read = self.closed_while_read or self.reading
        super().close()


def stream_of(source, *, method="get"):
    app = server()

    @getattr(app, method)("/")
    async def handler(res):
        await res.stream(source)

    return app


@pytest.mark.parametrize("kind", [Source, AsyncSource])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_an_iterator_is_sent_and_closed(net, kind, method):
    source = kind(["one", b"", b"two"])
    async with net.serving(stream_of(source)) as site:
        answer = await site.get("/", method=method)
    assert answer.body == (b"onetwo" if method == "GET" else b"")
    assert source.closed == 1


@pytest.mark.parametrize("kind", [Source, AsyncSource])
async def test_an_item_that_cannot_be_sent_closes_it_too(net, kind):
    source = kind(["one", 2, "three"])
    async with net.serving(stream_of(source)) as site:
        wire = await site.connect()
        await wire.get("/")
        await wire.head()
        assert await wire.chunk() == b"one"
        await wire.truncated()
    assert source.closed == 1
    net.logged("failed after the head")


@pytest.mark.parametrize("kind", [list, tuple, dict.fromkeys, iter, lambda items: map(str.lower, items)])
async def test_any_iterable_will_do(net, kind):
    async with net.serving(stream_of(kind(["a", "b"]))) as site:
        assert (await site.get("/")).chunks == [b"a", b"b"]


async def test_a_generator_that_an_iterable_makes_is_closed_when_the_client_leaves(net):
    closed = asyncio.Event()
    async with net.serving(stream_of(Made(closed))) as site:
        wire = await site.connect()
        await wire.get("/")
        await wire.head()
        assert await wire.chunk() == b"piece"
        wire.close()
        await soon(closed.wait())


async def test_a_plain_handler_may_return_it(net):
    app = server()
    app.get("/", lambda res: res.type("text").stream(["a", "b"]))
    async with net.serving(app) as site:
        answer = await site.get("/")
    assert answer.chunks == [b"a", b"b"]


@pytest.mark.parametrize("source", ["text", b"bytes", bytearray(b"x"), 5])
async def test_what_is_no_source_is_an_error_before_the_head(net, source):
    app = server()

    @app.get("/")
    async def handler(res):
        with pytest.raises(TypeError, match="iterable of chunks or a file"):
            await res.stream(source)
        res.text("refused")

    async with net.serving(app) as site:
        assert (await site.get("/")).body == b"refused"


async def test_a_file_is_sent_in_pieces_and_closed(net, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(TEXT)
    file = path.open("rb")
    async with net.serving(stream_of(file)) as site:
        answer = await site.get("/")
    assert [len(chunk) for chunk in answer.chunks] == [65536] * 4
    assert answer.body == TEXT
    assert file.closed


async def test_a_text_file_is_sent_as_utf_8(net):
    file = io.StringIO("grün\n")
    async with net.serving(stream_of(file)) as site:
        assert (await site.get("/")).body == "grün\n".encode()


async def test_a_file_is_read_in_a_thread_and_everybody_else_is_served(net):
    file = SlowFile()
    app = stream_of(file)
    app.get("/other", lambda: "served")
    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await until(lambda: file.reading)
        assert (await site.get("/other")).body == b"served"
        file.go_on.set()
        assert (await wire.answer()).body == TEXT
    assert threading.main_thread() not in file.threads
    assert file.closed


async def test_a_file_is_not_closed_under_the_thread_that_reads_it(net):
    file = SlowFile()
    async with net.serving(stream_of(file)) as site:
        wire = await site.connect()
        await wire.get("/")
        await until(lambda: file.reading)
        wire.close()
        await until(lambda: not site.app.stats["connections"])
        assert not file.closed
        file.go_on.set()
        await until(lambda: file.closed)
    assert not file.closed_while_read


async def test_a_file_that_cannot_be_read_truncates(net):
    class Broken(io.BytesIO):
        def read(self, size=-1):
            if self.tell():
                raise OSError("the disk is gone")
            return super().read(10)

    file = Broken(TEXT)
    async with net.serving(stream_of(file)) as site:
        wire = await site.connect()
        await wire.get("/")
        await wire.head()
        assert await wire.chunk() == TEXT[:10]
        await wire.truncated()
    assert file.closed
    net.logged("failed after the head")


async def test_a_file_that_does_not_wait_is_no_source(net):
    class Empty(io.BytesIO):
        def read(self, size=-1):
            return None

    async with net.serving(stream_of(Empty())) as site:
        wire = await site.connect()
        await wire.get("/")
        await wire.head()
        await wire.truncated()
    net.logged("failed after the head")


@pytest.mark.parametrize("method", ["get", "sse"])
async def test_head_starts_no_generator_and_closes_it(net, method):
    started, app = [], server()

    def pieces():
        started.append(True)
        yield "never"

    getattr(app, method)("/", pieces)
    async with net.serving(app) as site:
        assert (await site.get("/", method="HEAD")).status == 200
    assert not started

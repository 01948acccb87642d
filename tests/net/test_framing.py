"""How streamed bodies are framed: one write is one chunk, exact heads, HTTP/1.0, declared lengths, reuse."""

import asyncio

import pytest

from kito import server
from kito.errors import BodyLengthMismatch, ResponseEnded, ResponseStarted

KIB = 1024
OCTETS = "application/octet-stream"


def streaming(write):
    """An app whose route streams what `write(stream)` writes."""
    app = server()

    @app.get("/")
    def handler(res):
        stream = res.stream()
        write(stream)
        stream.end()

    return app


async def test_one_write_is_one_chunk(net):
    def write(stream):
        stream.write("Grüße\r\n")
        stream.write(b"0\r\n\r\n")  # looks like the end
        stream.write(bytearray(b"a"))
        stream.write(memoryview(b"xbcx")[1:3])
        stream.writelines(["d", b"e"])

    async with net.serving(streaming(write)) as site:
        wire = await site.connect()
        await wire.get("/")
        answer = await wire.answer()
    assert answer.head[:3] == ("HTTP/1.1", 200, "OK")
    assert answer.head.undated() == {"content-type": OCTETS, "transfer-encoding": "chunked"}
    assert answer.chunks == ["Grüße\r\n".encode(), b"0\r\n\r\n", b"a", b"bc", b"d", b"e"]


SIZES = (1, 9, 10, 15, 16, 255, 256, 4095, 4096, 16 * KIB - 1, 16 * KIB, 16 * KIB + 1, 64 * KIB, 80 * KIB, 300 * KIB)


@pytest.mark.parametrize("kind", [bytes, bytearray])
async def test_a_write_of_any_size_is_one_chunk(net, kind):
    pieces = [bytes([index]) * size for index, size in enumerate(SIZES)]
    app = server()

    @app.get("/")
    async def handler(res):
        async with res.stream() as stream:
            for piece in pieces:
                await stream.write(kind(piece))

    async with net.serving(app) as site:
        answer = await site.get("/")
    assert [len(chunk) for chunk in answer.chunks] == list(SIZES)
    same = answer.chunks == pieces
    assert same


async def test_small_and_big_pieces_keep_their_order(net):
    pieces = [bytes([65 + index]) * (20 * KIB if index % 3 == 1 else 3) for index in range(12)]

    def write(stream):
        for piece in pieces:
            stream.write(piece)

    async with net.serving(streaming(write)) as site:
        answer = await site.get("/")
    same = answer.chunks == pieces
    assert same, [chunk[:1] for chunk in answer.chunks]


async def test_a_buffer_that_changes_after_the_write_was_copied(net):
    buffer = bytearray(b"x" * 20 * KIB)

    def write(stream):
        stream.write(buffer)
        buffer[:] = b"y" * len(buffer)
        stream.write("z" * 20 * KIB)

    async with net.serving(streaming(write)) as site:
        answer = await site.get("/")
    assert [(chunk[:1], len(chunk)) for chunk in answer.chunks] == [(b"x", 20 * KIB), (b"z", 20 * KIB)]


async def test_empty_writes_are_ignored(net):
    def write(stream):
        for nothing in ("", b"", bytearray(), memoryview(b"")):
            stream.write(nothing)
        stream.write("x")
        stream.writelines(["", b""])
        stream.writelines([])

    async with net.serving(streaming(write)) as site:
        wire = await site.connect()
        for _ in range(2):
            await wire.get("/")
            assert (await wire.answer()).chunks == [b"x"]


async def test_end_may_carry_the_last_chunk(net):
    app = server()
    app.get("/last", lambda res: res.stream().end("last"))
    app.get("/empty", lambda res: res.stream().end(""))
    app.get("/nothing", lambda res: res.stream().end())
    async with net.serving(app) as site:
        wire = await site.connect()
        for path, chunks in (("/last", [b"last"]), ("/empty", []), ("/nothing", [])):
            await wire.get(path)
            assert (await wire.answer()).chunks == chunks


async def test_what_cannot_be_written_is_a_type_error_and_writes_nothing(net):
    raised = []

    def write(stream):
        for value in (None, 7, {"a": 1}, ["a"]):
            try:
                stream.write(value)
            except TypeError as error:
                raised.append(str(error))
        stream.write("x")

    async with net.serving(streaming(write)) as site:
        assert (await site.get("/")).chunks == [b"x"]
    assert len(raised) == 4
    assert "write() takes str, bytes or a buffer, not int" in raised[1]


async def test_the_head_of_a_stream_is_what_the_handler_set(net):
    app = server()

    @app.get("/")
    def handler(res):
        res.status(206).type("json").header("X-One", "1").append("x-two", "a").append("x-two", "b")
        stream = res.stream()
        with pytest.raises(ResponseStarted):
            res.status(500)
        with pytest.raises(ResponseStarted):
            res.header("x-late", "1")
        with pytest.raises(ResponseStarted):
            res.send("late")
        with pytest.raises(ResponseStarted):
            res.stream()
        assert res.headers_sent
        stream.end()

    async with net.serving(app) as site:
        head = (await site.get("/")).head
    assert head.status == 206
    assert [field for field in head.fields if field[0] != "date"] == [
        ("x-one", "1"),
        ("x-two", "a"),
        ("x-two", "b"),
        ("content-type", "application/json"),
        ("transfer-encoding", "chunked"),
    ]


async def test_http_1_0_is_delimited_by_the_close(net):
    async with net.serving(streaming(lambda stream: stream.writelines(["one", "two"]))) as site:
        wire = await site.connect()
        await wire.get("/", "connection: keep-alive", version="1.0")
        head = await wire.head()
        assert head[:3] == ("HTTP/1.1", 200, "OK")
        assert head.undated() == {"content-type": OCTETS, "connection": "close"}
        assert await wire.rest() == b"onetwo"


@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_big_pieces_without_chunks_in_turns_of_their_own(net, version):
    app = server()
    pieces = [b"x", b"a" * 20 * KIB, b"b" * 70 * KIB, b"y", b"c" * 20 * KIB]

    @app.get("/")
    async def handler(res):
        if version == "1.1":
            res.header("content-length", sum(map(len, pieces)))
        async with res.stream() as stream:
            for piece in pieces:
                await stream.write(piece)
                await asyncio.sleep(0.001)

    async with net.serving(app) as site:
        answer = await site.get("/", version=version)
    same = answer.body == b"".join(pieces)
    assert same, len(answer.body)
    assert answer.chunks is None


@pytest.mark.parametrize("kind", ["stream", "sse"])
async def test_the_connection_is_usable_behind_the_end(net, kind):
    app = server()

    @app.get("/")
    async def handler(res):
        writer = res.stream() if kind == "stream" else res.sse()
        await asyncio.sleep(0)
        writer.end("last") if kind == "stream" else writer.close()
        assert writer.closed

    async with net.serving(app) as site:
        wire = await site.connect()
        for _ in range(3):
            await wire.get("/")
            assert (await wire.answer()).chunks == ([b"last"] if kind == "stream" else [])
        assert app.stats["accepted"] == 1


async def test_what_follows_the_end_raises(net):
    app = server()
    raised = []

    @app.get("/")
    def handler(res):
        stream = res.stream()
        stream.end("x")
        for call in (lambda: stream.write("y"), lambda: stream.writelines(["y"]), stream.end, lambda: stream.end("y")):
            try:
                call()
            except ResponseEnded as error:
                raised.append(str(error))
        stream.flush()

    async with net.serving(app) as site:
        assert (await site.get("/")).chunks == [b"x"]
    assert len(raised) == 4
    assert "nothing can be written after end()" in raised[0]


async def test_a_timer_that_writes_behind_the_end_kills_nothing(net):
    app = server()
    late = asyncio.Event()

    @app.get("/")
    def handler(res):
        stream = res.stream()
        loop = asyncio.get_running_loop()
        loop.call_soon(stream.write, "in time")
        loop.call_soon(stream.end)
        loop.call_later(0.01, stream.write, "too late")
        loop.call_later(0.02, late.set)

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        assert (await wire.answer()).chunks == [b"in time"]
        await late.wait()
        record = net.logged("Exception in callback")
        assert isinstance(record.exc_info[1], ResponseEnded)
        await wire.get("/nowhere")
        assert (await wire.answer()).status == 404


async def test_a_declared_length_frames_the_body(net):
    app = server()

    @app.get("/")
    def handler(res):
        stream = res.header("content-length", 5).stream()
        stream.write("ab")
        stream.end("cde")

    async with net.serving(app) as site:
        wire = await site.connect()
        for _ in range(2):
            await wire.get("/")
            answer = await wire.answer()
            assert answer.head.undated() == {"content-type": OCTETS, "content-length": "5"}
            assert answer.body == b"abcde"


async def test_more_than_a_declared_length_is_refused(net):
    app = server()

    @app.get("/")
    def handler(res):
        stream = res.header("content-length", 3).stream()
        stream.write("ab")
        with pytest.raises(BodyLengthMismatch, match="1 bytes more"):
            stream.write("cd")
        stream.end("c")

    async with net.serving(app) as site:
        assert (await site.get("/")).body == b"abc"


async def test_less_than_a_declared_length_is_truncation(net):
    app = server()

    @app.get("/")
    def handler(res):
        stream = res.header("content-length", 3).stream()
        stream.write("ab")
        with pytest.raises(BodyLengthMismatch, match="1 bytes before"):
            stream.end()

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        assert (await wire.head()).get("content-length") == "3"
        assert await wire.rest() == b"ab"

"""compress(): what is coded and what is left alone, and streams of which each event can be read on arrival."""

import asyncio
import json
import zlib

import pytest

from kito import server
from kito.middlewares.compression import compress
from tests.conftest import require_module
from tests.core.event_stream import EventSource
from tests.support.wire import Truncated, soon

CODINGS = ("gzip", "br", "zstd")
TEXT = "A text that says the same again and again. " * 40
pytestmark = pytest.mark.wirings("uvloop-tcp", "asyncio-tcp")


def drained(process, data):
    """Everything that a decoder has to say, which may be more than it gives at once."""
    pieces = [process(data)]
    while pieces[-1]:
        pieces.append(process(b""))
    return b"".join(pieces)


class Decoder:
    """The client's side of a coding: what can be read of the bytes that have come."""

    def __init__(self, coding: str) -> None:
        if coding == "gzip":
            inner = zlib.decompressobj(31)
            self.decode, self.ended = inner.decompress, lambda: inner.eof
        elif coding == "br":
            inner = require_module("brotli").Decompressor()
            self.decode, self.ended = lambda data: drained(inner.process, data), inner.is_finished
        else:
            inner = require_module("zstandard").ZstdDecompressor().decompressobj()
            self.decode, self.ended = inner.decompress, lambda: inner.eof


def whole_app(**options):
    app = server()
    app.use(compress(**options))
    app.get("/text", lambda: TEXT)
    app.get("/json", lambda: [TEXT])
    app.get("/short", lambda: "short")
    app.get("/tagged", lambda res: res.header("etag", '"1"').text(TEXT))
    app.get("/weak", lambda res: res.header("etag", 'W/"1"').text(TEXT))
    app.get("/varied", lambda res: res.vary("accept").text(TEXT))
    app.get("/length", lambda res: res.header("content-length", len(TEXT)).text(TEXT))
    app.get("/image", lambda res: res.type("png").send(TEXT.encode()))
    app.get("/svg", lambda res: res.type("image/svg+xml").send(TEXT.encode()))
    app.get("/octets", TEXT.encode)
    app.get("/coded", lambda res: res.header("content-encoding", "x-own").text(TEXT))
    app.get("/kept", lambda res: res.header("cache-control", "public, No-Transform").text(TEXT))
    app.get("/part", lambda res: res.status(206).header("content-range", "bytes 0-9/20").text(TEXT))
    app.get("/nothing", lambda res: res.status(204).end())
    app.get("/stale", lambda res: res.status(304).header("etag", '"1"').end())

    @app.get("/fails")
    def fails(res):
        res.text("\udc80" * 1000)

    @app.get("/stream")
    async def stream(res):
        async with res.type("text").stream() as writer:
            writer.write(TEXT)

    return app


# === whole bodies ===


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("path", ["/text", "/json", "/svg", "/length"])
async def test_a_whole_body_is_coded(net, coding, path):
    decoder = Decoder(coding)
    async with net.serving(whole_app()) as site:
        answer = await site.get(path, f"accept-encoding: {coding}")
        plain = await site.get(path)
    assert answer.head.get("content-encoding") == coding
    assert answer.head.get("vary") == "accept-encoding"
    assert answer.head.get("content-length") == str(len(answer.body))
    assert len(answer.body) < len(plain.body) / 5
    assert decoder.decode(answer.body) == plain.body
    assert decoder.ended()
    assert plain.head.get("content-encoding") is None
    assert plain.head.get("vary") == "accept-encoding"


@pytest.mark.parametrize("path", ["/image", "/octets", "/coded", "/kept", "/part", "/nothing", "/stale"])
async def test_what_is_left_alone(net, path):
    async with net.serving(whole_app()) as site:
        asked = await site.get(path, "accept-encoding: gzip")
        plain = await site.get(path)
    assert asked.body == plain.body
    for name in ("content-encoding", "vary", "etag", "content-length"):
        assert asked.head.get(name) == plain.head.get(name)
    assert asked.head.get("vary") is None


async def test_sizes_decide(net):
    async with net.serving(whole_app()) as site:
        answer = await site.get("/short", "accept-encoding: gzip")
        assert (answer.body, answer.head.get("content-encoding")) == (b"short", None)
        assert answer.head.get("vary") == "accept-encoding"
    async with net.serving(whole_app(max_size=len(TEXT) - 1)) as site:
        assert (await site.get("/text", "accept-encoding: gzip")).head.get("content-encoding") is None
    async with net.serving(whole_app(min_size=0)) as site:
        assert (await site.get("/short", "accept-encoding: gzip")).head.get("content-encoding") == "gzip"


async def test_the_fields_around_it(net):
    async with net.serving(whole_app(codings=["gzip"])) as site:
        for path, tag in (("/tagged", 'W/"1"'), ("/weak", 'W/"1"')):
            assert (await site.get(path, "accept-encoding: gzip")).head.get("etag") == tag
        assert (await site.get("/tagged")).head.get("etag") == '"1"'
        assert (await site.get("/varied", "accept-encoding: gzip")).head.get("vary") == "accept, accept-encoding"
        assert (await site.get("/text", "accept-encoding: br, zstd")).head.get("content-encoding") is None
        asked = await site.get("/text", "accept-encoding: gzip")
        head = await site.get("/text", "accept-encoding: gzip", method="HEAD")
        assert head.head.undated() == asked.head.undated()
        missing = await site.get("/not-there", "accept-encoding: gzip")
        assert (missing.status, missing.head.get("content-encoding")) == (404, None)


async def test_an_error_of_the_answer_is_readable(net):
    async with net.serving(whole_app(min_size=0)) as site:
        answer = await site.get("/fails", "accept-encoding: gzip")
        assert answer.status == 500
        body = answer.body if answer.head.get("content-encoding") is None else Decoder("gzip").decode(answer.body)
        assert json.loads(body)["error"] == "Internal Server Error"
    net.logged("/fails failed")


async def test_streams_are_left_alone_unless_they_are_asked_for(net):
    async with net.serving(whole_app()) as site:
        answer = await site.get("/stream", "accept-encoding: gzip")
    assert (answer.body, answer.head.get("content-encoding")) == (TEXT.encode(), None)


# === streams ===


def events_app(handler, **options):
    app = server()
    app.get("/", compress(streams=True, **options), handler)
    return app


@pytest.mark.parametrize("coding", CODINGS)
async def test_the_head_comes_at_once_and_each_event_when_it_is_sent(net, coding):
    decoder = Decoder(coding)
    go_on = asyncio.Queue()

    async def handler(res):
        sse = res.sse(retry=1000)
        while (text := await go_on.get()) is not None:
            sse.send(text)
        sse.close()

    async with net.serving(events_app(handler)) as site:
        wire = await site.connect()
        await wire.get("/", f"accept-encoding: {coding}")
        head = await wire.head()  # before anything is sent
        assert head.get("content-encoding") == coding
        assert head.get("vary") == "accept-encoding"
        assert head.get("cache-control") == "no-cache, no-transform"
        assert decoder.decode(await wire.chunk()) == b"retry: 1000\n\n"
        for text in ("one", "two", "x" * 100_000):
            go_on.put_nowait(text)
            event = b"".join([decoder.decode(await soon(wire.chunk()))])
            assert event == f"data: {text}\n\n".encode()
        go_on.put_nowait(None)
        rest = b"".join(decoder.decode(chunk) for chunk in await wire.chunks())
        assert (rest, decoder.ended()) == (b"", True)
        await wire.get("/", f"accept-encoding: {coding}")  # the connection goes on
        go_on.put_nowait(None)
        assert (await wire.answer()).status == 200


def tokens():
    """What a model's chat endpoint streams: a frame of JSON around each token."""
    words = ["streams ", "are ", "rivers ", "of ", "words ", "that ", "a ", "model ", "says ", "one ", "by ", "one "]
    return [
        {
            "id": "chatcmpl-9fR2kM0",
            "object": "chat.completion.chunk",
            "created": 1718000000,
            "model": "model-4",
            "choices": [{"index": 0, "delta": {"content": words[number % len(words)]}, "finish_reason": None}],
        }
        for number in range(300)
    ]


@pytest.mark.parametrize("coding", CODINGS)
async def test_a_token_stream_takes_less_than_forty_percent(net, coding):
    decoder = Decoder(coding)

    async def handler(res):
        sse = res.sse()
        for token in tokens():
            await sse.send(token)
        sse.close()

    async with net.serving(events_app(handler)) as site:
        plain = await site.get("/")
        coded = await site.get("/", f"accept-encoding: {coding}")
    sent = sum(len(chunk) for chunk in coded.chunks)
    assert sent < 0.4 * len(plain.body), f"{sent} of {len(plain.body)} bytes"
    assert b"".join(decoder.decode(chunk) for chunk in coded.chunks) == plain.body
    assert len(coded.chunks) in (len(plain.chunks), len(plain.chunks) + 1)  # and the end of the coding


async def test_a_stream_that_fails_says_so_and_is_truncated(net):
    decoder = Decoder("gzip")

    async def handler(res):
        res.sse().send("said")
        raise RuntimeError("on purpose")

    async with net.serving(events_app(handler)) as site:
        wire = await site.connect()
        await wire.get("/", "accept-encoding: gzip")
        await wire.head()
        received = decoder.decode(await wire.chunk()) + decoder.decode(await wire.chunk())
        with pytest.raises(Truncated):
            await wire.chunk()
    assert [event.type for event in EventSource().read(received).events] == ["message", "error"]
    assert not decoder.ended()
    net.logged("failed after the head")


async def test_policies_come_before_the_coding(net):
    """What is dropped was never coded, so that what is left can be read."""
    decoder = Decoder("gzip")

    async def handler(res):
        sse = res.sse(coalesce=0.01, overflow="drop_oldest")
        for number in range(100):
            sse.send(f"{number},")
        sse.send({"json": True})
        sse.close()

    async with net.serving(events_app(handler)) as site:
        answer = await site.get("/", "accept-encoding: gzip")
    events = EventSource().read(b"".join(decoder.decode(chunk) for chunk in answer.chunks)).events
    assert events[0].data == "".join(f"{number}," for number in range(100))
    assert [event.data for event in events[1:]] == ['{"json":true}']


async def test_large_chunks_shared_events_and_declared_lengths(net):
    decoder = Decoder("gzip")

    async def handler(res):
        stream = res.type("text").header("content-length", 60_000).stream()
        stream.write(b"x" * 50_000)
        await stream.write("y" * 10_000)
        stream.end()

    async with net.serving(events_app(handler)) as site:
        answer = await site.get("/", "accept-encoding: gzip")
    assert answer.head.get("content-length") is None
    assert b"".join(decoder.decode(chunk) for chunk in answer.chunks) == b"x" * 50_000 + b"y" * 10_000


async def test_an_old_client_reads_a_coded_stream_to_the_end_of_the_connection(net):
    decoder = Decoder("gzip")

    async def handler(res):
        sse = res.sse()
        sse.send("one")
        sse.close()

    async with net.serving(events_app(handler)) as site:
        answer = await site.get("/", "accept-encoding: gzip", version="1.0")
    assert decoder.decode(answer.body) == b"data: one\n\n"
    assert decoder.ended()


async def test_head_tells_what_get_would(net):
    async def handler(res):
        res.sse().close()

    async with net.serving(events_app(handler)) as site:
        get = await site.get("/", "accept-encoding: gzip")
        head = await site.get("/", "accept-encoding: gzip", method="HEAD")
    assert head.head.get("content-encoding") == get.head.get("content-encoding") == "gzip"

"""Where no body belongs (HEAD, 204, 304): the head alone, no producer, and the connection goes on."""

import asyncio

import pytest

from kito import ConnectionClosed, server
from tests.support.wire import soon

OCTETS = "application/octet-stream"


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
@pytest.mark.parametrize("kind", ["stream", "sse"])
async def test_no_body_where_none_belongs(net, method, status, kind):
    app = server()
    seen = {}

    @app.get("/")
    def handler(res):
        res.status(status)
        writer = res.stream() if kind == "stream" else res.sse()
        seen["closed"] = writer.closed
        writer.on_close(lambda end: seen.update(end=end))
        (writer.write if kind == "stream" else writer.send)("nobody reads this")
        (writer.end if kind == "stream" else writer.close)()

    async with net.serving(app) as site:
        wire = await site.connect()
        for _ in range(2):  # and the connection goes on
            await wire.get("/", method=method)
            head = await wire.head()
            assert head.status == status
            assert head.get("connection") is None
            if method == "HEAD":
                assert head.get("transfer-encoding") == "chunked"
            else:
                assert head.get("transfer-encoding") is None
                assert head.get("content-length") is None
            assert seen["closed"] is True
            assert (seen["end"].reason, seen["end"].bytes_sent) == ("ended", 0)
        assert wire.arrived() == 0


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204)])
async def test_a_producer_without_a_reader_is_cancelled(net, method, status):
    app = server()
    cancelled, cleaned = asyncio.Event(), asyncio.Event()

    @app.get("/")
    async def handler(res):
        stream = res.status(status).stream()
        try:
            while True:
                stream.write("x")  # not awaited: it does nothing
                await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            cancelled.set()
            raise
        finally:
            cleaned.set()

    async with net.serving(app) as site:
        await site.get("/", method=method)
        await soon(cancelled.wait())
        await soon(cleaned.wait())


async def test_awaiting_a_write_without_a_reader_says_so(net):
    app = server()
    raised = asyncio.get_running_loop().create_future()

    @app.get("/", on_disconnect="detach")
    async def handler(res):
        stream = res.stream()
        try:
            await stream.write("x")
        except ConnectionClosed as error:
            raised.set_result(error)

    async with net.serving(app) as site:
        await site.get("/", method="HEAD")
        assert "no body" in str(await soon(raised))


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_head_does_not_start_a_generator(net, kind):
    app = server()
    started = []

    if kind == "sync":

        @app.get("/")
        def pieces():
            started.append(True)
            yield "x"
    else:

        @app.get("/")
        async def pieces():
            started.append(True)
            yield "x"

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/", method="HEAD")
        assert (await wire.head()).undated() == {"content-type": OCTETS, "transfer-encoding": "chunked"}
        await wire.get("/nowhere")
        assert (await wire.answer()).status == 404
    assert started == []


async def test_a_generator_with_a_bodyless_status_is_closed_behind_its_first_item(net):
    app = server()
    closed = asyncio.Event()

    @app.get("/")
    async def pieces(res):
        res.status(304)
        try:
            yield "x"
            yield "y"
        finally:
            closed.set()

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        assert (await wire.head()).status == 304
        await soon(closed.wait())
        await wire.get("/nowhere")
        assert (await wire.answer()).status == 404


async def test_head_has_the_fields_of_the_whole_answer(net):
    app = server()
    app.get("/", lambda res: res.status(201).header("x-made", "yes").send("Hello"))
    async with net.serving(app) as site:
        wire = await site.connect()
        for method in ("GET", "HEAD", "GET"):
            await wire.get("/", method=method)
            answer = await wire.answer(head_only=method == "HEAD")
            assert answer.head[1:3] == (201, "Created")
            assert answer.head.undated() == {
                "x-made": "yes",
                "content-type": "text/plain; charset=utf-8",
                "content-length": "5",
            }


async def test_head_of_a_missing_page_has_no_body(net):
    async with net.serving(server()) as site:
        wire = await site.connect()
        await wire.get("/nowhere", method="HEAD")
        head = await wire.head()
        assert head.status == 404
        assert int(head.get("content-length")) > 0
        await wire.get("/nowhere")
        assert (await wire.answer()).status == 404


@pytest.mark.parametrize("status", [204, 304])
async def test_a_bodyless_status_drops_the_body_of_a_plain_answer(net, status):
    app = server()
    app.get("/", lambda res: res.status(status).send("dropped"))
    async with net.serving(app) as site:
        wire = await site.connect()
        for _ in range(2):
            await wire.get("/")
            head = await wire.head()
            assert (head.status, head.get("content-length"), head.get("transfer-encoding")) == (status, None, None)


async def test_an_own_head_route_answers_instead(net):
    app = server()
    calls = []
    app.get("/", lambda res: calls.append("GET") or res.send("x"))
    app.head("/", lambda res: calls.append("HEAD") or res.header("x-own", "yes").end())
    async with net.serving(app) as site:
        answer = await site.get("/", method="HEAD")
    assert answer.head.get("x-own") == "yes"
    assert calls == ["HEAD"]

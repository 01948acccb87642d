"""Handlers that fail: a status before the head, visible truncation behind it, one log entry with its traceback."""

import asyncio
import json
import traceback

import pytest

from kito import HTTPError, server
from kito.errors import BadRequest
from tests.support.wire import soon

CRASH = b'event: error\ndata: {"error":"Internal Server Error"}\n\n'


def cause(record):
    """The text of the logged traceback."""
    return "".join(traceback.format_exception(*record.exc_info))


@pytest.mark.parametrize("kind", ["sync", "async at once", "async later"])
async def test_before_the_head_it_is_a_500_as_json(net, kind):
    app = server()

    if kind == "sync":

        @app.get("/")
        def handler(res):
            res.status(201).header("x-lost", "1").type("html")
            raise RuntimeError("secret of the house")
    else:

        @app.get("/")
        async def handler(res):
            res.status(201).header("x-lost", "1").type("html")
            if kind == "async later":
                await asyncio.sleep(0)
            raise RuntimeError("secret of the house")

    async with net.serving(app) as site:
        wire = await site.connect()
        for _ in range(2):  # and the connection goes on
            await wire.get("/")
            answer = await wire.answer()
            assert answer.status == 500
            assert answer.head.undated() == {
                "vary": "accept",
                "content-type": "application/json",
                "content-length": str(len(answer.body)),
            }
            assert json.loads(answer.body) == {"error": "Internal Server Error"}
            record = net.logged("GET / failed")
            assert "secret of the house" in cause(record)
            assert "in handler" in cause(record)


async def test_an_http_error_is_its_status_and_no_log_entry(net):
    app = server()

    @app.get("/")
    def handler():
        raise HTTPError(418, "no coffee", headers=[("x-a", "1"), ("x-a", "2")])

    async with net.serving(app) as site:
        answer = await site.get("/")
    assert answer.status == 418
    assert answer.head.all("x-a") == ["1", "2"]
    assert json.loads(answer.body)["message"] == "no coffee"


async def test_what_the_client_did_wrong_is_its_status_and_no_log_entry(net):
    app = server()

    @app.get("/")
    def handler():
        raise BadRequest("the cat is <not> a cat")

    async with net.serving(app) as site:
        answer = await site.get("/")
    assert answer.status == 400
    assert json.loads(answer.body) == {"error": "Bad Request", "message": "the cat is <not> a cat"}


async def test_a_cancellation_by_nobody_in_charge_is_a_500(net):
    app = server()

    @app.get("/")
    async def handler():
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        await future

    async with net.serving(app) as site:
        assert (await site.get("/")).status == 500
    assert "CancelledError" in cause(net.logged("GET / failed"))


async def test_a_value_that_json_cannot_carry_is_a_500(net):
    app = server()
    app.get("/", lambda: {"a": object()})
    async with net.serving(app) as site:
        assert (await site.get("/")).status == 500
    assert "TypeError" in cause(net.logged("GET / failed"))


@pytest.mark.parametrize("kind", ["sync", "async at once", "async later", "generator", "async with"])
async def test_behind_the_head_the_body_is_truncated(net, kind):
    app = server()

    def sync(res):
        stream = res.stream()
        stream.write("part")
        raise RuntimeError("too late")

    async def at_once(res):
        sync(res)

    async def later(res):
        stream = res.stream()
        stream.write("part")
        await asyncio.sleep(0)
        raise RuntimeError("too late")

    async def generator():
        yield "part"
        await asyncio.sleep(0)
        raise RuntimeError("too late")

    async def block(res):
        async with res.stream() as stream:
            stream.write("part")
            raise RuntimeError("too late")

    kinds = {"sync": sync, "async at once": at_once, "async later": later, "generator": generator, "async with": block}
    app.get("/", kinds[kind])
    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        assert (await wire.head()).status == 200
        assert await wire.chunk() == b"part"
        await wire.truncated()
        assert app.stats["ends"] == {"error": 1}
    record = net.logged("failed after the head")
    assert record.levelname == "ERROR"
    assert "too late" in cause(record)


@pytest.mark.parametrize("kind", ["handler", "generator", "timer stopped"])
async def test_an_event_stream_is_told_first(net, kind):
    app = server()

    async def handler(res):
        sse = res.sse()
        sse.send("part")
        await asyncio.sleep(0)
        raise RuntimeError("secret of the house")

    async def generator():
        yield "part"
        raise RuntimeError("secret of the house")

    async def stopped(res):
        async with res.sse() as sse:
            sse.send("part")
            sse.every(10, lambda: sse.send("never"))
            raise RuntimeError("secret of the house")

    if kind == "generator":
        app.sse("/", generator)
    else:
        app.get("/", handler if kind == "handler" else stopped)
    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await wire.head()
        assert await wire.chunk() == b"data: part\n\n"
        assert await wire.chunk() == CRASH
        await wire.truncated()
    assert "secret of the house" in cause(net.logged("failed after the head"))


async def test_a_body_that_ends_with_the_connection_is_cut_by_a_reset(net):
    """With HTTP/1.0 only a RST tells a cut body from a whole one."""
    app = server()
    fail = asyncio.Event()

    @app.get("/")
    async def handler(res):
        stream = res.stream()
        stream.write("part")
        await fail.wait()
        raise RuntimeError("too late")

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/", version="1.0")
        await wire.head()
        assert await wire.exactly(4) == b"part"
        fail.set()
        if net.transport == "tcp":
            with pytest.raises(ConnectionResetError):
                await asyncio.get_running_loop().sock_recv(wire.sock, 1)
        else:
            await wire.gone()
    net.logged("failed after the head")


async def test_a_failure_spares_the_neighbours(net):
    app = server()
    fail, both = asyncio.Event(), asyncio.Barrier(2)

    @app.get("/:name")
    async def handler(res, name):
        stream = res.stream()
        await both.wait()
        if name == "bad":
            fail.set()
            raise RuntimeError("bad")
        await fail.wait()
        stream.end("whole")

    async with net.serving(app) as site:
        bad, good = await site.connect(), await site.connect()
        await bad.get("/bad")
        await good.get("/good")
        assert (await good.answer()).chunks == [b"whole"]
        await bad.head()
        await bad.truncated()
    net.logged("failed after the head")


@pytest.mark.parametrize("route", ["get", "sse"])
@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("error", [RuntimeError("early"), HTTPError(409)], ids=["crash", "status"])
async def test_a_generator_that_raises_before_its_first_item_has_a_real_status(net, route, kind, error):
    app = server()

    def pieces():
        if error:
            raise error
        yield "never"

    async def async_pieces():
        await asyncio.sleep(0)
        if error:
            raise error
        yield "never"

    getattr(app, route)("/", pieces if kind == "sync" else async_pieces)
    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        answer = await wire.answer()
        assert answer.head.get("content-type") == "application/json"
        assert answer.status == (409 if isinstance(error, HTTPError) else 500)
        await wire.get("/nowhere")
        assert (await wire.answer()).status == 404
    if answer.status == 500:
        assert "early" in cause(net.logged("GET / failed"))


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_an_item_that_cannot_be_sent_truncates_and_closes_the_generator(net, kind):
    app = server()
    closed = asyncio.Event()

    def pieces():
        try:
            yield "part"
            yield object()
            yield "never"
        finally:
            closed.set()

    async def async_pieces():
        try:
            yield "part"
            yield object()
            yield "never"
        finally:
            closed.set()

    app.get("/", pieces if kind == "sync" else async_pieces)
    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await wire.head()
        assert await wire.chunk() == b"part"
        await wire.truncated()
        await soon(closed.wait())
    assert "TypeError" in cause(net.logged("failed after the head"))


async def test_a_block_that_is_left_by_an_error_is_not_whole_though_the_handler_catches_it(net):
    app = server()

    @app.get("/")
    async def handler(res):
        try:
            async with res.stream() as stream:
                stream.write("part")
                raise KeyError("caught")
        except KeyError:
            pass

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await wire.head()
        assert await wire.chunk() == b"part"
        await wire.truncated()
    net.records.clear()  # a warning is welcome, but not promised


async def test_abort_is_truncation_and_no_error(net):
    app = server()

    @app.get("/")
    def handler(res):
        stream = res.stream()
        stream.write("part")
        stream.abort()
        stream.abort()
        assert stream.closed

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await wire.head()
        assert await wire.chunk() == b"part"
        await wire.truncated()

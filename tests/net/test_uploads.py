"""Request bodies that are read while they arrive: flow control, both ways at once, and clients that leave."""

import asyncio
import hashlib

import pytest

from kito import ConnectionClosed, Limits, Timeouts, server
from tests.support.wire import request, soon, until

KIB = 1024  # bytes
MIB = 1024 * KIB  # bytes


def post(path, *fields):
    return request(path, *fields, method="POST")


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


CHUNKED = "transfer-encoding: chunked"


async def test_a_body_larger_than_any_buffer_arrives_whole(net):
    app = server()

    @app.post("/", stream_body=True, body_size=None)
    async def handler(req):
        digest = hashlib.sha256()
        async for piece in req.stream():
            digest.update(piece)
            await asyncio.sleep(0)
        return digest.hexdigest()

    body = b"0123456789abcdef" * (512 * KIB)  # 8 MiB
    async with net.serving(app) as site:
        for framing in (f"content-length: {len(body)}", CHUNKED):
            wire = await site.connect()
            await wire.send(post("/", framing))
            await wire.send(chunk(body) + b"0\r\n\r\n" if framing == CHUNKED else body)
            assert (await wire.answer()).body.decode() == hashlib.sha256(body).hexdigest()


async def test_what_is_not_taken_is_not_read(net):
    app = server()
    go_on = asyncio.Event()
    taken = 0

    @app.post("/", stream_body=True, body_size=None)
    async def handler(req):
        nonlocal taken
        await go_on.wait()
        async for piece in req.stream():
            taken += len(piece)
        return str(taken)

    async with net.serving(app) as site:
        wire = await site.connect()
        size = 64 * MIB
        await wire.send(post("/", f"content-length: {size}"))
        sending = asyncio.create_task(wire.send(b"x" * size))
        # Everything between the two is full when the client cannot send on: its sending does not end.
        done, _ = await asyncio.wait([sending], timeout=0.5)
        assert not done
        go_on.set()
        await soon(sending)
        assert (await wire.answer()).body == b"%d" % size


async def test_an_echo_goes_both_ways_at_once(net):
    app = server()

    @app.post("/", stream_body=True)
    async def echo(req, res):
        async with res.stream() as stream:
            async for piece in req.stream():
                await stream.write(piece.upper())

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.send(post("/", CHUNKED))
        assert (await wire.head()).status == 200
        for word in (b"one", b"two", b"three"):
            await wire.send(chunk(word))
            assert await wire.chunk() == word.upper()
        await wire.send(b"0\r\n\r\n" + request("/"))
        assert await wire.chunk() is None
        assert (await wire.answer()).status == 405


async def test_an_echo_of_more_than_fits_stops_reading_when_its_client_does(net):
    app = server()
    echoed = 0

    @app.post("/", stream_body=True, body_size=None)
    async def echo(req, res):
        nonlocal echoed
        async with res.stream() as stream:
            async for piece in req.stream():
                await stream.write(piece)
                echoed += len(piece)

    size = 32 * MIB
    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.send(post("/", f"content-length: {size}"))
        sending = asyncio.create_task(wire.send(b"x" * size))
        done, _ = await asyncio.wait([sending], timeout=0.5)
        assert not done
        assert echoed < size
        assert (await wire.head()).status == 200
        got = 0
        while (piece := await wire.chunk()) is not None:
            got += len(piece)
        assert got == size
        await sending


@pytest.mark.parametrize("how", ["close", "reset", "finish"])
async def test_a_client_that_leaves_in_the_middle_is_told_to_the_reader(net, how):
    app = server()
    told = asyncio.get_running_loop().create_future()

    @app.post("/", stream_body=True)
    async def handler(req):
        try:
            await req.read()
        except ConnectionClosed as error:
            told.set_result(error)
            raise

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.send(post("/", "content-length: 100") + b"abc")
        await until(lambda: app.stats["requests"])
        getattr(wire, how)()
        assert isinstance(await soon(told), ConnectionClosed)
        if how == "finish":
            await wire.gone()


@pytest.mark.wirings("uvloop-tcp", "asyncio-tcp")
async def test_a_body_that_stops_coming_is_a_408(net):
    app = server(timeouts=Timeouts(body=1))

    @app.post("/", stream_body=True)
    async def handler(req):
        return await req.read()

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.send(post("/", "content-length: 100") + b"abc")
        answer = await wire.answer()
        assert (answer.status, answer.head.get("connection")) == (408, "close")
        await wire.ended()


async def test_a_refusal_reaches_a_client_that_is_still_sending(net):
    app = server(limits=Limits(body_size=1000, unread_body=8 * MIB))
    app.post("/buffered", lambda: "never")

    @app.post("/streamed", stream_body=True)
    async def handler(req):
        return await req.read()

    async with net.serving(app) as site:
        for path in ("/buffered", "/streamed"):
            for framing in ("content-length: 2000000", CHUNKED):
                wire = await site.connect()
                await wire.send(post(path, framing))
                body = b"x" * 2_000_000
                sending = asyncio.create_task(wire.send(chunk(body) if framing == CHUNKED else body))
                answer = await wire.answer()
                assert (answer.status, answer.head.get("connection")) == (413, "close")
                await sending


async def test_the_rest_of_a_body_is_read_for_the_sake_of_the_connection(net):
    app = server()
    app.post("/", lambda: "no, thanks", stream_body=True)
    async with net.serving(app) as site:
        wire = await site.connect()
        for size in (256 * KIB, 200 * KIB):
            await wire.send(post("/", f"content-length: {size}") + b"x" * size)
            answer = await wire.answer()
            assert (answer.body, answer.head.get("connection")) == (b"no, thanks", None)
        await wire.send(post("/", f"content-length: {300 * KIB}"))
        assert (await wire.answer()).head.get("connection") == "close"
        await wire.ended()


async def test_a_body_is_asked_for_when_its_reading_begins(net):
    app = server()
    go_on = asyncio.Event()

    @app.post("/", stream_body=True)
    async def handler(req):
        await go_on.wait()
        return await req.read()

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.send(post("/", "content-length: 3", "expect: 100-continue"))
        await until(lambda: app.stats["requests"])
        assert wire.arrived() == 0
        go_on.set()
        assert (await wire.head()).status == 100
        await wire.send(b"abc")
        assert (await wire.answer()).body == b"abc"

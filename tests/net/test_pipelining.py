"""Several requests on one connection: answers in order, nothing inside a running stream, and FIN behind them."""

import asyncio

import pytest

from kito import server
from tests.support.wire import request, soon

KIB = 1024


def mixed():
    """An app with quick and slow answers and a stream; `order` is the order in which handlers began."""
    app = server()
    app.order = []
    app.go_on = asyncio.Event()

    @app.get("/quick/:name")
    def quick(name):
        app.order.append(name)
        return name

    @app.get("/slow/:name")
    async def slow(name):
        app.order.append(name)
        await app.go_on.wait()
        return name

    @app.get("/stream/:name")
    async def stream(res, name):
        app.order.append(name)
        async with res.stream() as stream:
            for index in range(3):
                stream.write(f"{name}{index}")
                await asyncio.sleep(0)

    @app.get("/held/:name")
    async def held(res, name):
        app.order.append(name)
        stream = res.stream()
        stream.write(name)
        await app.go_on.wait()
        stream.end("end")

    @app.post("/echo")
    async def echo(req):
        await asyncio.sleep(0)
        return req.body

    return app


async def test_answers_keep_the_order_of_their_requests(net):
    app = mixed()
    app.go_on.set()
    async with net.serving(app) as site:
        wire = await site.connect()
        paths = ["/quick/a", "/slow/b", "/stream/c", "/quick/d", "/stream/e", "/slow/f", "/nowhere", "/quick/g"]
        await wire.send(b"".join(request(path) for path in paths))
        answers = [await wire.answer() for _ in paths]
    assert [answer.status for answer in answers] == [200] * 6 + [404, 200]
    assert [answer.body for answer in answers if answer.status == 200] == [
        b"a", b"b", b"c0c1c2", b"d", b"e0e1e2", b"f", b"g",
    ]  # fmt: skip
    assert answers[2].chunks == [b"c0", b"c1", b"c2"]
    assert app.order == list("abcdefg")


async def test_a_request_behind_an_open_stream_waits_for_its_end(net):
    app = mixed()
    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.send(request("/held/a") + request("/quick/b"))
        await wire.send(request("/stream/c"))
        await wire.head()
        assert await wire.chunk() == b"a"
        await asyncio.sleep(0.01)
        assert wire.arrived() == 0
        assert app.order == ["a"]
        app.go_on.set()
        assert await wire.chunks() == [b"end"]
        assert (await wire.answer()).body == b"b"
        assert (await wire.answer()).chunks == [b"c0", b"c1", b"c2"]


@pytest.mark.parametrize("bad", [b"BAD\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/9.9\r\nhost: a\r\n\r\n"])
async def test_an_error_behind_an_open_stream_waits_for_its_end(net, bad):
    app = mixed()
    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.send(request("/held/a") + bad)
        await wire.head()
        assert await wire.chunk() == b"a"
        await asyncio.sleep(0.01)
        assert wire.arrived() == 0
        app.go_on.set()
        assert await wire.chunks() == [b"end"]
        assert (await wire.answer()).status in (400, 501, 505)
        await wire.ended()


async def test_requests_in_one_piece_and_in_single_bytes(net):
    app = mixed()
    app.go_on.set()
    requests = [request("/quick/a"), request("/echo", method="POST", body=b"body"), request("/stream/c")]
    async with net.serving(app) as site:
        whole, single = await site.connect(), await site.connect()
        await whole.send(b"".join(requests))
        for byte in b"".join(requests):
            await single.send(bytes([byte]))
        for wire in (whole, single):
            assert [(await wire.answer()).body for _ in requests] == [b"a", b"body", b"c0c1c2"]


async def test_many_requests_behind_a_slow_one_are_all_answered(net):
    """More than the server reads ahead: it stops reading and goes on when it may."""
    app = mixed()
    count = 3000
    async with net.serving(app) as site:
        wire = await site.connect()
        sending = asyncio.create_task(wire.send(request("/slow/x") + request("/quick/y") * count))
        await asyncio.sleep(0.01)
        assert app.order == ["x"]
        app.go_on.set()
        assert (await wire.answer()).body == b"x"
        for _ in range(count):
            assert (await wire.answer()).body == b"y"
        await sending
    assert len(app.order) == count + 1


async def test_a_body_in_pieces_behind_a_slow_answer(net):
    app = mixed()
    body = bytes(range(256)) * 4 * KIB
    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/slow/a")
        sending = asyncio.create_task(
            wire.send(request("/echo", method="POST", body=body) + request("/echo", method="POST", body=b"last"))
        )
        await asyncio.sleep(0.01)
        app.go_on.set()
        assert (await wire.answer()).body == b"a"
        same = (await wire.answer()).body == body
        assert same
        assert (await wire.answer()).body == b"last"
        await sending


# === FIN behind requests ===


@pytest.mark.parametrize("path", ["/quick/a", "/slow/a"])
async def test_a_plain_request_with_a_fin_behind_it_is_answered(net, path):
    app = mixed()
    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get(path)
        wire.finish()
        await asyncio.sleep(0.01)
        app.go_on.set()
        assert (await wire.answer()).body == b"a"
        await wire.ended()


async def test_all_requests_with_a_fin_behind_them_are_answered(net):
    app = mixed()
    paths = ["/quick/a", "/slow/b", "/quick/c", "/slow/d", "/nowhere"]
    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.send(b"".join(request(path) for path in paths))
        wire.finish()
        await asyncio.sleep(0.01)
        app.go_on.set()
        answers = [await wire.answer() for _ in paths]
        await wire.ended()
    assert [answer.body for answer in answers[:4]] == [b"a", b"b", b"c", b"d"]
    assert answers[4].status == 404
    assert answers[0].head.get("connection") is None  # not the last one


async def test_a_fin_behind_a_stream_is_the_client_leaving(net):
    app = mixed()
    ended = asyncio.get_running_loop().create_future()

    @app.get("/")
    async def handler(res):
        stream = res.stream()
        stream.on_close(ended.set_result)
        await stream.wait_closed()

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.send(request("/") + request("/quick/never"))
        await wire.head()
        wire.finish()
        assert (await soon(ended)).reason == "client_left"
        await wire.gone()
        assert app.order == []


@pytest.mark.parametrize("leave", ["finish", "reset"])
@pytest.mark.parametrize("opened", ["before", "later"])
async def test_a_client_that_leaves_behind_more_than_is_read_is_seen(net, leave, opened):
    """Reading is paused: neither loop looks at the connection any more."""
    app = mixed()
    begun, go_on = asyncio.Event(), asyncio.Event()
    ended = asyncio.get_running_loop().create_future()

    @app.get("/")
    async def handler(res):
        begun.set()
        if opened == "later":
            await go_on.wait()
        stream = res.stream()
        stream.on_close(ended.set_result)
        await stream.wait_closed()

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.send(request("/"))
        await soon(begun.wait())
        for _ in range(2):
            await wire.send(request("/quick/never") * 100)
            await asyncio.sleep(0.01)
        getattr(wire, leave)()
        await asyncio.sleep(0.01)
        assert not ended.done()
        go_on.set()
        await asyncio.sleep(0.01)
        app._runner.state.clock.advance(3)
        assert (await soon(ended)).reason == "client_left"
        assert app.order == []


async def test_a_client_that_is_not_read_and_stays_is_served(net):
    app = mixed()
    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.send(request("/slow/first") + request("/stream/second") + request("/quick/last") * 100)
        await asyncio.sleep(0.01)
        app._runner.state.clock.advance(5)
        wire.finish()  # and all of them are answered
        app._runner.state.clock.advance(5)
        app.go_on.set()
        assert (await wire.answer()).body == b"first"
        await wire.gone()
        assert app.order[:2] == ["first", "second"]


@pytest.mark.parametrize(
    "part", [b"GET / HT", b"GET / HTTP/1.1\r\nhost: a\r\n", request("/echo", method="POST", body=b"x" * 9)[:-1]]
)
async def test_a_fin_inside_a_request_serves_nobody(net, part):
    app = mixed()
    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.send(request("/quick/a") + part)
        wire.finish()
        assert (await wire.answer()).body == b"a"
        rest = await wire.rest()
        assert rest == b"" or rest.startswith(b"HTTP/1.1 400 ")
    assert app.order == ["a"]

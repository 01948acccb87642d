"""Mounted ASGI applications over the wire: their scope, their bodies both ways, and either side leaving."""

import asyncio
import json

import pytest

from kito import Limits, router, server
from tests.support.wire import request, soon, until


async def answer(send, body=b"", status=200, headers=(), **more):
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, **more})


async def tell_scope(scope, receive, send):
    told = {name: value for name, value in scope.items() if name not in ("headers", "client", "server")}
    told |= {"raw_path": scope["raw_path"].decode(), "query_string": scope["query_string"].decode()}
    told["agent"] = dict(scope["headers"])[b"x-agent"].decode()
    await answer(send, json.dumps(told).encode(), headers=[(b"Content-Type", b"application/json"), (b"X-A", b"1")])


async def test_an_application_is_told_of_the_request(net):
    app, api = server(), router()
    app.mount("/api", api)
    api.mount("/:tenant/old", tell_scope)
    async with net.serving(app) as site:
        found = await site.get("/api/a%20b/old/x%2Fy/z?q=1&r", "X-Agent: me")
        assert (found.status, found.head.get("content-type"), found.head.get("x-a")) == (200, "application/json", "1")
        assert json.loads(found.body) == {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": "/api/a b/old/x/y/z",
            "raw_path": "/api/a%20b/old/x%2Fy/z",
            "query_string": "q=1&r",
            "root_path": "/api/a b/old",
            "agent": "me",
            "state": {},
            "extensions": {},
        }
        for path, root in (("/api/t/old", "/api/t/old"), ("/api/t/old/", "/api/t/old")):
            assert json.loads((await site.get(path, "x-agent: me")).body)["root_path"] == root


async def test_it_answers_what_no_route_takes_by_every_method(net):
    async def old(scope, receive, send):
        await answer(send, f"{scope['method']} {scope['path']}".encode(), headers=[(b"content-type", b"text/plain")])

    app = server().mount("/", old).get("/new", lambda: "new")
    app.use(lambda ctx, next: ctx.res.on_head(lambda res: res.header("x-around", "1")) and next())
    async with net.serving(app) as site:
        assert (await site.get("/new")).body == b"new"
        for method, path in (("GET", "/"), ("POST", "/new"), ("DELETE", "/a/b/"), ("OPTIONS", "/x")):
            found = await site.get(path, method=method)
            assert found.body == f"{method} {path}".encode()
            assert found.head.get("x-around") == "1"
        head = await site.get("/x", method="HEAD")
        assert (head.status, head.body, head.head.get("content-length")) == (200, b"", "7")


async def test_bodies_flow_both_ways(net):
    async def echo(scope, receive, send):
        await send({"type": "http.response.start", "status": 201, "headers": [(b"transfer-encoding", b"chunked")]})
        more = True
        while more:
            message = await receive()
            more = message["more_body"]
            await send({"type": "http.response.body", "body": message["body"], "more_body": more})

    app = server().mount("/echo", echo)
    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.send(b"POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n")
        await wire.send(b"3\r\none\r\n")
        assert (await wire.head()).status == 201
        assert await wire.chunk() == b"one"  # before the request is whole
        await wire.send(b"3\r\ntwo\r\n0\r\n\r\n")
        assert await wire.chunks() == [b"two"]
        await wire.send(request("/echo", method="POST", body=b"x" * 100_000))
        assert (await wire.answer()).body == b"x" * 100_000
        await wire.get("/echo", method="HEAD")
        assert (await wire.answer(head_only=True)).status == 201


async def test_it_is_told_when_the_client_leaves(net):
    told = asyncio.Queue()

    async def waits(scope, receive, send):
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x", "more_body": True})
        told.put_nowait((await receive())["type"])
        with pytest.raises(OSError, match="closed the connection"):
            await send({"type": "http.response.body", "body": b"y", "more_body": True})
        told.put_nowait("over")

    async def half(scope, receive, send):
        assert (await receive())["more_body"]
        told.put_nowait((await receive())["type"])

    app = server().mount("/waits", waits).mount("/half", half)
    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/waits")
        await wire.head()
        wire.close()
        assert await soon(told.get()) == "http.disconnect"
        assert await soon(told.get()) == "over"
        wire = await site.connect()
        await wire.send(b"POST /half HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nx")
        await asyncio.sleep(0)
        wire.close()
        assert await soon(told.get()) == "http.disconnect"


async def test_an_application_that_fails_fails_as_a_handler_does(net):
    async def fails(scope, receive, send):
        if scope["path"] == "/late":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
        if scope["path"] in ("/late", "/early"):
            raise KeyError(scope["path"])
        if scope["path"] == "/half":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
        if scope["path"] == "/twice":
            await answer(send, b"x")
            await answer(send, b"y")

    app = server().mount("/", fails)
    async with net.serving(app) as site:
        assert (await site.get("/early")).status == 500
        net.logged("GET /early failed")
        assert (await site.get("/silent")).status == 500
        assert "without an answer" in str(net.logged("GET /silent failed").exc_info[1])
        for path in ("/late", "/half"):
            wire = await site.connect()
            await wire.get(path)
            await wire.head()
            await wire.truncated()
            net.logged("a handler failed after the head")
        assert (await site.get("/twice")).body == b"x"
        assert "'http.response.start'" in str(net.logged("after its response was over").exc_info[1])


async def test_websockets_are_refused(net):
    async def never(scope, receive, send):
        raise AssertionError

    app = server().mount("/ws", never)
    async with net.serving(app) as site:
        found = await site.get("/ws/chat", "upgrade: websocket", "connection: upgrade")
        assert (found.status, json.loads(found.body)["message"]) == (501, "WebSockets are not served here")


def test_what_cannot_be_mounted_is_told():
    app = server()
    for thing in (7, "app", dict, None):
        with pytest.raises(TypeError, match="ASGI"):
            app.mount("/x", thing)
    assert app.routes == ()


async def test_one_that_waits_for_a_slow_reader_is_told_that_it_left(net):
    told = asyncio.Queue()

    async def endless(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        try:
            while True:
                await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
        except Exception as error:
            told.put_nowait(isinstance(error, OSError))
            raise

    app = server().mount("/", endless)
    async with net.serving(app, limits=Limits(high_water=4096)) as site:
        wire = await site.connect(receive_buffer=4096)
        await wire.get("/")
        await wire.head()
        await until(lambda: site.app.stats["body_bytes"] > 1 << 17)
        wire.reset()
        assert await soon(told.get())

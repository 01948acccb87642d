"""Middlewares around handlers, streams and requests without a route: order, next(), values, head and end."""

import asyncio
import json
import threading

import pytest

from kito import HTTPError, Server, middleware, router, server
from tests.support.wire import request, soon


def note(log, name):
    """A plain middleware that notes when it is passed, and when what is behind it returns."""

    def plain(ctx, next):
        log.append(f"{name} in")
        next()
        log.append(f"{name} out")

    return plain


def note_async(log, name):
    """The same, async."""

    async def awaiting(ctx, next):
        log.append(f"{name} in")
        await next()
        log.append(f"{name} out")

    return awaiting


def app_with(*middlewares) -> Server:
    app = server()
    app.use(*middlewares)
    return app


# === Order ===


async def test_plain_and_async_ones_mix_in_the_order_of_the_tree(net):
    log = []
    app = server()
    app.get("/plain", note(log, "route"), lambda: log.append("handler") or "x")

    @app.get("/awaits", use=[note_async(log, "route")])
    async def awaits():
        await asyncio.sleep(0)
        log.append("handler")
        return "y"

    app.use(note(log, "one"))  # after the routes: the place in the tree counts
    app.use(note_async(log, "two"), note(log, "three"))
    async with net.serving(app) as site:
        assert (await site.get("/plain")).body == b"x"
        # a plain one does not wait for what is async behind it: `one` is out before `two` begins
        assert log[:6] == ["one in", "one out", "two in", "three in", "route in", "handler"]
        assert log[6:] == ["route out", "three out", "two out"]
        log.clear()
        assert (await site.get("/awaits")).body == b"y"
        assert log[:6] == ["one in", "one out", "two in", "three in", "three out", "route in"]
        assert log[6:] == ["handler", "route out", "two out"]


async def test_plain_ones_around_a_plain_handler_need_no_task(net):
    log = []
    app = app_with(note(log, "a"), note(log, "b"))

    @app.get("/")
    def handler():
        try:
            log.append(asyncio.current_task())
        except RuntimeError:
            log.append(None)
        return "x"

    async with net.serving(app) as site:
        assert (await site.get("/")).body == b"x"
    assert log == ["a in", "b in", None, "b out", "a out"]


async def test_a_route_chain_puts_them_around_each_of_its_methods(net):
    log = []
    app = server()
    chain = app.route("/cats", note(log, "first"))
    chain.get(lambda: "get").post(note(log, "own"), lambda: "post").use(note(log, "second"))
    assert chain.end() is app
    async with net.serving(app) as site:
        assert (await site.get("/cats")).body == b"get"
        assert log == ["first in", "second in", "second out", "first out"]
        log.clear()
        assert (await site.get("/cats", method="POST")).body == b"post"
        assert log[:3] == ["first in", "second in", "own in"]


async def test_those_of_a_router_are_inside_of_those_above(net):
    log = []
    app, outer, inner = server(), router(), router()
    inner.get("/:id", lambda id: id)
    outer.mount("/inner", inner)
    app.mount("/outer", outer)
    inner.use(note(log, "inner"))
    outer.use(note(log, "outer"))
    app.use(note(log, "app"))
    app.get("/beside", lambda: "x")
    async with net.serving(app) as site:
        assert (await site.get("/outer/inner/7")).body == b"7"
        assert log[:3] == ["app in", "outer in", "inner in"]
        log.clear()
        assert (await site.get("/beside")).body == b"x"
        assert log == ["app in", "app out"]


async def test_one_that_comes_while_the_server_runs_is_passed_from_then_on(net):
    log = []
    app = server()
    app.get("/", lambda: "x")
    async with net.serving(app) as site:
        await site.get("/")
        app.use(note(log, "late"))
        await site.get("/")
    assert log == ["late in", "late out"]


# === next() ===


async def test_a_second_next_raises(net):
    caught = []
    ran = []

    async def twice(ctx, next):
        await next()
        try:
            await next()
        except RuntimeError as error:
            caught.append(str(error))

    app = app_with(twice)
    app.get("/", lambda: ran.append(1) or "x")
    async with net.serving(app) as site:
        assert (await site.get("/")).body == b"x"
    assert ran == [1]
    assert "a second time" in caught[0]


async def test_what_next_returned_is_awaited_for_those_who_do_not(net):
    async def forgetful(ctx, next):
        next()

    def returning(ctx, next):
        return next()

    for fn in (forgetful, note([], "plain"), returning):
        app = app_with(fn)

        @app.get("/")
        async def handler():
            await asyncio.sleep(0)
            return "x"

        async with net.serving(app) as site:
            assert (await site.get("/")).body == b"x"


async def test_neither_next_nor_an_answer_is_a_500(net):
    ran = []
    app = app_with(lambda ctx, next: None)
    app.get("/", lambda: ran.append(1))
    async with net.serving(app) as site:
        assert (await site.get("/")).status == 500
    assert not ran
    assert "neither answered nor called next()" in str(net.logged("GET / failed").exc_info[1])


async def test_one_that_answers_keeps_the_handler_away(net):
    ran = []

    async def by_value(ctx, next):
        return {"from": "the middleware"}

    def by_response(ctx, next):
        ctx.res.status(403).text("no")

    for fn, status, body in ((by_value, 200, b'{"from":"the middleware"}'), (by_response, 403, b"no")):
        app = app_with(fn)
        app.get("/", lambda: ran.append(1) or "x")
        async with net.serving(app) as site:
            answer = await site.get("/")
            assert (answer.status, answer.body) == (status, body)
    assert not ran


async def test_an_error_of_the_handler_passes_through_and_can_be_caught(net):
    seen = []

    async def watching(ctx, next):
        try:
            await next()
        except HTTPError as error:
            seen.append(error.status)
            raise

    async def mending(ctx, next):
        try:
            await next()
        except KeyError:
            return "mended"

    app = app_with(watching)

    @app.get("/raises")
    def raises():
        raise HTTPError(409)

    @app.get("/mended", use=mending)
    async def mended():
        raise KeyError(1)

    async with net.serving(app) as site:
        assert (await site.get("/raises")).status == 409
        assert (await site.get("/mended")).body == b"mended"
    assert seen == [409]


async def test_a_middleware_that_fails_leaves_nothing_behind(net):
    ran = []

    async def failing(ctx, next):
        next()
        raise HTTPError(418)

    app = app_with(failing)

    @app.get("/")
    async def handler():
        ran.append(1)

    async with net.serving(app) as site:
        assert (await site.get("/")).status == 418
    assert not ran


# === Requests without a route ===


async def test_requests_without_a_route_pass_those_that_they_are_below(net):
    log = []
    app, api = server(), router()
    app.use(note(log, "app"))
    api.use(note(log, "api"))
    api.get("/cats", lambda: "x")
    app.mount("/api", api)
    app.post("/here", lambda: "x")
    async with net.serving(app) as site:
        for path, method, status, passed in (
            ("/nowhere", "GET", 404, ["app in"]),
            ("/here", "GET", 405, ["app in"]),
            ("/here", "OPTIONS", 204, ["app in", "app out"]),
            ("/api/dogs", "GET", 404, ["app in", "api in"]),
            ("/api/cats", "DELETE", 405, ["app in", "api in"]),
            ("/api/cats", "OPTIONS", 204, ["app in", "api in", "api out", "app out"]),
        ):
            log.clear()
            answer = await site.get(path, method=method)
            assert (answer.status, log) == (status, passed), path
        log.clear()
        assert (await site.get("*", method="OPTIONS")).status == 204
        assert log == ["app in", "app out"]


async def test_a_preflight_can_be_answered_before_the_automatic_options(net):
    def preflight(ctx, next):
        if ctx.req.method == "OPTIONS":
            ctx.res.status(204).header("access-control-allow-origin", "*").end()
        else:
            next()

    app = app_with(preflight)
    app.put("/a", lambda: "x")
    async with net.serving(app) as site:
        answer = await site.get("/a", method="OPTIONS")
        assert answer.head.get("access-control-allow-origin") == "*"
        assert answer.head.get("allow") is None


# === Streams ===


async def test_a_stream_flows_through_and_next_returns_at_its_end(net):
    log = []
    gate = asyncio.Event()

    async def around(ctx, next):
        await next()
        log.append("after")

    app = app_with(around)

    @app.get("/")
    async def numbers():
        yield "1"
        await gate.wait()
        yield "2"

    @app.get("/kept")
    def kept(ctx):
        stream = ctx.res.stream()
        stream.write("a")
        asyncio.get_running_loop().call_soon(stream.end, "b")

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await wire.head()
        assert await wire.chunk() == b"1"
        assert log == []
        gate.set()
        assert await wire.chunks() == [b"2"]
        await wire.get("/kept")
        assert (await wire.answer()).chunks == [b"a", b"b"]
    assert log == ["after", "after"]


async def test_a_handler_behind_one_is_cancelled_when_its_client_leaves(net):
    over = asyncio.Event()

    async def around(ctx, next):
        try:
            await next()
        except asyncio.CancelledError:
            over.set()
            raise

    app = app_with(around)

    @app.sse("/")
    async def events():
        yield 1
        await asyncio.Event().wait()

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await wire.head()
        wire.close()
        await soon(over.wait())


# === The head and the end ===


async def test_a_head_can_be_changed_until_it_is_written(net):
    app = server()

    @app.use
    def outer(ctx, next):
        @ctx.res.on_head
        def last_word(res):
            res.header("x-order", f"{res.get('x-order')}, outer").header("x-status", res.status_code)

        return next()

    app.use(lambda ctx, next: ctx.res.on_head(lambda res: res.header("x-order", "inner")) and next())
    app.get("/whole", lambda res: res.status(201).text("x"))
    app.get("/empty", lambda res: res.end())
    app.get("/stream", lambda res: res.stream().end("x"))
    app.get("/events", lambda res: res.sse().close())
    app.get("/raises", lambda res: res.status(777))
    async with net.serving(app) as site:
        for path, status in (
            ("/whole", 201),
            ("/empty", 200),
            ("/stream", 200),
            ("/events", 200),
            ("/raises", 500),
            ("/x", 404),
        ):
            answer = await site.get(path)
            assert answer.status == status
            assert (answer.head.get("x-order"), answer.head.get("x-status")) == ("inner, outer", str(status)), path
    net.logged("GET /raises failed")


async def test_a_head_is_told_once_and_again_only_where_none_was_written(net):
    told = []
    app = server()

    @app.get("/")
    def handler(res):
        res.on_head(lambda res: told.append(res.status_code))
        res.header("content-length", 3).text("a body of another length")

    @app.get("/twice")
    def twice(res):
        res.on_head(lambda res: told.append("once"))
        res.text("one")
        try:
            res.text("two")
        except RuntimeError:
            pytest.fail("it is a ResponseEnded")
        except Exception:  # noqa: BLE001 - told by another test
            told.append("refused")

    async with net.serving(app) as site:
        assert (await site.get("/")).status == 500
        assert told == [200, 500]
        told.clear()
        assert (await site.get("/twice")).body == b"one"
        assert told == ["once", "refused"]
    net.logged("GET / failed")


async def test_what_fails_before_the_head_is_the_error_of_the_answer(net):
    app = server()

    @app.get("/")
    def handler(res):
        res.on_head(lambda res: res.header("x-kept", "1"))

        @res.on_head
        def failing(res):
            raise HTTPError(503, "no head today")

        res.text("x")

    @app.get("/late")
    def late(res):
        res.text("x")
        res.on_head(print)

    async with net.serving(app) as site:
        answer = await site.get("/")
        assert (answer.status, answer.head.get("x-kept")) == (503, "1")
        assert json.loads(answer.body)["message"] == "no head today"
        assert (await site.get("/late")).body == b"x"
    net.logged("a handler failed after its response was over")


async def test_the_end_is_told_for_whole_and_streamed_and_cut_answers(net):
    ends = asyncio.Queue()

    def watching(ctx, next):
        ctx.res.on_finish(lambda end: ends.put_nowait((ctx.req.path, end.reason, end.bytes_sent)))
        return next()

    app = app_with(watching)
    app.get("/whole", lambda: "four")
    app.get("/stream", lambda res: res.stream().end("three"))

    @app.get("/cut")
    async def cut(res):
        res.stream().write("a")
        raise ValueError("in the middle")

    @app.get("/left")
    async def left(res):
        res.stream().write("ab")
        await asyncio.Event().wait()

    async with net.serving(app) as site:
        for path, reason, size in (("/whole", "ended", 4), ("/stream", "ended", 5), ("/nowhere", "ended", None)):
            answer = await site.get(path)
            assert await soon(ends.get()) == (path, reason, len(answer.body) if size is None else size)
        wire = await site.connect()
        await wire.get("/cut")
        await wire.head()
        await wire.truncated()
        assert await soon(ends.get()) == ("/cut", "error", 1)
        wire = await site.connect()
        await wire.get("/left")
        await wire.head()
        wire.close()
        assert await soon(ends.get()) == ("/left", "client_left", 2)
    net.logged("a handler failed after the head")
    assert ends.empty()


async def test_the_end_of_what_is_over_is_told_at_once(net):
    ends = []

    async def around(ctx, next):
        await next()
        ctx.res.on_finish(lambda end: ends.append(repr(end)))
        ctx.res.on_finish(lambda end: 1 / 0)

    app = app_with(around)
    app.get("/", lambda: "four")
    async with net.serving(app) as site:
        await site.get("/")
        assert ends == ["StreamEnd('ended', bytes_sent=4, events_sent=0, dropped=0)"]
    net.logged("an on_finish or on_close callback failed")


# === Mistakes ===


def test_what_is_no_middleware_is_told_at_once():
    async def yields(ctx, next):
        yield

    class Callable:
        def __call__(self, ctx, next): ...

    app = server()
    for wrong in (7, "x", int, lambda: None, lambda ctx: None, lambda a, b, c: None, yields):
        for register in (app.use, middleware, lambda fn: app.get("/", fn, print), lambda fn: app.route("/", fn)):
            with pytest.raises(TypeError, match="middleware"):
                register(wrong)
    assert app.routes == ()
    app.use(Callable(), print, lambda ctx, next, log=None: next())
    marked = middleware(note([], "x"))
    assert app.use(marked) is app


# === Beside the other options of a route ===


async def test_a_handler_in_a_thread_and_one_that_reads_its_body_stand_behind_them_too(net):
    log = []
    app, api = app_with(note_async(log, "app")), router(host="api.test")
    app.mount("/", api)
    loop_thread = threading.get_ident()

    @app.get("/blocking", blocking=True)
    def blocking():
        return {"elsewhere": threading.get_ident() != loop_thread}

    async def read(req):
        return {"pieces": [len(piece) async for piece in req.stream()]}

    app.post("/body", read, stream_body=True, body_size=100)
    api.post("/hosted", read, stream_body=True, body_size=100)
    async with net.serving(app, max_request_size=5) as site:
        assert json.loads((await site.get("/blocking")).body) == {"elsewhere": True}
        for path, host in (("/body", b"kito.test"), ("/hosted", b"api.test")):
            wire = await site.connect()
            await wire.send(request(path, method="POST", body=b"x" * 10).replace(b"kito.test", host))
            assert sum(json.loads((await wire.answer()).body)["pieces"]) == 10
    assert log == ["app in", "app out"] * 3

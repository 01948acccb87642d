"""`blocking=True`: a plain `def` runs in a thread of a bounded pool, and answers from there."""

import asyncio
import contextvars
import threading

import pytest

from kito import BlockingResponse, ConnectionClosed, HTTPError, Limits, Timeouts, server
from kito.errors import ResponseEnded
from tests.support.threads import Gate, blocking
from tests.support.wire import soon, until

# === answers ===


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (lambda res: res.text("text"), b"text"),
        (lambda res: res.send({"a": 1}), b'{"a":1}'),
        (lambda res: res.json([1]), b"[1]"),
        (lambda res: res.html("<p>"), b"<p>"),
        (lambda res: res.end(), b""),
        (lambda res: "returned", b"returned"),
        (lambda res: {"a": 1}, b'{"a":1}'),
        (lambda res: res.status(201).header("x-made", "in a thread").cookie("a", "b").text("x"), b"x"),
        (lambda res: res.send_status(202), b"Accepted"),
        (lambda res: res.redirect("/there"), b""),
    ],
)
async def test_every_way_to_answer(net, answer, body):
    app = server()
    threads = []

    def handler(res):
        threads.append(threading.current_thread())
        assert isinstance(res, BlockingResponse)
        return answer(res)

    blocking(app, handler)
    async with net.serving(app) as site:
        wire = await site.connect()
        for _ in range(2):  # the connection stays usable
            await wire.get("/")
            assert (await wire.answer()).body == body
    assert threading.main_thread() not in threads


@pytest.mark.parametrize(
    ("handler", "body"),
    [
        (lambda: "nothing", b"nothing"),
        (lambda req: req.path, b"/x"),
        (lambda req, res: res.text(req.path), b"/x"),
        (lambda res, req: res.text(req.path), b"/x"),
        (lambda ctx: ctx.res.text(ctx.req.path), b"/x"),
        (lambda res, name: res.text(name), b"x"),
        (lambda name, query: f"{name} {len(query)}", b"x 0"),
    ],
)
async def test_a_handler_asks_for_what_it_wants(net, handler, body):
    app = server()
    blocking(app, handler, "/:name")
    async with net.serving(app) as site:
        assert (await site.get("/x")).body == body


async def test_everybody_else_is_served_meanwhile(net):
    app = server()
    gate = Gate()
    blocking(app, lambda: gate.passed() or "late")
    app.get("/other", lambda: "served")
    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await until(lambda: app.stats["requests"])
        assert (await site.get("/other")).body == b"served"
        gate.set()
        assert (await wire.answer()).body == b"late"


@pytest.mark.parametrize(("error", "status"), [(HTTPError(409), 409), (RuntimeError("broken"), 500)])
async def test_what_is_raised_is_answered(net, error, status):
    app = server()

    def handler():
        raise error

    blocking(app, handler)
    async with net.serving(app) as site:
        assert (await site.get("/")).status == status
    if status == 500:
        net.logged("GET / failed")


async def test_answering_twice_raises_in_the_thread(net):
    app = server()
    raised = []

    def handler(res):
        res.text("once")
        try:
            res.text("twice")
        except ResponseEnded as error:
            raised.append(error)

    blocking(app, handler)
    async with net.serving(app) as site:
        assert (await site.get("/")).body == b"once"
        await until(lambda: raised)


async def test_answering_nothing_is_a_500(net):
    app = server()
    blocking(app, lambda res: None)
    async with net.serving(app) as site:
        assert (await site.get("/")).status == 500
    net.logged("GET / failed")


async def test_context_variables_are_those_of_the_request(net):
    app = server()
    name = contextvars.ContextVar("name", default="nobody")

    @app.use
    async def middleware(ctx, next):
        name.set(ctx.req.header("x-name"))
        await next()

    def handler():
        before = name.get()
        name.set("changed")
        return before

    blocking(app, handler)
    async with net.serving(app) as site:
        assert (await site.get("/", "x-name: ann")).body == b"ann"
        assert (await site.get("/", "x-name: bob")).body == b"bob"
    assert name.get() == "nobody"


async def test_behind_a_middleware_the_response_is_the_same_before_and_after(net):
    app = server()
    kinds = []

    @app.use
    async def middleware(ctx, next):
        ctx.res.header("x-before", "set")
        ctx.res.on_head(lambda res: res.header("x-head", "set"))
        kinds.append(type(ctx.res))
        await next()
        kinds.append(type(ctx.res))

    blocking(app, lambda res: res.stream(["a", "b"]))
    async with net.serving(app) as site:
        answer = await site.get("/")
        await until(lambda: len(kinds) == 2)
    assert answer.chunks == [b"a", b"b"]
    assert (answer.head.get("x-before"), answer.head.get("x-head")) == ("set", "set")
    assert kinds[0] is kinds[1]
    assert not issubclass(kinds[0], BlockingResponse)


# === the pool ===


async def test_no_more_run_at_once_than_there_are_threads(net):
    app = server(limits=Limits(threads=2))
    gate, running, most = Gate(), [], []

    def handler():
        running.append(1)
        most.append(len(running))
        gate.passed()
        running.pop()
        return "done"

    blocking(app, handler)
    async with net.serving(app) as site:
        wires = [await site.connect() for _ in range(5)]
        for wire in wires:
            await wire.get("/")
        await until(lambda: app.stats["requests"] == 5 and len(running) == 2)
        gate.set()
        for wire in wires:
            assert (await wire.answer()).body == b"done"
    assert max(most) == 2


async def test_a_handler_that_waits_for_a_thread_when_the_server_stops_never_begins(net):
    app = server(limits=Limits(threads=1), timeouts=Timeouts(shutdown=0, stream_grace=0, cleanup=0.05))
    gate, begun = Gate(), []
    blocking(app, lambda: begun.append(1) or gate.passed())
    async with net.serving(app) as site:
        wires = [await site.connect() for _ in range(2)]
        for wire in wires:
            await wire.get("/")
        await until(lambda: app.stats["requests"] == 2 and begun)
        await soon(app.aclose())
        gate.set()
    await asyncio.sleep(0.01)
    assert begun == [1]
    net.logged("2 exchanges were cut")
    net.logged("does not come to its end")
    net.logged("1 blocking handlers still run")


async def test_async_handlers_and_streamed_bodies_are_refused_at_registration(net):
    app = server()

    async def handler():
        return "x"

    async def pieces():
        yield "x"

    for wrong in (handler, pieces):
        with pytest.raises(TypeError, match="plain def"):
            blocking(app, wrong)
    with pytest.raises(TypeError, match="stream_body"):
        blocking(app, lambda req: "x", method="post", stream_body=True)


async def test_a_handler_that_is_too_late_is_told_by_its_next_word(net):
    app = server(timeouts=Timeouts(handler=0.01))
    gate, begun, told = Gate(), [], []

    def handler(res):
        begun.append(True)
        gate.passed()
        try:
            res.text("late")
        except ConnectionClosed as error:
            told.append(error)
            raise

    blocking(app, handler)
    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await until(lambda: begun)
        app._runner.state.clock.advance(3)
        assert (await wire.answer()).status == 503
        await asyncio.sleep(0.01)  # its task is cancelled
        gate.set()
        await until(lambda: told)

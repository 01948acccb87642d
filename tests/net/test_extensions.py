"""Extensions over the wire: what contexts are given, and resources that no open stream keeps open."""

import asyncio
from collections.abc import Callable
from contextlib import asynccontextmanager, contextmanager
from typing import TypedDict

import pytest

from kito import HTTPError, router, server
from tests.support.wire import soon


async def body(site, path, *fields):
    answer = await site.get(path, *fields)
    return answer.body.decode()


# === Values and functions ===


async def test_values_and_what_functions_give_are_names_of_handlers(net):
    app = server()
    app.get("/one", lambda db: f"one {db}")  # before the extensions: they are for every route
    app.get("/two", lambda res, db, user: f"two {db} {user}")
    app.get("/ctx", lambda ctx: f"ctx {ctx.db} {ctx.user} {ctx.tag}")
    app.get("/typed", lambda res, city: f"in {city}")

    class Place(TypedDict):
        city: str

    async def place(user) -> Place:
        await asyncio.sleep(0)
        return {"city": f"{user}ville"}

    assert app.extend(db="the db") is app

    @app.extend
    def user(req):
        return {"user": req.header("x-user") or "nobody"}

    @app.extend
    def tag(ctx):
        ctx.tag = f"#{ctx.user}"

    app.extend(place)
    async with net.serving(app) as site:
        assert await body(site, "/one") == "one the db"
        assert await body(site, "/two", "x-user: ann") == "two the db ann"
        assert await body(site, "/ctx") == "ctx the db nobody #nobody"
        assert await body(site, "/typed", "x-user: ann") == "in annville"


async def test_they_run_at_their_place_in_the_tree(net):
    log = []
    app, below = server(), router()
    below.extend(lambda who: log.append(f"below of {who}") or {"mine": 1})
    below.use(lambda ctx, next: (log.append(f"router {ctx.mine}") and None) or next())
    below.get("/", lambda who, mine: f"{who} {mine}")
    app.mount("/below", below)
    app.get("/", lambda who: who)
    app.use(lambda ctx, next: log.append(f"app {ctx.who}") or next())
    app.extend(who="ann")
    async with net.serving(app) as site:
        assert await body(site, "/below") == "ann 1"
        assert log == ["app ann", "below of ann", "router 1"]
        log.clear()
        assert await body(site, "/") == "ann"
        assert (await site.get("/nowhere")).status == 404
        assert log == ["app ann", "app ann"]


async def test_what_an_extension_raises_or_returns_amiss_is_an_error(net):
    app = server()
    app.get("/denied", lambda: "x", use=lambda ctx, next: next())
    app.get("/unknown", lambda res, nothing_of_it: "x")

    @app.extend
    async def guard(req):
        if req.path == "/denied":
            raise HTTPError(401)
        return ["no dict"] if req.path == "/list" else {"req": 1} if req.path == "/req" else None

    app.get("/list", lambda: "x").get("/req", lambda: "x")
    async with net.serving(app) as site:
        assert (await site.get("/denied")).status == 401
        for path, words in (
            ("/list", "return a dict"),
            ("/req", "cannot replace 'req'"),
            ("/unknown", "asks for 'nothing_of_it', which no extension has set"),
        ):
            assert (await site.get(path)).status == 500
            assert words in str(net.logged(f"GET {path} failed").exc_info[1])


def test_an_unknown_name_is_told_at_the_start():
    for extend in (
        lambda app: app.extend(db=1),
        lambda app: app.extend(named),
        lambda app: None,
    ):
        app = server()
        extend(app)
        app.get("/", lambda res, dbb: "x")
        loop = asyncio.new_event_loop()
        loop.close()
        with pytest.raises(TypeError, match=r"GET /: .*asks for 'dbb'"):
            app.make_dispatcher(loop)


class Named(TypedDict):
    db: int


def named() -> Named:
    return {"db": 1}


def test_what_cannot_be_an_extension_is_told():
    def req():
        yield 1

    app = server()
    for mistake, kind in (
        (lambda: app.extend(req=1), TypeError),
        (lambda: app.extend(ctx=1), TypeError),
        (lambda: app.extend(body=1), TypeError),
        (lambda: app.extend(req), TypeError),
        (lambda: app.extend(7), TypeError),
        (lambda: app.extend(lambda: (yield)), TypeError),
        (lambda: app.extend(named, scope="stream"), TypeError),
        (lambda: app.extend(named, scope="connection"), ValueError),
    ):
        with pytest.raises(kind):
            mistake()
    assert app.extensions == []


# === Resources ===


def noted(log: list[str], *, is_async: bool = True, pause: float | None = None) -> Callable[..., object]:
    """A resource that notes when it is opened, closed, and failed in."""
    if not is_async:

        def plain():
            log.append("open")
            try:
                yield "session"
            except ValueError:
                log.append("failed")
                raise
            finally:
                log.append("closed")

        plain.__name__ = "db"
        return plain

    async def db():
        log.append("open")
        try:
            yield "session"
        except ValueError:
            log.append("failed")
            raise
        finally:
            if pause is not None:
                await asyncio.sleep(pause)
            log.append("closed")

    return db


@pytest.mark.parametrize("is_async", [False, True])
async def test_it_is_opened_for_those_who_ask_and_closed_behind_them(net, is_async):
    log = []
    app = server().extend(noted(log, is_async=is_async))
    app.get("/named", lambda db: log.append("handler") or db)
    app.get("/ctx", lambda ctx: log.append("handler") or ctx.db)
    app.get("/other", lambda req: "nothing")

    @app.get("/fails")
    async def fails(db):
        raise ValueError

    async with net.serving(app) as site:
        for path in ("/named", "/ctx"):
            assert await body(site, path) == "session"
            assert log == ["open", "handler", "closed"]
            log.clear()
        assert await body(site, "/other") == "nothing"
        assert (await site.get("/nowhere")).status == 404
        assert log == []
        assert (await site.get("/fails")).status == 500
        assert log == ["open", "failed", "closed"]
    net.logged("GET /fails failed")


async def test_decorated_managers_and_those_who_need_each_other(net):
    log = []
    app = server()

    @app.extend
    @asynccontextmanager
    async def pool():
        log.append("pool")
        yield "pool"
        log.append("no pool")

    @app.extend
    @contextmanager
    def session(pool):
        log.append("session")
        yield f"session of {pool}"
        log.append("no session")

    @app.extend
    def unused():
        log.append("unused")
        yield

    app.get("/", lambda res, session: session)
    async with net.serving(app) as site:
        assert await body(site, "/") == "session of pool"
    assert log == ["pool", "session", "no session", "no pool"]


@pytest.mark.parametrize("kind", ["plain", "async", "slow"])
@pytest.mark.parametrize("handler", ["writer", "events", "generator", "kept"])
async def test_it_is_closed_before_the_first_byte_of_a_stream(net, kind, handler):
    log = []
    gate = asyncio.Event()
    app = server().extend(noted(log, is_async=kind != "plain", pause=0.05 if kind == "slow" else None))

    @app.get("/writer")
    async def writer(res, db):
        async with res.stream() as stream:
            await stream.write(db)
            log.append("on")
            await gate.wait()
            log.append("end")

    @app.get("/events")
    async def events(res, db):
        sse = res.sse()
        await sse.send(db)
        log.append("on")
        await gate.wait()
        log.append("end")

    @app.get("/generator")
    async def generator(db):
        yield db
        log.append("on")
        await gate.wait()
        log.append("end")

    @app.get("/kept")
    def kept(res, db):
        stream = res.stream()
        stream.write(db)
        log.append("on")
        gate_opened = asyncio.ensure_future(gate.wait())
        gate_opened.add_done_callback(lambda _: (log.append("end"), stream.end()))

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get(f"/{handler}")
        await wire.head()
        assert "closed" in log
        assert b"session" in await wire.chunk()
        gate.set()
        await wire.chunks()
        if handler == "kept" and kind != "plain":  # who does not wait for a write goes on
            assert log == ["open", "on", "closed", "end"]
        else:
            assert log == ["open", "closed", "on", "end"]


@pytest.mark.parametrize("end", ["whole", "kept", "left"])
async def test_with_the_scope_of_the_stream_it_lasts_as_long(net, end):
    log = []
    closed = asyncio.Event()
    app = server()

    @app.extend(scope="stream")
    async def db():
        log.append("open")
        try:
            yield "session"
        finally:
            log.append("closed")
            closed.set()

    @app.get("/whole")
    async def whole(res, db):
        async with res.stream() as stream:
            await stream.write(db)
            await asyncio.sleep(0)
            log.append("end")

    @app.get("/kept")
    def kept(res, db):
        stream = res.stream()
        stream.write(db)

        def finish():
            log.append("end")
            stream.end()

        asyncio.get_running_loop().call_later(0.01, finish)

    @app.get("/left")
    async def left(res, db):
        try:
            stream = res.stream()
            stream.write(db)
            await asyncio.Event().wait()
        finally:
            log.append("end")

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get(f"/{end}")
        await wire.head()
        if end == "left":
            wire.close()
        else:
            await wire.chunks()
        await soon(closed.wait())
        assert log == ["open", "end", "closed"]


async def test_one_that_cannot_be_opened_or_closed_is_an_error_of_the_handler(net):
    app = server()

    @app.extend
    async def never():
        raise HTTPError(503, "no connection")
        yield

    @app.extend
    def twice():
        yield 1
        raise OSError("it cannot be closed")

    app.get("/never", lambda never: "x")

    @app.get("/twice")
    async def stream(res, twice):
        res.stream().write("x")

    async with net.serving(app) as site:
        assert (await site.get("/never")).status == 503
        assert (await site.get("/twice")).status == 500
    net.logged("GET /twice failed")


async def test_beside_a_whole_answer_it_lasts_as_long_as_the_handler(net):
    for is_async in (False, True):
        log = []
        app = server().extend(noted(log, is_async=is_async))

        @app.get("/")
        async def handler(res, db):
            res.text(db)
            log.append("still")  # noqa: B023 - it is called in this turn
            await asyncio.sleep(0)

        async with net.serving(app) as site:
            assert await body(site, "/") == "session"
        assert log == ["open", "still", "closed"]

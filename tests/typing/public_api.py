"""The public API as a typed program sees it: pyright, in strict mode, agrees with every line. It is never run."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Any, assert_type

import kito
from kito import (
    BlockingResponse,
    BlockingSSEWriter,
    BlockingStreamWriter,
    ConfigError,
    ConnectionClosed,
    Context,
    Event,
    FormData,
    Headers,
    HTTPError,
    KitoError,
    KnownError,
    Limits,
    LocalProtocolError,
    Next,
    ProtocolError,
    RemoteProtocolError,
    Request,
    Response,
    Router,
    RoutingError,
    Schema,
    Server,
    SSEWriter,
    StreamEnd,
    StreamWriter,
    Timeouts,
    UploadFile,
    ValidationError,
    error,
    middleware,
    router,
    schema,
    server,
    static,
    t,
)
from kito.middlewares import cors, rate_limit, request_id, security_headers, timeout, trusted_host
from kito.testing import AsyncTestClient, ReceivedEvent, TestClient

app = server(port=8000, limits=Limits(body_size=1 << 20), timeouts=Timeouts(head=5))
assert_type(app, Server)
assert_type(kito.__version__, str)
assert_type(ValidationError([{}]).details, tuple[dict[str, str], ...])


# Registration: a decorator gives back the function it was given, a call gives back the server.


@app.get("/cats/:id")
def cat(req: Request, res: Response, id: int) -> None:
    assert_type(req.method, str)
    assert_type(req.path, str)
    assert_type(req.headers, Headers)
    assert_type(req.headers.get("accept"), str | None)
    assert_type(req.headers.get_all("accept"), list[str])
    assert_type(req.header("accept"), str | None)
    assert_type(req.param("id"), str | None)
    assert_type(req.query_param("page"), str | None)
    assert_type(req.cookie("session"), str | None)
    assert_type(req.cookies, dict[str, str])
    assert_type(req.body, bytes)
    assert_type(req.text(), str)
    assert_type(req.client, tuple[str, int] | None)
    assert_type(req.secure, bool)
    assert_type(req.last_event_id, str | None)
    assert_type(req.ctx, Context)
    assert_type(res.headers_sent, bool)
    assert_type(res.status(201).header("x-cat", id).append("vary", "accept").type("json"), Response)
    assert_type(res.cookie("seen", "1", max_age=60, same_site="lax").clear_cookie("old"), Response)
    assert_type(res.cookie("user", "tom", secret=["new", b"old"]), Response)
    assert_type(req.cookie("user", secret="key"), str | None)
    assert_type(req.xhr, bool)
    assert_type(res.json({"id": id}), None)


assert_type(cat(Request(), Response(), 1), None)
assert_type(app.post("/cats", cat), Server)
assert_type(app.get("/", cat).delete("/cats/:id", cat), Server)
app.route("/dogs").get(cat).post(cat).end()


@app.post("/forms", stream_body=True)
async def form(req: Request) -> None:
    async with req.form(max_files=1) as read:
        assert_type(read, FormData)
        assert_type(read.text("name"), str | None)
        upload = read.file("photo")
        assert_type(upload, UploadFile | None)
        assert_type(read.get_all("a"), list[str | UploadFile])
        if upload is not None:
            assert_type(await upload.read(), bytes)
            assert_type(upload.size, int)


@app.get("/file")
async def file(res: Response) -> None:
    assert_type(res.send_file("a.txt", root="public"), Awaitable[None])
    assert_type(await res.download("a.txt", "b.txt"), None)


rules = schema(query={"page": t.num().int().min(1).default(1)}, body=t.object({"name": t.str().email().optional()}))
assert_type(rules, Schema)
assert_type(schema.json({"query": {"type": "object"}}), Schema)
assert_type(app.get("/schema", cat, schema=rules), Server)
assert_type(app.get("/health", static("ok")), Server)


@app.get("/stream")
async def stream(res: Response) -> None:
    writer = res.stream()
    assert_type(writer, StreamWriter)
    assert_type(writer.write("text"), Awaitable[None])
    assert_type(await writer.write(b"bytes"), None)
    assert_type(writer.closed, bool)
    assert_type(writer.bytes_sent, int)
    assert_type(await writer.end("last"), None)
    assert_type(await writer.wait_closed(), StreamEnd)
    assert_type(writer.closing, bool)
    assert_type(await writer.wait_closing(), bool)
    writer.on_closing(lambda: writer.end("bye"))
    assert_type(await res.stream(["a", b"b"]), None)
    assert_type(await res.stream(BytesIO(b"a file")), None)
    async with res.stream() as opened:
        assert_type(opened, StreamWriter)


@app.get("/events")
async def events(res: Response) -> None:
    sse = res.sse(retry=1000, heartbeat=10)
    assert_type(sse, SSEWriter)
    assert_type(sse.last_event_id, str | None)
    assert_type(await sse.send({"n": 1}, "update", id=1), None)
    assert_type(await sse.send_json("text", retry=500), None)
    event = Event({"n": 1}, event="update", id="1")
    assert_type(event.payload, bytes)
    assert_type(await sse.send(event), None)
    assert_type(sse.comment("still here"), Awaitable[None])
    sse.every(1.0, lambda: sse.send("tick")).cancel()

    @sse.on_close
    def gone(end: StreamEnd) -> None:
        assert_type(end.bytes_sent, int)
        assert_type(end.events_sent, int)

    assert_type(gone(await sse.wait_closed()), None)
    assert_type(await sse.close(), None)
    assert_type(await sse.close({"total": 1}, "complete", id="last"), None)
    assert_type(res.sse_done(), None)


@app.get("/thread", blocking=True)
def thread(res: BlockingResponse) -> None:
    with res.stream() as writer:
        assert_type(writer, BlockingStreamWriter)
        assert_type(writer.write("text"), None)
        assert_type(writer.wait_closing(1.0), bool)
    with res.sse(retry=100) as events:
        assert_type(events, BlockingSSEWriter)
        assert_type(events.send({"n": 1}, "update", id=1), None)
        assert_type(events.last_event_id, str | None)
    assert_type(res.stream(["a", "b"]), None)
    assert_type(res.status(201).json({"a": 1}), None)


# Handlers that answer by what they return, or by what they yield.


@app.get("/value")
def value() -> dict[str, int]:
    return {"a": 1}


assert_type(value(), dict[str, int])


@app.get("/chunks")
async def chunks() -> AsyncIterator[bytes]:
    yield b"chunk"


assert_type(chunks(), AsyncIterator[bytes])


@app.sse("/ticks")
def ticks() -> Iterator[Event]:
    yield Event("tick")


assert_type(ticks(), Iterator[Event])


# Life: hooks, and the three ways to run.


@app.on_startup
async def open_pool() -> None: ...


@app.lifespan
@asynccontextmanager
async def pool() -> AsyncGenerator[None, None]:
    yield


async def run() -> None:
    assert_type(app.address, tuple[str, int] | str | None)
    assert_type(app.stats, dict[str, Any])
    async with app.running(port=0) as address:
        assert_type(address, tuple[str, int] | str)
    assert_type(await app.serve(), None)
    assert_type(await app.aclose(grace=1.5), None)


def block() -> None:
    assert_type(app.listen(3000, "127.0.0.1", lambda: None), None)
    assert_type(app.listen(lambda: None), None)
    assert_type(app.close(), None)


# Tests: clients of an app.


def check() -> None:
    with TestClient(app, timeout=2, headers={"x-test": "1"}) as client:
        answer = client.post("/cats", json={"name": "Tom"}, query={"a": 1}, timeout=1)
        assert_type(answer.status, int)
        assert_type(answer.headers.get("etag"), str | None)
        assert_type(answer.chunks, tuple[bytes, ...] | None)
        with client.stream("GET", "/", read_rate=100) as stream:
            assert_type(stream.next(), bytes)
            assert_type(list(stream), list[bytes])
        with client.sse("/ticks", last_event_id="1") as events:
            assert_type(events.next(timeout=1), ReceivedEvent)
            assert_type(events.next_comment(), str)


async def check_on_this_loop() -> None:
    async with AsyncTestClient(app) as client:
        assert_type((await client.get("/")).text, str)
        async with client.stream("GET", "/") as stream:
            assert_type(await stream.rest(), list[bytes])
        async with client.sse("/ticks") as events:
            assert_type([event.data async for event in events], list[str])
        assert_type(await client.advance(15), None)


# Errors: one tree.


def caught(error: KitoError) -> int | None:
    if isinstance(error, HTTPError):
        assert_type(error.status, int)
        return error.status
    if isinstance(error, LocalProtocolError | RemoteProtocolError):
        return error.status
    return None


roots: list[type[KitoError]] = [ConfigError, ConnectionClosed, HTTPError, ProtocolError, RoutingError]


# Middlewares, routers, extensions and error handlers: what takes functions gives them back, what is a call goes on.


class Mine(Context):
    user: str


@middleware
async def around(ctx: Mine, next: Next) -> None:
    assert_type(ctx.req, Request)
    assert_type(ctx.user, str)
    ctx.res.on_head(lambda res: None)
    ctx.res.on_finish(gone)
    assert_type(await next(), None)


def gone(end: StreamEnd) -> None:
    assert_type(end.bytes_sent, int)


def plain(ctx: Context, next: Next) -> Awaitable[None]:
    return next()


assert_type(app.use(around, plain), Server)
app.use(cors("*"), rate_limit(10), request_id(), security_headers(), timeout(5), trusted_host("example.com"))
assert_type(app.get("/around", plain, cat), Server)
app.route("/chain", plain).get(cat).post([plain, around], cat).use(plain).end()

cats = router(host="example.com")
assert_type(cats, Router)
assert_type(cats.get("/", cat, name="cats"), Router)
assert_type(app.mount("/cats", cats, name="cats"), Server)
assert_type(app.url_for("cats.cats", id=1), str)

assert_type(app.extend(db=1, motto="meow"), Server)


def user(ctx: Mine) -> None:
    ctx.user = "ann"


assert_type(app.extend(user), Server)


@app.extend(scope="stream")
async def session() -> AsyncIterator[int]:
    yield 1


assert_type(session(), AsyncIterator[int])

CatNotFound = error("CAT_NOT_FOUND").status(404).message("no such cat").build()


@app.on_error([CatNotFound, 404, "DOG_NOT_FOUND"])
def missing(error: KnownError) -> dict[str, str]:
    return {"message": error.message}


assert_type(missing(CatNotFound(id=1)), dict[str, str])
assert_type(app.on_error(ValueError, missing), Server)


@app.observe_error
async def watch(error: Exception) -> None: ...

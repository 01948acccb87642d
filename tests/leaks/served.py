"""The server of test_kinds, `python -m tests.leaks.served uvloop|asyncio [hoard]`: it counts what is alive in it.

With `hoard` nothing is collected before it is asked for.
"""

import asyncio
import gc
import logging
import os
import sys
import time
from pathlib import Path

import uvloop

from kito import Event, Limits, router, server
from kito._core.debug import live_objects

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
PIECE = b"x" * 32768

app = server(port=0, limits=Limits(high_water=4096))
shared = Event({"n": 1}, "tick")
kept = []


class Refused(Exception):
    """What the failing handlers raise."""


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES


def is_ours(thing: object) -> bool:
    return type(thing).__module__.partition(".")[0] == "kito"


@app.get("/state")
def state():
    """Everything that has to come back to where it was, after a collection."""
    gc.collect()
    return {
        "live": live_objects(),
        "tasks": len(asyncio.all_tasks()),
        "descriptors": len(os.listdir("/proc/self/fd")),  # noqa: PTH208 - the shortest way to count
        "resident": resident_bytes(),
        "garbage": len([thing for thing in gc.garbage if is_ours(thing)]),
    }


@app.get("/open")
def open_now():
    return [app.stats["connections"], app.stats["streams_open"]]


@app.get("/collect")
def collect():
    """What nothing can reach any more: how many objects, and of which of our types."""
    gc.set_debug(gc.DEBUG_SAVEALL)
    count = gc.collect()
    ours = sorted({type(thing).__name__ for thing in gc.garbage if is_ours(thing)})
    gc.set_debug(0)
    gc.garbage.clear()
    gc.collect()
    return [count, ours]


@app.get("/keep")
def keep(req, res):
    """A leak, for the test of the tests."""
    kept.append((req, res.stream()))


@app.get("/forget")
def forget():
    kept.clear()
    return "x"


@app.get("/plain")
def plain(res):
    res.header("x-a", "1").send("plain")


@app.get("/views/:name")
def views(req, name):
    return [name, req.query.items(), req.headers["host"], req.cookies]


@app.get("/context")
def context(ctx):
    ctx.seen = ctx.req.ctx is ctx
    ctx.res.send([ctx.seen])


@app.post("/echo")
async def echo(req):
    await asyncio.sleep(0)
    return req.body


@app.get("/fail")
async def fail():
    await asyncio.sleep(0)
    raise Refused


@app.get("/fail-late")
async def fail_late(res):
    async with res.sse() as sse:
        sse.send("first")
        raise Refused


@app.get("/whole")
async def whole(res):
    async with res.stream() as stream:
        for _ in range(3):
            await stream.write("piece")


@app.get("/idle")
async def idle(res):
    sse = res.sse(heartbeat=1)
    sse.on_close(lambda end: sse.events_sent)
    sse.send("first")
    await sse.wait_closed()


@app.get("/busy")
async def busy(res):
    sse = res.sse()
    while True:
        sse.send({"n": 1})
        sse.send(shared)
        await asyncio.sleep(0)


@app.get("/paused")
async def paused(res):
    stream = res.stream()
    while True:
        await stream.write(PIECE)


@app.get("/overflow")
def overflow(res):
    stream = res.stream()
    for _ in range(512):
        stream.write(PIECE)


@app.get("/timer")
def timer(res):
    sse = res.sse()
    sse.every(0.001, lambda: sse.send("tick"))


@app.get("/dropped")
def dropped(res):
    res.stream().write("piece")


@app.get("/detached", on_disconnect="detach")
async def detached(res):
    stream = res.stream()
    stream.write("first")
    await stream.wait_closed()
    stream.write("into the void")


@app.get("/generator")
async def generator():
    for _ in range(3):
        yield "piece"


@app.get("/endless")
async def endless():
    while True:
        yield "piece"
        await asyncio.sleep(0)


@app.sse("/sync-generator")
def sync_generator():
    yield from range(3)


# === Behind middlewares, with extensions and error handlers ===

around = router()
app.mount("/around", around)


@around.use
def watched(ctx, next):
    ctx.res.on_head(lambda res: res.header("x-path", ctx.req.path))
    ctx.res.on_finish(lambda end: ctx.req)
    return next()


@around.use
async def awaited(ctx, next):
    try:
        await next()
    except KeyError as error:
        ctx.error = str(error)
        raise


@around.extend
def named(ctx):
    return {"name": ctx.req.path}


@around.extend
async def session():
    await asyncio.sleep(0)
    yield "session"
    await asyncio.sleep(0)


@around.extend(scope="stream")
def lasting():
    yield "lasting"


@around.on_error(KeyError)
async def of_key(ctx, error):
    await asyncio.sleep(0)
    return {"name": ctx.name, "error": str(error)}


@around.get("/plain")
def plain_around(name):
    return name


@around.get("/session")
async def with_session(ctx, session, lasting):
    return [session, lasting, ctx.name]


@around.get("/fail")
async def fail_around(req):
    raise KeyError(req.path)


@around.get("/whole")
async def whole_around(session, lasting):
    yield session
    yield lasting


@around.get("/idle")
async def idle_around(res, session, lasting):
    async with res.stream() as stream:
        await stream.write("first")
        await stream.wait_closed()


@around.get("/kept")
def kept_around(res, lasting):
    stream = res.stream()
    stream.write("first")
    asyncio.get_running_loop().call_soon(stream.end)


@app.get("/thread", blocking=True)
def thread(res):
    with res.stream() as stream:
        for _ in range(3):
            stream.write("piece")


@app.get("/thread-fails", blocking=True)
def thread_fails(res):
    raise Refused


@app.sse("/thread-endless", blocking=True)
def thread_endless():
    while True:
        yield "piece"
        time.sleep(0.001)


def main() -> None:
    if "hoard" in sys.argv:
        gc.disable()
    logging.getLogger("kito").setLevel(logging.CRITICAL)
    new_loop = {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}[sys.argv[1]]

    def ready() -> None:
        sys.stdout.write(f"{app.address[1]}\n")
        sys.stdout.flush()

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(app.serve(on_ready=ready))
    gc.collect()
    sys.stdout.write(f"{live_objects()}\n")


main()

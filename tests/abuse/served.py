"""The server that is attacked, `python -m tests.abuse.served short|long`: it tells its port, and what is alive."""

import asyncio
import gc
import logging
import os
import sys
import time

from kito import Request, Response, server
from kito._core.debug import live_objects

from .bounds import SCALES

PIECE = b"x" * 32768
BIG = b"b" * 16384

app = server(port=0, timeouts=SCALES[sys.argv[1]].timeouts)


@app.get("/plain")
def plain() -> str:
    return "plain"


@app.get("/big")
def big() -> bytes:
    return BIG + b"!"  # memory of its own, as an answer that was made for somebody has


@app.post("/length")
def length(req: Request) -> str:
    return str(len(req.body))


@app.get("/waits")
async def waits(res: Response) -> None:
    """Writes as fast as its client reads."""
    stream = res.stream()
    while True:
        await stream.write(PIECE + b"!")


@app.get("/floods")
async def floods(res: Response) -> None:
    """Writes whether its client reads or not."""
    stream = res.stream()
    while not stream.closed:
        stream.write(PIECE + b"!")
        await asyncio.sleep(0)


@app.get("/gibibyte")
async def gibibyte(res: Response) -> None:
    """As much as its client takes, up to 1 GiB."""
    async with res.stream() as stream:
        for _ in range(32768):
            await stream.write(PIECE + b"!")


@app.get("/ticks")
async def ticks(res: Response) -> None:
    """The time, twice a second."""
    async with res.sse() as sse:
        while True:
            await sse.send(time.monotonic())
            await asyncio.sleep(0.5)


@app.get("/events")
async def events(res: Response) -> None:
    sse = res.sse()
    while True:
        await sse.send({"n": 1})
        await asyncio.sleep(0.001)


@app.get("/state")
def state() -> dict[str, int]:
    """What has to come back to where it was, this very request included."""
    gc.collect()
    return {
        "connections": app.stats["connections"],
        "streams": app.stats["streams_open"],
        "exchanges": live_objects()["exchanges"],
        "tasks": len(asyncio.all_tasks()),
        "descriptors": len(os.listdir("/proc/self/fd")),  # noqa: PTH208 - the shortest way to count
    }


def ready() -> None:
    sys.stdout.write(f"{app.address[1]}\n")
    sys.stdout.flush()


logging.getLogger("kito").setLevel(logging.CRITICAL)
app.listen(on_ready=ready)

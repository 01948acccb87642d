"""Serves and leaves thousands of connections in every way there is, and prints what is left: run by test_cycles.

Usage: python -m tests.leaks.cycles {uvloop,asyncio} warm-up cycles
"""

import asyncio
import gc
import itertools
import json
import logging
import socket
import struct
import sys
from collections.abc import Callable

import psutil
import uvloop

from kito import Response, Server, server
from kito._core.debug import live_objects

CLIENTS = 16  # at a time
CYCLE_S = 20.0  # seconds that one cycle may take
READ_BYTES = 4096
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: on, for no time: close() sends RST
LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "uvloop": uvloop.new_event_loop,
    "asyncio": asyncio.SelectorEventLoop,
}

# What a client sends, and the text it waits for before it leaves; none: it leaves at once.
CONVERSATIONS = {
    "nothing": ("", None),
    "part of a head": ("GET /plain HTTP/1.1\r\nhost: k", None),
    "part of a body": (
        "POST /plain HTTP/1.1\r\nhost: k\r\ncontent-length: 9\r\n\r\npart",
        None,
    ),
    "not HTTP": ("NONSENSE\r\n\r\n", " 400 "),
    "plain": ("GET /plain HTTP/1.1\r\nhost: k\r\n\r\n", "plain"),
    "two at once": ("GET /plain HTTP/1.1\r\nhost: k\r\n\r\n" * 2, "plain"),
    "left in a stream": ("GET /endless HTTP/1.1\r\nhost: k\r\n\r\n", "first"),
    "left before a stream": ("GET /endless HTTP/1.1\r\nhost: k\r\n\r\n", None),
    "a stream with a request behind": (
        "GET /endless HTTP/1.1\r\nhost: k\r\n\r\nGET /plain HTTP/1.1\r\nhost: k\r\n\r\n",
        "first",
    ),
    "a whole stream": ("GET /whole HTTP/1.1\r\nhost: k\r\n\r\n", "last"),
    "an aborted stream": ("GET /aborted HTTP/1.1\r\nhost: k\r\n\r\n", "first"),
    "a stream in a timer's hands": ("GET /timer HTTP/1.1\r\nhost: k\r\n\r\n", "first"),
    "a generator": ("GET /generator HTTP/1.1\r\nhost: k\r\n\r\n", "first"),
    "events": ("GET /events HTTP/1.1\r\nhost: k\r\n\r\n", "first"),
}
LEAVINGS = ("reset", "close", "half-close")


def make_app() -> Server:
    """One route for each way to hold a response."""
    app = server()
    app.get("/plain", lambda res: res.send("plain")).post("/plain", lambda res: res.send("plain"))

    @app.get("/endless")
    async def endless(res: Response) -> None:
        stream = res.stream()
        await stream.write("first")
        await asyncio.get_running_loop().create_future()

    @app.get("/whole")
    async def whole(res: Response) -> None:
        async with res.stream() as stream:
            await stream.write("first")
            await asyncio.sleep(0)
            await stream.write("last")

    @app.get("/aborted")
    def aborted(res: Response) -> None:
        stream = res.stream()
        stream.write("first")
        stream.flush()
        stream.abort()

    @app.get("/timer")
    def timer(res: Response) -> None:
        stream = res.stream()
        stream.write("first")
        handle = asyncio.get_running_loop().call_later(CYCLE_S, stream.end)
        stream.on_close(lambda end: handle.cancel())

    @app.get("/generator")
    async def generator():
        yield "first"
        await asyncio.get_running_loop().create_future()

    @app.get("/events")
    async def events(res: Response) -> None:
        sse = res.sse()
        sse.every(CYCLE_S, lambda: sse.comment("still here"))
        await sse.send({"first": 1}, "update", id=1)
        await sse.wait_closed()

    return app


async def converse(address: tuple[str, int], sent: str, awaited: str | None, leaving: str) -> None:
    """One connection, from its first byte to its end."""
    loop = asyncio.get_running_loop()
    with socket.socket() as sock:
        sock.setblocking(False)
        await loop.sock_connect(sock, address)
        try:
            await loop.sock_sendall(sock, sent.encode())
            if awaited is not None:
                await receive(sock, awaited)
            if leaving == "half-close":
                sock.shutdown(socket.SHUT_WR)
                await receive(sock, None)
        except ConnectionError:
            pass  # the server has aborted, as one of its handlers does
        if leaving == "reset":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


async def receive(sock: socket.socket, awaited: str | None) -> None:
    """Read until `awaited` has come; without it, until the server closes."""
    loop = asyncio.get_running_loop()
    received = b""
    while awaited is None or awaited.encode() not in received:
        piece = await loop.sock_recv(sock, READ_BYTES)
        if not piece:
            break
        received += piece


async def client(address: tuple[str, int], numbers: "itertools.count[int]", cycles: int) -> int:
    """Goes through the conversations and the ways to leave until there have been enough.

    Returns the most connections that were alive behind one of them: those of the other clients.
    """
    most = 0
    conversations = list(itertools.product(CONVERSATIONS.values(), LEAVINGS))
    while (number := next(numbers)) < cycles:
        (sent, awaited), leaving = conversations[number % len(conversations)]
        async with asyncio.timeout(CYCLE_S):
            await converse(address, sent, awaited, leaving)
        most = max(most, live_objects()["connections"])
    return most


async def serve(cycles: int) -> dict[str, int]:
    """One life of a server, with so many connections; returns how many it accepted, and how many were alive at once."""
    app, numbers = make_app(), itertools.count()
    async with app.running(port=0) as address:
        async with asyncio.TaskGroup() as group:
            clients = [group.create_task(client(address, numbers, cycles)) for _ in range(CLIENTS)]
        return {
            "accepted": app.stats["accepted"],
            "most": max(task.result() for task in clients),
        }


def inventory() -> dict[str, object]:
    """What the process holds now, garbage not counted."""
    gc.collect()
    process = psutil.Process()
    return {
        "descriptors": process.num_fds(),
        "memory_bytes": process.memory_info().rss,
        "objects": live_objects(),
        "tasks": len(asyncio.all_tasks()),
    }


async def main(warm_up: int, cycles: int) -> dict[str, object]:
    """What there is behind a first server, which fills every pool and cache, and what behind a second one."""
    await serve(warm_up)
    before = inventory()
    served = await serve(cycles)
    return {"before": before, "after": inventory(), **served}


if __name__ == "__main__":
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    with asyncio.Runner(loop_factory=LOOPS[sys.argv[1]]) as runner:
        json.dump(runner.run(main(int(sys.argv[2]), int(sys.argv[3]))), sys.stdout)

"""What reaches the client of an event stream, for the tests of events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kito import SSEWriter, server

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.net.conftest import Net

SSE_HEAD = {
    "content-type": "text/event-stream",
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",
    "transfer-encoding": "chunked",
}


async def sent(net: Net, write: Callable[[SSEWriter], object]) -> list[bytes] | None:
    """The chunks that reach the client when a handler calls `write(sse)`."""
    app = server()

    @app.get("/")
    def handler(res):
        sse = res.sse()
        write(sse)
        sse.close()

    async with net.serving(app) as site:
        answer = await site.get("/")
    assert answer.head.undated() == SSE_HEAD
    return answer.chunks

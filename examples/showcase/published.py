"""The two handlers of the live page that are published; they stand here as they are printed, without annotations."""

import asyncio
from collections.abc import Callable
from typing import Any

from kito import Timeouts, server

STREAM_GRACE = 1.0  # seconds that Ctrl+C leaves to open streams; the log would go on for ever

app = server(timeouts=Timeouts(stream_grace=STREAM_GRACE))


# Text in three pieces, written by timers: the handler returns at once and the stream lives on.
@app.get("/stream")
def stream(res):
    stream = res.stream()
    stream.write("Chunk 1\n")
    loop = asyncio.get_running_loop()
    loop.call_later(1, stream.write, "Chunk 2\n")
    loop.call_later(2, stream.end, "Final chunk\n")


# Named events with JSON data, written by a coroutine.
@app.get("/events")
async def events(res):
    sse = res.sse()
    sse.send({"msg": "connected"}, "init")
    for count in range(5):
        await asyncio.sleep(1)
        sse.send({"count": count}, "update")
    sse.send({"msg": "done"}, "complete")
    sse.close()


handlers: tuple[Callable[..., Any], ...] = (stream, events)

"""A server to be stopped by signals: `python -m tests.net.stoppable listen|serve GRACE`; it says what happens."""

import asyncio
import sys

from kito import Timeouts, server

WAY, GRACE = sys.argv[1], float(sys.argv[2])

app = server(port=0, timeouts=Timeouts(stream_grace=GRACE, shutdown=GRACE))


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


@app.get("/events")
async def events(res):
    sse = res.sse()
    sse.on_close(lambda end: say("stream", end.reason))
    try:
        await asyncio.Event().wait()
    finally:
        say("cleaned")


@app.get("/plain")
async def plain():
    say("asked")
    await asyncio.sleep(0.2)
    return "answered"


@app.on_shutdown
async def farewell():
    await asyncio.sleep(0)
    say("shutdown")


def ready() -> None:
    say("ready", app.address[1])


if WAY == "listen":
    app.listen(ready)
else:
    asyncio.run(app.serve(on_ready=ready))
say("returned")

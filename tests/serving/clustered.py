"""A server of several workers: `python -m tests.serving.clustered OPTIONS` (JSON); it says what happens where."""

import asyncio
import json
import logging
import os
import sys
import time
from pathlib import Path

from kito import Timeouts, server

options = json.loads(sys.argv[1])
grace = options.pop("grace", 600.0)
flag = Path(options.pop("flag", "/nonexistent"))  # while it is there, starting fails and what is held is let go
logging.basicConfig(level=logging.INFO, format="log %(processName)s %(message)s", stream=sys.stdout)

app = server(workers=2, timeouts=Timeouts(stream_grace=grace, shutdown=grace))
app.get("/pid", os.getpid)
app.get("/stuck", lambda: [say("stuck"), time.sleep(600)])


def say(*words: object) -> None:
    """Write one line with this process' number, in one call: several processes share the pipe."""
    sys.stdout.write(" ".join(map(str, (*words, os.getpid()))) + "\n")
    sys.stdout.flush()


@app.get("/close")
def close(res):
    res.text("closing")
    app.close()


@app.get("/hold")
async def hold():
    say("held")
    while not os.path.exists(flag):  # noqa: ASYNC110, ASYNC240, PTH110 - another process makes it, and it is quick
        await asyncio.sleep(0.01)
    return "let go"


@app.sse("/events")
async def events():
    yield "first"
    await asyncio.Event().wait()


@app.on_startup
def start() -> None:
    if flag.exists():
        raise ValueError("no database")


@app.on_shutdown
def farewell() -> None:
    say("shutdown")


if "sockets" not in options and "unix_socket" not in options:
    options.setdefault("port", 0)
sys.stdout.write("before, ")
app.listen(lambda: say("ready", json.dumps(app.address)), **options)
say("returned")

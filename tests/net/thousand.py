"""A server with very many streams, to be stopped: `python -m tests.net.thousand`; it says at its end what they saw."""

import json
import logging
import resource
import sys

from kito import Timeouts, server

DESCRIPTORS = 4096

_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(DESCRIPTORS, hard), hard))
logging.basicConfig(level=logging.INFO, format="%(message)s")

app = server(port=0, timeouts=Timeouts(stream_grace=3, shutdown=10))
seen = {"told": 0, "cleaned": 0}


def say(**words: object) -> None:
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


@app.get("/polite")
async def polite(res):
    sse = res.sse()
    try:
        told = await sse.wait_closing()
        seen["told"] += told
        sse.close("bye", "pause")
    finally:
        seen["cleaned"] += 1


@app.get("/deaf")
async def deaf(res):
    sse = res.sse()
    sse.on_closing(lambda: seen.update(told=seen["told"] + 1))
    try:
        await sse.wait_closed()
    finally:
        seen["cleaned"] += 1


@app.post("/stop")
def stop():
    app.close()


@app.on_shutdown
def farewell():
    say(**seen, ends=app.stats["ends"], open=app.stats["streams_open"])


app.listen(lambda: say(port=app.address[1]))

"""The showcase: every route of the live page, each in the few lines that kito needs for it."""

import asyncio

from examples.showcase import pages
from examples.showcase.answers import tokens_for
from examples.showcase.jobs import JobBoard
from examples.showcase.logbook import entries_after
from kito import Event, Timeouts, server

LOG_INTERVAL = 0.45  # seconds between two entries of the log
STREAM_GRACE = 1.0  # seconds that Ctrl+C leaves to open streams; the log would go on for ever

app = server(timeouts=Timeouts(stream_grace=STREAM_GRACE))
board = JobBoard()


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


# An answer token by token. Leaving the block ends the response; a reader who stops cancels the handler.
@app.get("/ai")
async def ai(req, res):
    tokens = tokens_for(req.query.get("prompt", ""))
    res.header("content-type", "text/plain; charset=utf-8")
    async with res.stream() as answer:
        for token, pause in tokens:
            await answer.write(token)
            await asyncio.sleep(pause)


# A long job: it runs whether or not somebody watches.
@app.post("/job")
def start_job(res):
    job = board.start()
    res.status(202).header("location", f"/job/{job.id}")
    res.json({"id": job.id})


# Its progress: every item that the generator yields is one event.
@app.sse("/job/:id")
async def watch_job(id):
    job = board.find(id)
    async for progress in job.watch():
        yield Event(progress, "progress")
    yield Event({"photos": job.total}, "done")


# A log tail on a timer of the stream. The numbers let a browser that lost the connection resume.
@app.get("/logs")
def logs(res):
    sse = res.sse(retry=1000)
    entries = entries_after(sse.last_event_id)

    def tail():
        number, entry = next(entries)
        sse.send(entry, id=number)

    tail()
    sse.every(LOG_INTERVAL, tail)


pages.publish(app, handlers=(stream, events, ai, start_job, watch_job, logs))

"""The showcase: the routes of the live page, each in the few lines that kito needs for it."""

import asyncio
from collections.abc import AsyncIterator

from examples.showcase import pages, published
from examples.showcase.answers import tokens_for
from examples.showcase.jobs import JobBoard
from examples.showcase.logbook import entries_after
from examples.showcase.published import app
from kito import Event, Request, Response

LOG_INTERVAL = 0.45  # seconds between two entries of the log

board = JobBoard()


# An answer token by token. Leaving the block ends the response; a reader who stops cancels the handler.
@app.get("/ai")
async def ai(req: Request, res: Response) -> None:
    tokens = tokens_for(req.query.get("prompt", ""))
    res.header("content-type", "text/plain; charset=utf-8")
    async with res.stream() as answer:
        for token, pause in tokens:
            await answer.write(token)
            await asyncio.sleep(pause)


# A long job: it runs whether or not somebody watches.
@app.post("/job")
def start_job(res: Response) -> None:
    job = board.start()
    res.status(202).header("location", f"/job/{job.id}")
    res.json({"id": job.id})


# Its progress: every item that the generator yields is one event.
@app.sse("/job/:id")
async def watch_job(id: str) -> AsyncIterator[Event]:
    job = board.find(id)
    async for progress in job.watch():
        yield Event(progress, "progress")
    yield Event({"photos": job.total}, "done")


# A log tail on a timer of the stream. The numbers let a browser that lost the connection resume.
@app.get("/logs")
def logs(res: Response) -> None:
    sse = res.sse(retry=1000)
    entries = entries_after(sse.last_event_id)

    def tail() -> None:
        number, entry = next(entries)
        sse.send(entry, id=number)

    tail()
    sse.every(LOG_INTERVAL, tail)


pages.publish(app, handlers=(*published.handlers, ai, start_job, watch_job, logs))

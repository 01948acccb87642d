"""FastAPI with its own Server-Sent Events: generators that yield typed models, serialised by pydantic."""

import asyncio
from collections.abc import AsyncIterable

import payloads
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, Response, StreamingResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel

app = FastAPI()
subscribers: set[asyncio.Queue[str]] = set()


class Greeting(BaseModel):
    message: str


class Token(BaseModel):
    n: int
    msg: str


@app.get("/plaintext", response_class=PlainTextResponse)
async def plaintext():
    return payloads.TEXT


@app.get("/json")
async def greeting() -> Greeting:
    return Greeting(**payloads.greeting())


@app.get("/users/{id}", response_class=PlainTextResponse)
async def user(id: str):
    return id


@app.get("/suspend", response_class=PlainTextResponse)
async def suspend():
    await asyncio.sleep(0)
    return payloads.TEXT


@app.get("/down")
async def down():
    return Response(payloads.BIG_BODY, media_type="application/octet-stream")


@app.post("/up", response_class=PlainTextResponse)
async def up(request: Request):
    return str(len(await request.body()))


@app.get("/chunks")
async def chunks():
    async def produce():
        for _ in range(payloads.PIECES):
            yield payloads.CHUNK

    return StreamingResponse(produce(), media_type="application/octet-stream")


@app.get("/events", response_class=EventSourceResponse)
async def events() -> AsyncIterable[Token]:
    for number in range(payloads.PIECES):
        yield Token(**payloads.token(number))


@app.get("/paced", response_class=EventSourceResponse)
async def paced() -> AsyncIterable[Token]:
    number = 0
    while True:
        yield Token(**payloads.token(number))
        number += 1
        await asyncio.sleep(payloads.PACE_SECONDS)


@app.get("/subscribe", response_class=EventSourceResponse)
async def subscribe() -> AsyncIterable[ServerSentEvent]:
    queue: asyncio.Queue[str] = asyncio.Queue()
    subscribers.add(queue)
    try:
        yield ServerSentEvent(raw_data=payloads.READY)
        while True:
            yield ServerSentEvent(raw_data=await queue.get())
    finally:
        subscribers.discard(queue)


@app.post("/publish", response_class=PlainTextResponse)
async def publish(request: Request):
    data = (await request.body()).decode()
    for queue in subscribers:
        queue.put_nowait(data)
    return str(len(subscribers))


@app.get("/idle", response_class=EventSourceResponse)
async def idle() -> AsyncIterable[ServerSentEvent]:
    yield ServerSentEvent(raw_data=payloads.READY)
    await asyncio.Event().wait()

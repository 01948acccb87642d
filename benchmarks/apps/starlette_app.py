"""Starlette with sse-starlette, in the shape that both projects document."""

import asyncio
import json

import payloads
from sse_starlette import EventSourceResponse
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

LF = "\n"  # the contract's line end; sse-starlette would write CRLF
subscribers: set[asyncio.Queue[str]] = set()


def compact(value) -> str:
    return json.dumps(value, separators=(",", ":"))


async def plaintext(request):
    return PlainTextResponse(payloads.TEXT)


async def greeting(request):
    return JSONResponse(payloads.greeting())


async def user(request):
    return PlainTextResponse(request.path_params["id"])


async def suspend(request):
    await asyncio.sleep(0)
    return PlainTextResponse(payloads.TEXT)


async def down(request):
    return Response(payloads.BIG_BODY, media_type="application/octet-stream")


async def up(request):
    return PlainTextResponse(str(len(await request.body())))


async def chunks(request):
    async def produce():
        for _ in range(payloads.PIECES):
            yield payloads.CHUNK

    return StreamingResponse(produce(), media_type="application/octet-stream")


async def events(request):
    async def produce():
        for number in range(payloads.PIECES):
            yield {"data": compact(payloads.token(number))}

    return EventSourceResponse(produce(), sep=LF)


async def paced(request):
    async def produce():
        number = 0
        while True:
            yield {"data": compact(payloads.token(number))}
            number += 1
            await asyncio.sleep(payloads.PACE_SECONDS)

    return EventSourceResponse(produce(), sep=LF)


async def subscribe(request):
    async def produce():
        queue: asyncio.Queue[str] = asyncio.Queue()
        subscribers.add(queue)
        try:
            yield {"data": payloads.READY}
            while True:
                yield {"data": await queue.get()}
        finally:
            subscribers.discard(queue)

    return EventSourceResponse(produce(), sep=LF)


async def publish(request):
    data = (await request.body()).decode()
    for queue in subscribers:
        queue.put_nowait(data)
    return PlainTextResponse(str(len(subscribers)))


async def idle(request):
    async def produce():
        yield {"data": payloads.READY}
        await asyncio.Event().wait()

    return EventSourceResponse(produce(), sep=LF)


app = Starlette(
    routes=[
        Route("/plaintext", plaintext),
        Route("/json", greeting),
        Route("/users/{id}", user),
        Route("/suspend", suspend),
        Route("/down", down),
        Route("/up", up, methods=["POST"]),
        Route("/chunks", chunks),
        Route("/events", events),
        Route("/paced", paced),
        Route("/subscribe", subscribe),
        Route("/publish", publish, methods=["POST"]),
        Route("/idle", idle),
    ]
)

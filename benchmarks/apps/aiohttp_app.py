"""aiohttp's own server on uvloop, streams written through StreamResponse as its manual shows."""

import asyncio
import ssl
import sys

import msgspec
import payloads
import uvloop
from aiohttp import web

encode = msgspec.json.encode
subscribers: set[web.StreamResponse] = set()
EVENT_HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}


def event(data: bytes) -> bytes:
    return b"data: " + data + b"\n\n"


async def open_stream(request, headers):
    response = web.StreamResponse(headers=headers)
    response.enable_chunked_encoding()
    await response.prepare(request)
    return response


async def plaintext(request):
    return web.Response(text=payloads.TEXT)


async def greeting(request):
    return web.json_bytes_response(payloads.greeting(), dumps=encode)


async def user(request):
    return web.Response(text=request.match_info["id"])


async def suspend(request):
    await asyncio.sleep(0)
    return web.Response(text=payloads.TEXT)


async def down(request):
    return web.Response(body=payloads.BIG_BODY)


async def up(request):
    return web.Response(text=str(len(await request.read())))


async def chunks(request):
    response = await open_stream(request, {"Content-Type": "application/octet-stream"})
    for _ in range(payloads.PIECES):
        await response.write(payloads.CHUNK)
    await response.write_eof()
    return response


async def events(request):
    response = await open_stream(request, EVENT_HEADERS)
    for number in range(payloads.PIECES):
        await response.write(event(encode(payloads.token(number))))
    await response.write_eof()
    return response


async def paced(request):
    response = await open_stream(request, EVENT_HEADERS)
    number = 0
    while True:
        await response.write(event(encode(payloads.token(number))))
        number += 1
        await asyncio.sleep(payloads.PACE_SECONDS)


async def subscribe(request):
    response = await open_stream(request, EVENT_HEADERS)
    await response.write(event(payloads.READY.encode()))
    subscribers.add(response)
    try:
        await asyncio.Event().wait()
    finally:
        subscribers.discard(response)


async def publish(request):
    frame = event(await request.read())
    for response in list(subscribers):
        await response.write(frame)
    return web.Response(text=str(len(subscribers)))


async def idle(request):
    response = await open_stream(request, EVENT_HEADERS)
    await response.write(event(payloads.READY.encode()))
    while True:
        await asyncio.sleep(payloads.HEARTBEAT_SECONDS)
        await response.write(b": heartbeat\n\n")


def build() -> web.Application:
    app = web.Application(client_max_size=4 * 1024**2)
    app.router.add_get("/plaintext", plaintext)
    app.router.add_get("/json", greeting)
    app.router.add_get("/users/{id}", user)
    app.router.add_get("/suspend", suspend)
    app.router.add_get("/down", down)
    app.router.add_post("/up", up)
    app.router.add_get("/chunks", chunks)
    app.router.add_get("/events", events)
    app.router.add_get("/paced", paced)
    app.router.add_get("/subscribe", subscribe)
    app.router.add_post("/publish", publish)
    app.router.add_get("/idle", idle)
    return app


def secured(certificate, key):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context


if __name__ == "__main__":
    loop = uvloop.new_event_loop()
    web.run_app(
        build(),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        access_log=None,
        print=None,
        backlog=2048,
        handler_cancellation=True,
        loop=loop,
        ssl_context=secured(*sys.argv[2:]) if sys.argv[2:] else None,
    )

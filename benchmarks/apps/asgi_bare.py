"""A bare ASGI 3 application: what the protocol itself costs under uvicorn and Granian, with no framework on top.

JSON goes through msgspec, as in kito, so that the rows differ by the server alone.
"""

import asyncio

import msgspec
import payloads

encode = msgspec.json.encode
TEXT_TYPE = (b"content-type", b"text/plain; charset=utf-8")
EVENT_HEAD = {
    "type": "http.response.start",
    "status": 200,
    "headers": [
        (b"content-type", b"text/event-stream"),
        (b"cache-control", b"no-cache, no-transform"),
        (b"x-accel-buffering", b"no"),
    ],
}
subscribers: set[asyncio.Queue[bytes]] = set()


async def answer(send, body, content_type=TEXT_TYPE):
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [content_type, length]})
    await send({"type": "http.response.body", "body": body})


async def write(send, piece, more=True):
    await send({"type": "http.response.body", "body": piece, "more_body": more})


def event(data):
    return b"data: " + data + b"\n\n"


async def read_body(receive):
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def plaintext(scope, receive, send):
    await answer(send, payloads.TEXT_BYTES)


async def json(scope, receive, send):
    await answer(send, encode(payloads.greeting()), (b"content-type", b"application/json"))


async def user(scope, receive, send):
    await answer(send, scope["path"].removeprefix("/users/").encode())


async def suspend(scope, receive, send):
    await asyncio.sleep(0)
    await answer(send, payloads.TEXT_BYTES)


async def down(scope, receive, send):
    await answer(send, payloads.BIG_BODY, (b"content-type", b"application/octet-stream"))


async def up(scope, receive, send):
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    await answer(send, str(size).encode())


async def chunks(scope, receive, send):
    head = [(b"content-type", b"application/octet-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    for _ in range(payloads.PIECES):
        await write(send, payloads.CHUNK)
    await write(send, b"", more=False)


async def events(scope, receive, send):
    await send(EVENT_HEAD)
    for number in range(payloads.PIECES):
        await write(send, event(encode(payloads.token(number))))
    await write(send, b"", more=False)


async def until_disconnect(receive, producer):
    """Runs `producer` until the client leaves; ASGI tells so through `receive`."""
    task = asyncio.create_task(producer)
    try:
        while (await receive())["type"] != "http.disconnect":
            pass
    finally:
        task.cancel()


async def paced(scope, receive, send):
    async def produce():
        await send(EVENT_HEAD)
        number = 0
        while True:
            await write(send, event(encode(payloads.token(number))))
            number += 1
            await asyncio.sleep(payloads.PACE_SECONDS)

    await until_disconnect(receive, produce())


async def subscribe(scope, receive, send):
    queue: asyncio.Queue[bytes] = asyncio.Queue()

    async def produce():
        await send(EVENT_HEAD)
        await write(send, event(payloads.READY.encode()))
        subscribers.add(queue)
        while True:
            await write(send, await queue.get())

    try:
        await until_disconnect(receive, produce())
    finally:
        subscribers.discard(queue)


async def publish(scope, receive, send):
    frame = event(await read_body(receive))
    for queue in subscribers:
        queue.put_nowait(frame)
    await answer(send, str(len(subscribers)).encode())


async def idle(scope, receive, send):
    async def produce():
        await send(EVENT_HEAD)
        await write(send, event(payloads.READY.encode()))
        while True:
            await asyncio.sleep(payloads.HEARTBEAT_SECONDS)
            await write(send, b": heartbeat\n\n")

    await until_disconnect(receive, produce())


ROUTES = {
    "/plaintext": plaintext,
    "/json": json,
    "/suspend": suspend,
    "/down": down,
    "/up": up,
    "/chunks": chunks,
    "/events": events,
    "/paced": paced,
    "/subscribe": subscribe,
    "/publish": publish,
    "/idle": idle,
}


async def app(scope, receive, send):
    if scope["type"] != "http":  # ASGI: a server goes on without a lifespan where the app raises
        raise NotImplementedError(scope["type"])
    await ROUTES.get(scope["path"], user)(scope, receive, send)

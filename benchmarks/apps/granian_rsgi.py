"""Granian through RSGI, its own protocol: answers and streams are written by the Rust side."""

import asyncio

import msgspec
import payloads

encode = msgspec.json.encode
TEXT_HEAD = [("content-type", "text/plain; charset=utf-8")]
JSON_HEAD = [("content-type", "application/json")]
OCTET_HEAD = [("content-type", "application/octet-stream")]
EVENT_HEAD = [
    ("content-type", "text/event-stream"),
    ("cache-control", "no-cache, no-transform"),
    ("x-accel-buffering", "no"),
]
subscribers: set[asyncio.Queue[bytes]] = set()


def event(data: bytes) -> bytes:
    return b"data: " + data + b"\n\n"


async def plaintext(scope, proto):
    proto.response_str(200, TEXT_HEAD, payloads.TEXT)


async def json(scope, proto):
    proto.response_bytes(200, JSON_HEAD, encode(payloads.greeting()))


async def user(scope, proto):
    proto.response_str(200, TEXT_HEAD, scope.path.removeprefix("/users/"))


async def suspend(scope, proto):
    await asyncio.sleep(0)
    proto.response_str(200, TEXT_HEAD, payloads.TEXT)


async def down(scope, proto):
    proto.response_bytes(200, OCTET_HEAD, payloads.BIG_BODY)


async def up(scope, proto):
    proto.response_str(200, TEXT_HEAD, str(len(await proto())))


async def chunks(scope, proto):
    stream = proto.response_stream(200, OCTET_HEAD)
    for _ in range(payloads.PIECES):
        await stream.send_bytes(payloads.CHUNK)


async def events(scope, proto):
    stream = proto.response_stream(200, EVENT_HEAD)
    for number in range(payloads.PIECES):
        await stream.send_bytes(event(encode(payloads.token(number))))


async def until_disconnect(proto, producer):
    """Runs `producer` until the client leaves."""
    task = asyncio.ensure_future(producer)
    try:
        await proto.client_disconnect()
    finally:
        task.cancel()


async def paced(scope, proto):
    async def produce():
        stream = proto.response_stream(200, EVENT_HEAD)
        number = 0
        while True:
            await stream.send_bytes(event(encode(payloads.token(number))))
            number += 1
            await asyncio.sleep(payloads.PACE_SECONDS)

    await until_disconnect(proto, produce())


async def subscribe(scope, proto):
    queue: asyncio.Queue[bytes] = asyncio.Queue()

    async def produce():
        stream = proto.response_stream(200, EVENT_HEAD)
        await stream.send_bytes(event(payloads.READY.encode()))
        subscribers.add(queue)
        while True:
            await stream.send_bytes(await queue.get())

    try:
        await until_disconnect(proto, produce())
    finally:
        subscribers.discard(queue)


async def publish(scope, proto):
    frame = event(await proto())
    for queue in subscribers:
        queue.put_nowait(frame)
    proto.response_str(200, TEXT_HEAD, str(len(subscribers)))


async def idle(scope, proto):
    async def produce():
        stream = proto.response_stream(200, EVENT_HEAD)
        await stream.send_bytes(event(payloads.READY.encode()))
        while True:
            await asyncio.sleep(payloads.HEARTBEAT_SECONDS)
            await stream.send_bytes(b": heartbeat\n\n")

    await until_disconnect(proto, produce())


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


async def app(scope, proto):
    await ROUTES.get(scope.path, user)(scope, proto)

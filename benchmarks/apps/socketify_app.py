"""socketify, the Python binding of uWebSockets: plain handlers where it can, its own async runner where it must."""

import asyncio
import sys

import msgspec
import payloads
from socketify import App, AppListenOptions, AppOptions

TEXT_TYPE = b"text/plain; charset=utf-8"
OCTET_TYPE = b"application/octet-stream"
subscribers = set()
uploads = set()


class Codec:
    """The JSON codec in the shape that socketify takes one: text on both sides."""

    loads = staticmethod(msgspec.json.decode)

    @staticmethod
    def dumps(value) -> str:
        return msgspec.json.encode(value).decode()


certificate, key = sys.argv[2:] or (None, None)
app = App(AppOptions(cert_file_name=certificate, key_file_name=key) if key else None)
app.json_serializer(Codec)


def event(data: str) -> str:
    return f"data: {data}\n\n"


def open_events(res):
    res.write_header("content-type", "text/event-stream")
    res.write_header("cache-control", "no-cache, no-transform")
    res.write_header("x-accel-buffering", "no")


def plaintext(res, req):
    res.send(payloads.TEXT_BYTES, TEXT_TYPE, b"200 OK")


def greeting(res, req):
    res.end(payloads.greeting())


def user(res, req):
    res.send(req.get_parameter(0).encode(), TEXT_TYPE, b"200 OK")


async def suspend(res, req):
    await asyncio.sleep(0)
    res.cork_send(payloads.TEXT_BYTES, TEXT_TYPE, b"200 OK")


def down(res, req):
    res.send(payloads.BIG_BODY, OCTET_TYPE, b"200 OK")


def up(res, req):
    size = 0

    def on_data(res, chunk, is_end):
        nonlocal size
        size += len(chunk or b"")
        if is_end:
            uploads.discard(res)
            res.cork_send(str(size).encode(), TEXT_TYPE, b"200 OK")

    uploads.add(res)  # socketify itself keeps no reference to a response whose body is still to come
    res.on_aborted(uploads.discard)
    res.on_data(on_data)


def chunks(res, req):
    res.write_header("content-type", "application/octet-stream")
    for _ in range(payloads.PIECES):
        res.write(payloads.CHUNK)
    res.end_without_body()


def events(res, req):
    open_events(res)
    for number in range(payloads.PIECES):
        res.write(event(Codec.dumps(payloads.token(number))))
    res.end_without_body()


async def paced(res, req):
    res.grab_aborted_handler()
    open_events(res)
    number = 0
    while not res.aborted:
        res.write(event(Codec.dumps(payloads.token(number))))
        number += 1
        await asyncio.sleep(payloads.PACE_SECONDS)


def subscribe(res, req):
    res.on_aborted(subscribers.discard)
    open_events(res)
    res.write(event(payloads.READY))
    subscribers.add(res)


async def publish(res, req):
    frame = event((await res.get_data()).getvalue().decode())
    for subscriber in subscribers:
        subscriber.write(frame)
    res.cork_send(str(len(subscribers)).encode(), TEXT_TYPE, b"200 OK")


async def idle(res, req):
    res.grab_aborted_handler()
    open_events(res)
    res.write(event(payloads.READY))
    while not res.aborted:
        await asyncio.sleep(payloads.HEARTBEAT_SECONDS)
        res.write(": heartbeat\n\n")


app.get("/plaintext", plaintext)
app.get("/json", greeting)
app.get("/users/:id", user)
app.get("/suspend", suspend)
app.get("/down", down)
app.post("/up", up)
app.get("/chunks", chunks)
app.get("/events", events)
app.get("/paced", paced)
app.get("/subscribe", subscribe)
app.post("/publish", publish)
app.get("/idle", idle)

if __name__ == "__main__":
    app.listen(AppListenOptions(port=int(sys.argv[1]), host="127.0.0.1"))
    app.run()

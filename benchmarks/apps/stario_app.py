"""Stario on uvloop, telemetry off and msgspec as its JSON codec, as its README advises for speed."""

import asyncio
import sys

import payloads
import stario.json
import uvloop
from msgspec import json as msgspec_json
from stario import App, Relay, Route, ServerConfig, serve
from stario.json import dumps_bytes
from stario.telemetry.noop import NoOpTracer

stario.json.set_codec(msgspec_json.encode, msgspec_json.decode)
relay: Relay[bytes] = Relay()
subscribed: set[object] = set()


def event(data: bytes) -> bytes:
    return b"data: " + data + b"\n\n"


def open_events(w):
    w.headers.set("content-type", "text/event-stream")
    w.headers.set("cache-control", "no-cache, no-transform")
    w.headers.set("x-accel-buffering", "no")
    w.write_headers(200)


async def plaintext(c, w):
    w.text(payloads.TEXT)


async def json(c, w):
    w.json(payloads.greeting())


async def user(c, w):
    w.text(c.match.params["id"])


async def suspend(c, w):
    await asyncio.sleep(0)
    w.text(payloads.TEXT)


async def down(c, w):
    w.respond(payloads.BIG_BODY, b"application/octet-stream")


async def up(c, w):
    w.text(str(len(await c.req.body())))


async def chunks(c, w):
    w.headers.set("content-type", "application/octet-stream")
    w.write_headers(200)
    for _ in range(payloads.PIECES):
        w.write(payloads.CHUNK)
    w.end()


async def events(c, w):
    open_events(w)
    for number in range(payloads.PIECES):
        w.write(event(dumps_bytes(payloads.token(number))))
    w.end()


async def paced(c, w):
    open_events(w)
    number = 0
    async with c.alive():
        while True:
            w.write(event(dumps_bytes(payloads.token(number))))
            number += 1
            await asyncio.sleep(payloads.PACE_SECONDS)


async def subscribe(c, w):
    open_events(w)
    async with relay.subscribe("events") as subscription:
        subscribed.add(subscription)
        w.write(event(payloads.READY.encode()))
        try:
            async for _, frame in c.alive(subscription):
                w.write(frame)
        finally:
            subscribed.discard(subscription)


async def publish(c, w):
    relay.publish("events", event(await c.req.body()))
    w.text(str(len(subscribed)))


async def idle(c, w):
    open_events(w)
    w.write(event(payloads.READY.encode()))
    async with c.alive():
        while True:
            await asyncio.sleep(payloads.HEARTBEAT_SECONDS)
            w.write(b": heartbeat\n\n")


async def bootstrap(app: App, span):
    app.add(Route("GET", "/plaintext"), plaintext)
    app.add(Route("GET", "/json"), json)
    app.add(Route("GET", "/users/{id}"), user)
    app.add(Route("GET", "/suspend"), suspend)
    app.add(Route("GET", "/down"), down)
    app.add(Route("POST", "/up"), up)
    app.add(Route("GET", "/chunks"), chunks)
    app.add(Route("GET", "/events"), events)
    app.add(Route("GET", "/paced"), paced)
    app.add(Route("GET", "/subscribe"), subscribe)
    app.add(Route("POST", "/publish"), publish)
    app.add(Route("GET", "/idle"), idle)
    yield


async def main():
    certificate, key = sys.argv[2:] or (None, None)
    config = ServerConfig(port=int(sys.argv[1]), ssl_certfile=certificate, ssl_keyfile=key)
    with NoOpTracer() as tracer:
        await serve(bootstrap, config=config, tracer=tracer)


if __name__ == "__main__":
    uvloop.run(main())

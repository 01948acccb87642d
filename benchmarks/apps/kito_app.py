"""The kito application, written as the README shows it: no option that a reader would not find there."""

import asyncio
import sys

import payloads

from kito import Event, server

app = server()
subscribers = set()


@app.get("/plaintext")
def plaintext(res):
    res.text(payloads.TEXT)


@app.get("/json")
def json(res):
    res.json(payloads.greeting())


@app.get("/users/{id}")
def user(res, id):
    res.text(id)


@app.get("/suspend")
async def suspend(res):
    await asyncio.sleep(0)
    res.text(payloads.TEXT)


@app.get("/down")
def down(res):
    res.type("application/octet-stream").send(payloads.BIG_BODY)


@app.post("/up")
def up(req, res):
    res.text(str(len(req.body)))


@app.get("/chunks")
def chunks(res):
    stream = res.stream()
    for _ in range(payloads.PIECES):
        stream.write(payloads.CHUNK)
    stream.end()


@app.get("/events")
def events(res):
    sse = res.sse()
    for number in range(payloads.PIECES):
        sse.send(payloads.token(number))
    sse.close()


@app.get("/paced")
async def paced(res):
    sse = res.sse()
    number = 0
    while not sse.closed:
        sse.send(payloads.token(number))
        number += 1
        await asyncio.sleep(payloads.PACE_SECONDS)


@app.get("/subscribe")
def subscribe(res):
    sse = res.sse()
    sse.send(payloads.READY)
    subscribers.add(sse)
    sse.on_close(lambda *_: subscribers.discard(sse))


@app.post("/publish")
def publish(req, res):
    event = Event(req.text())
    for sse in tuple(subscribers):
        sse.send(event)
    res.text(str(len(subscribers)))


@app.get("/idle")
async def idle(res):
    sse = res.sse()
    sse.send(payloads.READY)
    await sse.wait_closed()


if __name__ == "__main__":
    app.listen(int(sys.argv[1]), tls=tuple(sys.argv[2:]) or None)

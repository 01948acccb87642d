"""Gathered tokens over a real connection: the same text in a fifth of the frames, at most a window late."""

import asyncio

import pytest

from kito import server
from tests.core.event_stream import EventSource

TOKENS = [f"token{number} " if number % 7 else "\n" for number in range(200)]
PER_SECOND = 200
WINDOW = 0.05  # seconds: ten tokens
BURST = 8  # tokens that come together, as models send them
LATE = 0.5  # seconds beyond the window that a busy machine may take

pytestmark = pytest.mark.wirings("uvloop-tcp", "asyncio-tcp")


def paced_app(kind, window, burst=1):
    app = server()

    @app.get("/")
    async def handler(res):
        writer = getattr(res, kind)(coalesce=window)
        put = writer.write if kind == "stream" else writer.send
        loop = asyncio.get_running_loop()
        start = loop.time()
        for number, token in enumerate(TOKENS):
            if number % burst == 0:
                await asyncio.sleep(start + number / PER_SECOND - loop.time())
            await put(token)
        writer.end()

    return app


def text_of(kind, chunks):
    if kind == "stream":
        return b"".join(chunks).decode()
    return "".join(event.data for event in EventSource().read(b"".join(chunks)).events)


@pytest.mark.parametrize("kind", ["stream", "sse"])
@pytest.mark.parametrize(("window", "burst"), [(WINDOW, 1), (0.01, BURST)])
async def test_the_same_text_in_a_fifth_of_the_frames(net, kind, window, burst):
    async with net.serving(paced_app(kind, window, burst)) as site:
        answer = await site.get("/")
    assert text_of(kind, answer.chunks) == "".join(TOKENS)
    assert len(answer.chunks) <= len(TOKENS) / 5


async def test_no_token_is_later_than_the_window(net):
    app = server()
    sent = []

    @app.get("/")
    async def handler(res):
        stream = res.stream(coalesce=WINDOW)
        loop = asyncio.get_running_loop()
        for number in range(40):
            sent.append(loop.time())
            stream.write(bytes([number]))
            await asyncio.sleep(1 / PER_SECOND)
        stream.end()

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        await wire.head()
        loop = asyncio.get_running_loop()
        late = []
        while (chunk := await wire.chunk()) is not None:
            late += [loop.time() - sent[number] for number in chunk]
    assert len(late) == 40
    assert max(late) < WINDOW + LATE
    assert all(later >= -0.001 for later in late)
    assert any(one > WINDOW / 2 for one in late)  # they do wait for each other

"""What tests of streamed bodies share: requests, bounds that are soon reached, and a handler led by the hand."""

import asyncio

from kito import Limits, Timeouts

HEAD = b"POST / HTTP/1.1\r\nhost: x\r\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
GET = b"GET /get HTTP/1.1\r\nhost: x\r\n\r\n"
LIMITS = Limits(body_size=1000, unread_body=500, high_water=400)
TIMEOUTS = Timeouts(head=3, body=4, body_rate=10, body_rate_after=20, keep_alive=5, handler=50)


def declared(size):
    return HEAD + b"content-length: %d\r\n\r\n" % size


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


class Consumer:
    """A handler that takes its body in steps, when it is told to, and remembers what it got."""

    def __init__(self, app, **options):
        self.pieces = []
        self.error = None
        self.trailers = None
        self.begun = 0
        self._steps = asyncio.Semaphore(0)
        app.post("/", self.handle, stream_body=True, **options)
        app.get("/get", lambda: "got")

    async def handle(self, req, res):
        self.begun += 1
        try:
            body = req.stream()
            await self._steps.acquire()
            async for piece in body:
                self.pieces.append(piece)
                await self._steps.acquire()
        except Exception as error:
            self.error = error
            raise
        self.trailers = dict(req.trailers.items())
        res.send("read")

    def go(self, rig, steps=1):
        """Let it take so many steps."""
        for _ in range(steps):
            rig.call(self._steps.release)

"""The application behind every case: it tells what it saw, and has routes for each way to answer."""

import asyncio
from collections import Counter
from typing import Any

from kito import Event, Limits, Request, Response, Server, server
from kito.errors import InvalidHeader

LIMITS = Limits(body_size=64 * 1024)  # small, so that cases may go over it

ALIVE = "alive"  # what `/alive` answers


class Site:
    """An app, and what a test may do to it from its loop."""

    def __init__(self, **options: Any) -> None:
        self.app: Server = server(limits=LIMITS, **options)
        self.marks: Counter[str] = Counter()
        self._gates: dict[str, asyncio.Event] = {}
        self._add_answers()
        self._add_streams()

    def release(self, key: str) -> None:
        """Let the handlers that are held under this key go on, those to come too."""
        self._gate(key).set()

    def _gate(self, key: str) -> asyncio.Event:
        return self._gates.setdefault(key, asyncio.Event())

    def _add_answers(self) -> None:
        app = self.app

        @app.get("/alive")
        def alive() -> str:
            return ALIVE

        app.all("/echo", echo)
        app.all("/echo/{*rest}", echo)

        @app.all("/mark/:key")
        def mark(key: str) -> str:
            self.marks[key] += 1
            return "marked"

        @app.get("/held/:key")
        async def held(key: str) -> str:
            await self._gate(key).wait()
            return "held"

        @app.get("/status/:code")
        def status(res: Response, code: str) -> None:
            res.status(int(code)).end()

        @app.post("/post-only")
        def post_only() -> str:
            return "posted"

        @app.get("/closing")
        def closing(res: Response) -> None:
            res.header("connection", "close").text("closing")

        @app.get("/big")
        def big(res: Response) -> None:
            res.text("b" * 200_000)

        @app.get("/moved")
        def moved(res: Response) -> None:
            res.redirect("/echo", 301)

    def _add_streams(self) -> None:
        app = self.app

        @app.get("/stream")
        def stream(res: Response) -> None:
            writer = res.stream()
            writer.writelines(["one", "", "two"])
            writer.end("three")

        @app.get("/stream/:key")
        async def held_stream(res: Response, key: str) -> None:
            async with res.stream() as writer:
                writer.write("one")
                await self._gate(key).wait()
                writer.write("two")

        @app.get("/declared")
        def declared(res: Response) -> None:
            writer = res.header("content-length", 6).stream()
            writer.write("one")
            writer.end("two")

        @app.get("/crash")
        async def crash(res: Response) -> None:
            res.stream().write("one")
            raise AskedForError

        @app.get("/events")
        def events(res: Response) -> None:
            sse = res.sse()
            sse.send("one\ntwo", "greeting", id="1")
            sse.send(Event({"count": 2}))
            sse.close()

        @app.get("/split")
        def split(req: Request, res: Response) -> None:
            try:
                res.header("x-split", req.query_param("value") or "").text("sent")
            except InvalidHeader as error:
                raise AskedForError from error


class AskedForError(Exception):
    """Raised on purpose; the server logs it."""


def echo(req: Request, res: Response) -> None:
    """Tell what arrived."""
    res.json(
        {
            "method": req.method,
            "target": req.raw_target.decode("latin-1"),
            "path": req.path,
            "query": req.query_string,
            "version": req.http_version,
            "hostname": req.hostname,
            "fields": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in req.raw_headers],
            "body": req.body.decode("latin-1"),
        }
    )

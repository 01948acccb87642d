"""The applications that are judged: one keeps a journal of what it reads, one answers in every way there is."""

import asyncio
from typing import Any

from kito import HTTPError, Request, Response, Server, server
from tests.conformance.app import AskedForError

from .readers import Seen

LARGE = bytes(range(256)) * 300
NUMBER_FIELD = "x-number"  # of a request in the journal


class Journal:
    """An app that answers every request in the same way, and writes down what it has seen, in order."""

    def __init__(self) -> None:
        self.app: Server = server()
        self.journal: list[Seen] = []
        self.app.all("/", self._note)
        self.app.all("/{*rest}", self._note)

    def _note(self, req: Request, res: Response) -> None:
        self.journal.append(Seen(req.method.encode(), req.raw_target, req.body))
        res.header(NUMBER_FIELD, len(self.journal)).text("seen")


class Site:
    """An app that answers in every way there is."""

    def __init__(self) -> None:
        self.app: Server = server()
        self._add_answers()
        self._add_streams()

    def _add_answers(self) -> None:
        app = self.app

        @app.all("/answers/echo")
        def echo(req: Request, res: Response) -> None:
            res.send(req.body)

        @app.get("/answers/large")
        async def large(res: Response) -> None:
            await asyncio.sleep(0)
            res.send(LARGE)

        @app.get("/answers/none")
        def none(res: Response) -> None:
            res.status(204).end()

        @app.get("/answers/same")
        def same(res: Response) -> None:
            res.status(304).header("etag", '"x"').end()

        @app.get("/answers/closes")
        def closes(res: Response) -> None:
            res.header("connection", "close").text("closed")

        @app.get("/answers/fails")
        async def fails() -> None:
            await asyncio.sleep(0)
            raise AskedForError

        @app.get("/answers/teapot")
        def teapot() -> None:
            raise HTTPError(418, "short and stout")

        app.post("/answers/posted", lambda: "posted")

    def _add_streams(self) -> None:
        app = self.app

        @app.get("/streams/chunks/:count")
        async def chunks(res: Response, count: str) -> None:
            async with res.stream() as stream:
                for number in range(int(count)):
                    await stream.write(f"{number},")
                    await asyncio.sleep(0)

        @app.get("/streams/large/:count")
        async def large(res: Response, count: str) -> None:
            async with res.stream() as stream:
                for _ in range(int(count)):
                    await stream.write(LARGE)

        @app.sse("/streams/events/:count")
        async def events(count: str) -> Any:
            for number in range(int(count)):
                yield number

        @app.get("/streams/declared")
        def declared(res: Response) -> None:
            res.header("content-length", 6).stream().end("abcdef")

        @app.get("/streams/cut")
        async def cut(res: Response) -> None:
            await res.stream().write("whole,")
            raise AskedForError

"""An app for a browser's page: it remembers every request for events, and answers as a list of answers says."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from kito import Request, Response, Server, client_script, server

PAGE = "<!doctype html><title>kito</title>"
WAIT_S = 10.0  # seconds until a browser must have done what is expected of it


class Visit(NamedTuple):
    """One request: when it came, by which method, with which fields and body."""

    at: float
    method: str
    fields: dict[str, str]
    body: bytes


class Site:
    """The app, and the requests for "/events" that it has had; the n-th one is answered by the n-th of `answers`.

    An answer is called with the site and the response; behind the last one comes 204.
    """

    def __init__(self, *answers: "Answer") -> None:
        self.visits: list[Visit] = []
        self.seen = asyncio.Event()  # the page has said at "/seen" that it has an event
        self._answers = answers
        self.app: Server = server()
        self.app.get("/", lambda res: res.html(PAGE))
        self.app.get("/kito.js", client_script())
        self.app.post("/seen", self._note)
        self.app.all("/events", self._answer)

    def _note(self, res: Response) -> None:
        self.seen.set()
        res.status(204).end()

    async def _answer(self, req: Request, res: Response) -> None:
        fields = dict(req.headers.items())
        self.visits.append(Visit(time.monotonic(), req.method, fields, req.body))
        if len(self.visits) > len(self._answers):
            res.sse_done()
            return
        self.seen.clear()
        outcome = self._answers[len(self.visits) - 1](self, res)
        if outcome is not None:
            await outcome

    def wait_for(self, count: int) -> list[Visit]:
        """Wait until so many requests have come; returns them."""
        wait_until(lambda: len(self.visits) >= count, f"{len(self.visits)} of {count} requests")
        return self.visits[:count]

    def pauses(self) -> list[float]:
        """The seconds between the requests."""
        return [later.at - earlier.at for earlier, later in zip(self.visits, self.visits[1:], strict=False)]


def wait_until(condition: Callable[[], object], otherwise: str) -> None:
    """Wait for what a browser in another process does."""
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, f"{otherwise} after {WAIT_S:.0f} s"
        time.sleep(0.01)


Answer = Callable[[Site, Response], Any]


def events(*sent: tuple[Any, ...], retry: int | None = None) -> Answer:
    """An answer of some events, with the arguments of `sse.send`, and a clean end."""

    def answer(_site: Site, res: Response) -> None:
        sse = res.sse(retry=retry)
        for arguments in sent:
            sse.send(*arguments)
        sse.close()

    return answer


def broken(*sent: tuple[Any, ...], retry: int | None = None, unseen: bool = False) -> Answer:
    """The same with a cut in place of the end, once the page has seen an event: a cut may take what is on its way."""

    async def answer(site: Site, res: Response) -> None:
        sse = res.sse(retry=retry)
        for arguments in sent:
            sse.send(*arguments)
        sse.flush()
        if not unseen:
            async with asyncio.timeout(WAIT_S):
                await site.seen.wait()
        sse.abort()

    return answer


def status(code: int, kind: str = "text/plain") -> Answer:
    """An answer that is no event stream."""
    return lambda _site, res: res.status(code).header("content-type", kind).end()

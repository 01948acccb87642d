"""ASGI 3 applications as handlers: a mounted application answers everything below its prefix."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_to_bytes

from .errors import ConnectionClosed, HTTPError, LocalProtocolError
from .paths import Kind, Pattern

if TYPE_CHECKING:
    from ._core.stream import StreamWriter
    from ._core.tally import StreamEnd
    from .request import Request
    from .response import Response

__all__ = ("AsgiApp", "AsgiHandler")

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
AsgiApp = Callable[[Scope, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]

SPEC_VERSION: Final = "2.4"  # of the HTTP messages: sending to a client that has left raises OSError

# What frames a message is ours to say (RFC 9110 §7.6.1).
_HOP_BY_HOP: Final = frozenset({b"connection", b"keep-alive", b"transfer-encoding", b"upgrade", b"trailer"})


class ClientLeft(ConnectionClosed, OSError):
    """What an application's `send` raises when nobody reads any more: an OSError, as the specification says."""


class AsgiHandler:
    """The handler of a mounted application; `root_segments` of the path are where it is mounted."""

    def __init__(self, app: AsgiApp, root_segments: int = 0) -> None:
        what: object = app
        if not callable(what) or isinstance(what, type):
            raise TypeError(f"mount() takes a router or an ASGI application, not {app!r}")
        self._app = app
        self._root_segments = root_segments

    def placed(self, pattern: Pattern) -> AsgiHandler:
        """Return the handler for a route with this path."""
        rest = bool(pattern.segments) and pattern.segments[-1].kind is Kind.REST
        return AsgiHandler(self._app, len(pattern.segments) - rest)

    async def __call__(self, req: Request, res: Response) -> None:
        """Let the application answer."""
        if (req.header("upgrade") or "").lower() == "websocket":
            raise HTTPError(501, "WebSockets are not served here")
        root = "/".join(req.path.split("/")[: self._root_segments + 1]).rstrip("/")
        call = _Call(req, res)
        await self._app(_scope(req, _decoded(root)), call.receive, call.send)
        call.close()


def _decoded(path: str) -> str:
    return unquote_to_bytes(path).decode("utf-8", "replace")


def _scope(req: Request, root: str) -> Scope:
    """Return what an application is told of a request; its path has the prefix, which is the root path."""
    server = req.connection_info("sockname")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": SPEC_VERSION},
        "http_version": req.http_version,
        "method": req.method,
        "scheme": req.protocol,
        "path": _decoded(req.path),
        "raw_path": req.path.encode("latin-1"),
        "query_string": req.query_string.encode("latin-1"),
        "root_path": root,
        "headers": req.raw_headers,
        "client": req.client,
        "server": tuple(server[:2]) if isinstance(server, tuple) else (server or None) and (server, None),
        "state": {},
        "extensions": {},
    }


class _Call:
    """One request that an application answers."""

    def __init__(self, req: Request, res: Response) -> None:
        self._req = req
        self._res = res
        self._body: AsyncIterator[bytes] | None = req.stream()  # None: it was read
        self._over: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._started = False
        self._writer: StreamWriter | None = None
        self._ended = False
        res.on_finish(self._finished)

    def _finished(self, end: StreamEnd) -> None:
        if not self._over.done():
            self._over.set_result(end.reason)

    async def receive(self) -> Message:
        """Give the next piece of the body; behind it, wait for the end of the exchange."""
        if self._body is not None:
            try:
                piece = await anext(self._body, None)
            except ConnectionClosed:
                return {"type": "http.disconnect"}
            if piece is None:
                self._body = None
            return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}
        await asyncio.shield(self._over)
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Take the head, or a piece of the body, as the application sends it."""
        kind = message["type"]
        if kind == "http.response.start" and not self._started:
            self._start(message)
        elif kind == "http.response.body" and self._started and not self._ended:
            await self._write(message.get("body", b""), more=message.get("more_body", False))
        else:
            raise LocalProtocolError(f"an ASGI application cannot send {kind!r} here")

    def _start(self, message: Message) -> None:
        self._started = True
        self._res.status(message["status"])
        for name, value in message.get("headers", ()):
            if bytes(name).lower() not in _HOP_BY_HOP:
                self._res.append(bytes(name).lower(), bytes(value))

    async def _write(self, body: bytes, *, more: bool) -> None:
        self._ended = not more
        if self._writer is None and not more:
            if body:
                self._res.send(body)
            else:
                self._res.end()
            return
        if self._writer is None:
            self._writer = self._res.stream()
        if self._over.done():
            if self._over.result() != "ended":
                raise ClientLeft
            return  # HEAD, or a status without a body
        try:
            await (self._writer.write(body) if more else self._writer.end(body))
        except ConnectionClosed as error:
            raise ClientLeft from error

    def close(self) -> None:
        """Refuse an application that returns with half an answer."""
        if self._started and not self._ended and not self._over.done():
            raise LocalProtocolError("an ASGI application returned before its answer was whole")

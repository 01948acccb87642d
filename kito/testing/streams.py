"""AsyncStream and AsyncEventStream: responses that are read while they are produced."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Awaitable
from types import TracebackType
from typing import Final, Generic, Self, TypeVar

from ..headers import Headers
from .event_parser import EventParser, ReceivedEvent
from .failures import EndOfStream, MalformedResponse, ResponseTruncated, within
from .framing import Head, ResponseReader
from .requests import OutgoingRequest
from .wire import Wire

__all__ = ("AsyncEventStream", "AsyncStream", "OpenResponse")

COMMENTS_KEPT: Final = 1000  # that nobody has asked for, the newest

_Item = TypeVar("_Item")
_Read = TypeVar("_Read")


class OpenResponse(ABC, Generic[_Item]):
    """A response on a connection of its own, whose body has not been read. Iteration ends with the body.

    Nothing is read from the socket before it is asked for. `read_rate` may be changed at any time: bytes a second,
    None for as fast as it comes.
    """

    def __init__(self, request: OutgoingRequest, wire: Wire, timeout: float) -> None:
        self.request = request
        self.timeout = timeout
        self._wire = wire
        self._reader = ResponseReader(wire, request.method)
        self._sending: asyncio.Task[None] | None = None
        self._head: Head | None = None

    async def begin(self) -> None:
        """Send the request and read the head of the response."""
        self._sending = asyncio.create_task(self._send())
        async with within(self.timeout, f"{self.request}: no head of a response"):
            self._head = await self._read(self._reader.head())

    @property
    def head(self) -> Head:
        """Status line and fields together."""
        assert self._head is not None  # a response is handed out with its head
        return self._head

    @property
    def status(self) -> int:
        """The status code."""
        return self.head.status

    @property
    def headers(self) -> Headers:
        """The header fields."""
        return self.head.headers

    @property
    def trailers(self) -> Headers:
        """The trailer fields, once the body has ended."""
        return self._reader.trailers

    @property
    def chunked(self) -> bool:
        """Whether the body has chunked framing."""
        return self._reader.chunked

    @property
    def ended(self) -> bool:
        """Whether the body was read to its clean end."""
        return self._reader.ended

    @property
    def closed(self) -> bool:
        """Whether the connection was closed or cut from this side."""
        return self._wire.closed

    @property
    def read_rate(self) -> float | None:
        """How fast the socket is read, in bytes a second; None: as fast as it comes."""
        return self._wire.read_rate

    @read_rate.setter
    def read_rate(self, rate: float | None) -> None:
        self._wire.read_rate = rate

    @abstractmethod
    async def next(self, timeout: float | None = None) -> _Item:
        """Return the next item of the body."""

    def __aiter__(self) -> AsyncIterator[_Item]:
        return self

    async def __anext__(self) -> _Item:
        try:
            return await self.next()
        except EndOfStream:
            raise StopAsyncIteration from None

    async def half_close(self) -> None:
        """Send FIN, and go on reading."""
        self._wire.half_close()

    async def cut(self) -> None:
        """End the connection with a RST, as a client that crashes does."""
        try:
            await self._finish_sending()
        finally:
            await self._wire.cut()

    async def close(self) -> None:
        """Close the connection, as a client that leaves does; twice is no error."""
        try:
            await self._finish_sending()
        finally:  # also when the test is cancelled meanwhile
            await self._wire.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _chunk(self) -> bytes | None:
        return await self._read(self._reader.chunk())

    async def _read(self, reading: Awaitable[_Read]) -> _Read:
        """Await something from the wire, and say what was asked for when it fails."""
        try:
            return await reading
        except ResponseTruncated as cut:
            raise ResponseTruncated(f"{cut.where} ({self.request})", cut.received, reset=cut.reset) from None
        except ConnectionAbortedError:
            if self._sending is not None:
                await asyncio.wait([self._sending])
                if not self._sending.cancelled():
                    self._sending.result()  # the body of the request raised, or all was sent
            raise

    async def _send(self) -> None:
        """Send head and body. The server may answer and close before it has read all: that is no failure of ours."""
        body = self.request.body
        try:
            await self._wire.send(self.request.head + (body if isinstance(body, bytes) else b""))
            if not isinstance(body, bytes):
                async for piece in _as_async(body):
                    if piece:
                        await self._wire.send(b"%x\r\n%b\r\n" % (len(piece), piece))
                await self._wire.send(b"0\r\n\r\n")
        except OSError:
            return
        except Exception:
            await self._wire.cut()  # whoever reads the response is told
            raise

    async def _finish_sending(self) -> None:
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.wait([self._sending])
            if not self._sending.cancelled():
                self._sending.exception()  # was raised to whoever read the response


class AsyncStream(OpenResponse[bytes]):
    """A response whose chunks are read one by one, exactly as they were framed."""

    async def next(self, timeout: float | None = None) -> bytes:
        """Return the next chunk; where the framing is not chunked, what has arrived.

        Raises `EndOfStream` behind the last one, `ResponseTruncated` when the body was cut, `ResponseTimeout` after
        `timeout` seconds (the client's when left out).
        """
        async with within(self.timeout if timeout is None else timeout, f"{self.request}: no chunk"):
            chunk = await self._chunk()
        if chunk is None:
            raise EndOfStream(f"{self.request}: the body has ended")
        return chunk

    async def rest(self, timeout: float | None = None) -> list[bytes]:
        """Return every chunk that is left; raises as `next` does, what was read being in its `received`."""
        chunks = []
        async with within(self.timeout if timeout is None else timeout, f"{self.request}: no end of the body"):
            try:
                while (chunk := await self._chunk()) is not None:
                    chunks.append(chunk)
            except ResponseTruncated as cut:
                raise ResponseTruncated(cut.where, b"".join(chunks) + cut.received, reset=cut.reset) from None
        return chunks


class AsyncEventStream(OpenResponse[ReceivedEvent]):
    """A response that is an event stream, parsed while it is produced (WHATWG HTML §9.2)."""

    def __init__(self, request: OutgoingRequest, wire: Wire, timeout: float) -> None:
        super().__init__(request, wire, timeout)
        self._parser = EventParser()
        self._events: deque[ReceivedEvent] = deque()
        self._comments: deque[str] = deque(maxlen=COMMENTS_KEPT)

    @property
    def last_event_id(self) -> str:
        """What a browser would send as `Last-Event-ID` now; "" for nothing."""
        return self._parser.last_event_id

    @property
    def retry(self) -> int | None:
        """The reconnection time in milliseconds that the server asked for last; None: it never did."""
        return self._parser.retry

    async def next(self, timeout: float | None = None) -> ReceivedEvent:
        """Return the next event; comments before it are in its `comments`.

        Raises `EndOfStream` behind the last one, `ResponseTruncated` when the stream was cut, `ResponseTimeout`
        after `timeout` seconds (the client's when left out), `MalformedResponse` when this is no event stream.
        """
        return await self._next_of(self._events, timeout, "no event")

    async def next_comment(self, timeout: float | None = None) -> str:
        """Return the next comment, such as a heartbeat; events before it are kept for `next`. Raises as it does."""
        return await self._next_of(self._comments, timeout, "no comment")

    async def rest(self, timeout: float | None = None) -> list[ReceivedEvent]:
        """Return every event up to the clean end; raises as `next` does."""
        async with within(self.timeout if timeout is None else timeout, f"{self.request}: no end of the events"):
            while await self._read_more():
                pass
        events = list(self._events)
        self._events.clear()
        return events

    async def _next_of(self, queue: deque[_Read], timeout: float | None, what: str) -> _Read:
        async with within(self.timeout if timeout is None else timeout, f"{self.request}: {what}"):
            while not queue:
                if not await self._read_more():
                    raise EndOfStream(f"{self.request}: {what}, the stream has ended")
        return queue.popleft()

    async def _read_more(self) -> bool:
        """Read and parse one chunk; False at the end."""
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if self.status != 200 or kind != "text/event-stream":
            raise MalformedResponse(f"{self.request}: {self.status} {kind or 'without a type'} is no event stream")
        chunk = await self._chunk()
        for item in self._parser.feed(chunk or b""):
            if isinstance(item, ReceivedEvent):
                self._events.append(item)
            else:
                self._comments.append(item)
        return chunk is not None


def _as_async(pieces: object) -> AsyncIterator[bytes]:
    return aiter(pieces) if isinstance(pieces, AsyncIterable) else _from_sync(pieces)


async def _from_sync(pieces: object) -> AsyncIterator[bytes]:
    for piece in pieces:  # type: ignore[attr-defined]
        yield piece
        await asyncio.sleep(0)  # the server is on the same loop

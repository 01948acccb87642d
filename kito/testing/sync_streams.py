"""Stream and EventStream: what a plain test holds of a response that is read while it is produced."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from ..headers import Headers
from .event_parser import ReceivedEvent
from .failures import EndOfStream
from .portal import Portal
from .streams import AsyncEventStream, AsyncStream, OpenResponse

__all__ = ("EventStream", "Stream")

_Inner = TypeVar("_Inner", bound=OpenResponse[Any])
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class _Bridge(Generic[_Inner]):
    """The words that both have: head, state and end of an open response, whose reader lives on a portal's loop."""

    def __init__(self, portal: Portal, inner: _Inner) -> None:
        self._portal = portal
        self._inner = inner

    @property
    def status(self) -> int:
        """The status code."""
        return self._inner.status

    @property
    def headers(self) -> Headers:
        """The header fields."""
        return self._inner.headers

    @property
    def trailers(self) -> Headers:
        """The trailer fields, once the body has ended."""
        return self._inner.trailers

    @property
    def chunked(self) -> bool:
        """Whether the body has chunked framing."""
        return self._inner.chunked

    @property
    def ended(self) -> bool:
        """Whether the body was read to its clean end."""
        return self._inner.ended

    @property
    def closed(self) -> bool:
        """Whether the connection was closed or cut from this side."""
        return self._inner.closed

    @property
    def read_rate(self) -> float | None:
        """How fast the socket is read, in bytes a second; None: as fast as it comes."""
        return self._inner.read_rate

    @read_rate.setter
    def read_rate(self, rate: float | None) -> None:
        self._inner.read_rate = rate

    def half_close(self) -> None:
        """Send FIN, and go on reading."""
        self._run(self._inner.half_close)

    def cut(self) -> None:
        """End the connection with a RST, as a client that crashes does."""
        self._run(self._inner.cut)

    def close(self) -> None:
        """Close the connection, as a client that leaves does; twice is no error."""
        self._run(self._inner.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, work: Callable[[], Coroutine[Any, Any, _Result]], timeout: float | None = None) -> _Result:
        return self._portal.run(work, self._inner.timeout if timeout is None else timeout)


class Stream(_Bridge[AsyncStream]):
    """A response whose chunks are read one by one, exactly as they were framed. Iteration ends with the body.

    Nothing is read from the socket before it is asked for.
    """

    def next(self, timeout: float | None = None) -> bytes:
        """Return the next chunk; where the framing is not chunked, what has arrived.

        Raises `EndOfStream` behind the last one, `ResponseTruncated` when the body was cut, `ResponseTimeout` after
        `timeout` seconds (the client's when left out).
        """
        return self._run(lambda: self._inner.next(timeout), timeout)

    def rest(self, timeout: float | None = None) -> list[bytes]:
        """Return every chunk that is left; raises as `next` does, what was read being in its `received`."""
        return self._run(lambda: self._inner.rest(timeout), timeout)

    def __iter__(self) -> Iterator[bytes]:
        return _until_end(self.next)


class EventStream(_Bridge[AsyncEventStream]):
    """A response that is an event stream, parsed while it is produced (WHATWG HTML §9.2). Iteration ends with it."""

    @property
    def last_event_id(self) -> str:
        """What a browser would send as `Last-Event-ID` now; "" for nothing."""
        return self._inner.last_event_id

    @property
    def retry(self) -> int | None:
        """The reconnection time in milliseconds that the server asked for last; None: it never did."""
        return self._inner.retry

    def next(self, timeout: float | None = None) -> ReceivedEvent:
        """Return the next event; comments before it are in its `comments`.

        Raises `EndOfStream` behind the last one, `ResponseTruncated` when the stream was cut, `ResponseTimeout`
        after `timeout` seconds (the client's when left out), `MalformedResponse` when this is no event stream.
        """
        return self._run(lambda: self._inner.next(timeout), timeout)

    def next_comment(self, timeout: float | None = None) -> str:
        """Return the next comment, such as a heartbeat; events before it are kept for `next`. Raises as it does."""
        return self._run(lambda: self._inner.next_comment(timeout), timeout)

    def rest(self, timeout: float | None = None) -> list[ReceivedEvent]:
        """Return every event up to the clean end; raises as `next` does."""
        return self._run(lambda: self._inner.rest(timeout), timeout)

    def __iter__(self) -> Iterator[ReceivedEvent]:
        return _until_end(self.next)


def _until_end(read: Callable[[], _Item]) -> Iterator[_Item]:
    while True:
        try:
            item = read()
        except EndOfStream:
            return
        yield item

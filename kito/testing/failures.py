"""What can go wrong between a test and its server, each with a sentence that says where."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from ..errors import KitoError

__all__ = ("EndOfStream", "LeakError", "MalformedResponse", "ResponseTimeout", "ResponseTruncated", "within")


class LeakError(AssertionError):
    """A test has left something running; `leaks` names each task, stream and connection."""

    def __init__(self, leaks: Sequence[str]) -> None:
        super().__init__("left behind: " + "; ".join(leaks))
        self.leaks = tuple(leaks)


class ResponseTimeout(KitoError, TimeoutError):
    """What the test waits for has not happened in its time."""


class ResponseTruncated(KitoError):
    """The connection ended inside of a response.

    `received` is what was read of the body by the call that raises this; `reset` tells a RST from a FIN.
    """

    def __init__(self, where: str, received: bytes = b"", *, reset: bool) -> None:
        super().__init__(f"the server {'reset' if reset else 'closed'} the connection {where}")
        self.where = where
        self.received = received
        self.reset = reset


class MalformedResponse(KitoError):
    """What the server sent is no HTTP/1.1 response (RFC 9112), or no event stream where one was expected."""


class EndOfStream(KitoError):
    """The stream has come to its clean end: there is no further chunk or event."""


@asynccontextmanager
async def within(seconds: float, what: str) -> AsyncIterator[None]:
    """Raise `ResponseTimeout` that says `what` is missing when the block takes longer than so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise ResponseTimeout(f"{what} within {seconds:g} s") from None

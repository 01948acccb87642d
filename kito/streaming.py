"""Sources of streamed bodies: iterables and generators pumped into a writer."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from ._core.event import Event
from ._core.stream import SSEWriter, StreamWriter
from ._core.tally import StreamEnd

if TYPE_CHECKING:
    from ._core.endpoint import Endpoint
    from .response import Response

__all__ = ("Event", "SSEWriter", "StreamEnd", "StreamWriter", "pump", "pump_generator")


async def pump(writer: StreamWriter, source: AsyncIterable[Any] | Iterable[Any]) -> None:
    """Write every item of `source` as one chunk, waiting for slow readers, and end the body."""
    async with writer, aclosing(_as_async(source)) as items:
        if writer.closed:
            return  # HEAD: the head was all
        async for item in items:
            await writer.write(item)


async def pump_generator(endpoint: Endpoint, res: Response, source: Any) -> None:
    """Feed what a generator handler yields to the client.

    The head is committed with the first item: what is raised before it gets a status of its own.
    """
    async with aclosing(_as_async(source)) as items:
        first = _NOTHING if res.head_only else await anext(items, _NOTHING)
        writer = res.sse() if endpoint.events else res.stream()
        put = writer.send if isinstance(writer, SSEWriter) else writer.write
        async with writer:
            if first is _NOTHING:
                return
            await put(first)
            async for item in items:
                await put(item)


_NOTHING: Any = object()


async def _from_sync(source: Iterable[Any]) -> AsyncIterator[Any]:
    try:
        for item in source:
            yield item
    finally:
        close = getattr(source, "close", None)
        if close is not None:
            close()


def _as_async(source: Any) -> Any:
    if hasattr(source, "__anext__") and hasattr(source, "aclose"):
        return source
    if hasattr(source, "__aiter__"):
        return _from_async(source)
    return _from_sync(source)


async def _from_async(source: AsyncIterable[Any]) -> AsyncIterator[Any]:
    async for item in source:
        yield item

"""Sources of streamed bodies: iterables, generators and files pumped into a writer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Generator, Iterable
from typing import IO, TYPE_CHECKING, Any, Final

from ._core.event import Event
from ._core.stream import SSEWriter, StreamWriter
from ._core.tally import StreamEnd

if TYPE_CHECKING:
    from ._core.endpoint import Endpoint
    from .response import Response

__all__ = ("Event", "SSEWriter", "StreamEnd", "StreamWriter", "as_items", "pump", "pump_generator")

FILE_BYTES: Final = 64 * 1024  # read from a file at once, and sent as one chunk

_NOTHING: Any = object()

Source = AsyncIterable[Any] | Iterable[Any] | IO[Any]


def as_items(source: Any) -> Any:
    """Return an iterator, plain or async, over the chunks of a source; `TypeError` for what is none."""
    if hasattr(source, "__aiter__"):
        return aiter(source)
    if callable(getattr(source, "read", None)):
        return FileChunks(source)
    if isinstance(source, Iterable) and not isinstance(source, str | bytes | bytearray | memoryview):
        return iter(source)
    raise TypeError(
        f"res.stream() takes an iterable of chunks or a file, not {type(source).__name__}: "
        "a whole body is answered by res.send()"
    )


async def pump(writer: StreamWriter, items: Any) -> None:
    """Write every one of `items`, made by `as_items`, as a chunk; end the body and close its source."""
    try:
        async with writer:
            if writer.closed:  # HEAD, or the client has left: the cancellation must not arrive in the cleanup
                await asyncio.sleep(0)
            else:
                await _feed(writer.write, items)
    finally:
        await _close(items)


async def pump_generator(endpoint: Endpoint, res: Response, source: Any) -> None:
    """Feed what a generator handler yields to the client.

    The head is committed with the first item, or after `commit_after` seconds without one: what is raised before it
    gets a status of its own.
    """
    body = GeneratorBody(endpoint, res)
    try:
        first = _NOTHING
        if not res.head_only:
            first = await FirstItem(source, endpoint.commit_after, body.commit) if is_async(source) else _next(source)
        if first is _NOTHING and body.writer is None and res.headers_sent:
            return  # it has answered by itself
        async with body.open() as writer:
            if first is not _NOTHING:
                put = writer.send if isinstance(writer, SSEWriter) else writer.write
                await put(first)
                await _feed(put, source)
    finally:
        await _close(source)


class GeneratorBody:
    """The body of a generator's response; its head is committed once, by whoever comes first."""

    def __init__(self, endpoint: Endpoint, res: Response) -> None:
        self._events = endpoint.events
        self._res = res
        self.writer: StreamWriter | None = None

    def open(self) -> StreamWriter:
        """Commit the head, if it is not, and return the writer."""
        if self.writer is None:
            self.writer = self._res.sse() if self._events else self._res.stream()
        return self.writer

    def commit(self) -> None:
        """The generator takes its time: commit the head, unless it has answered by itself."""
        if not self._res.headers_sent:
            self.open()


class FirstItem:
    """Awaitable of the first item of an async generator, or `_NOTHING`.

    `commit()` is called when that takes longer than `seconds`; where the item is there at once no timer is made.
    """

    def __init__(self, source: Any, seconds: float, commit: Callable[[], None]) -> None:
        self._source = source
        self._seconds = seconds
        self._commit = commit

    def __await__(self) -> Generator[Any, Any, Any]:
        step = self._source.__anext__()
        try:
            waits_for = step.send(None)
            timer = None
            if self._seconds >= 0:
                timer = asyncio.get_running_loop().call_later(self._seconds, self._commit)
            try:
                while True:
                    try:
                        sent = yield waits_for
                    except BaseException as error:  # noqa: BLE001 - it is the generator's, which may clean up
                        waits_for = step.throw(error)
                    else:
                        waits_for = step.send(sent)
            finally:
                if timer is not None:
                    timer.cancel()
        except StopIteration as found:
            return found.value
        except StopAsyncIteration:
            return _NOTHING


class FileChunks:
    """The content of a file in pieces of `FILE_BYTES`, read in a thread; closed with the file."""

    def __init__(self, file: IO[Any]) -> None:
        self._file = file
        self._reading: asyncio.Future[Any] | None = None

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        self._reading = asyncio.get_running_loop().run_in_executor(None, self._file.read, FILE_BYTES)
        data = await asyncio.shield(self._reading)
        if data is None:
            raise BlockingIOError("res.stream() cannot wait for a file in non-blocking mode")
        if not data:
            raise StopAsyncIteration
        return data

    async def aclose(self) -> None:
        """Close the file, behind the thread that may still be reading it."""
        if self._reading is None or self._reading.done():
            self._file.close()
        else:
            self._reading.add_done_callback(self._close_behind)

    def _close_behind(self, reading: asyncio.Future[Any]) -> None:
        if not reading.cancelled():
            reading.exception()  # whatever it is, nobody reads any more
        self._file.close()


def is_async(source: Any) -> bool:
    """Whether a generator or iterator is an async one."""
    return hasattr(source, "__anext__")


def _next(source: Any) -> Any:
    return next(source, _NOTHING)


async def _feed(put: Callable[[Any], Any], items: Any) -> None:
    """Put every item, and wait as long as `put` says: for a slow reader, and for everybody else's turn."""
    if is_async(items):
        async for item in items:
            await put(item)
    else:
        for item in items:
            await put(item)


async def _close(items: Any) -> None:
    """Close an iterator that can be closed, whether it was begun or not."""
    close = getattr(items, "aclose", None) or getattr(items, "close", None)
    if close is not None:
        closing = close()
        if closing is not None:
            await closing

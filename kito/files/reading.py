"""FileReader: reads an open file in threads, and closes it whatever happens."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from .opening import OpenFile
from .ranges import Span

if TYPE_CHECKING:
    from .._core.stream import StreamWriter

__all__ = ("FileReader",)

READ_BYTES: Final = 256 * 1024  # of one read: a thread's hop is cheap beside it, and memory is bounded by it

_T = TypeVar("_T")


class FileReader:
    """The bytes of one file. One thread at a time works on it, and none of them after it was closed."""

    def __init__(self, file: OpenFile) -> None:
        self.file = file
        self._work: asyncio.Future[Any] | None = None  # of a thread; a task that is cancelled does not stop it

    @classmethod
    async def open(cls, open_: Callable[[], OpenFile | None]) -> FileReader | None:
        """Call `open_` in a thread; None when there is no file."""
        work = asyncio.get_running_loop().run_in_executor(None, open_)
        try:
            file = await asyncio.shield(work)
        except asyncio.CancelledError:
            work.add_done_callback(_drop)
            raise
        return None if file is None else cls(file)

    async def read_exactly(self, span: Span) -> bytes:
        """Return the bytes of a span, which is small; `OSError` when the file has become shorter."""
        data = await self._in_thread(lambda: _read(self.file.fd, span))
        if len(data) != span.end - span.start:
            raise _cut_short(span, len(data))
        return data

    async def pump(self, span: Span, writer: StreamWriter) -> None:
        """Write a span, waiting for slow readers; `OSError` when the file has become shorter."""
        place = span.start
        while place < span.end and not writer.closed:
            piece = Span(place, min(span.end, place + READ_BYTES))
            data = await self._in_thread(partial(_read, self.file.fd, piece))
            if not data:
                raise _cut_short(span, place - span.start)
            place += len(data)
            await writer.write(data)

    async def _in_thread(self, read: Callable[[], _T]) -> _T:
        work = asyncio.get_running_loop().run_in_executor(None, read)
        self._work = work
        data = await asyncio.shield(work)
        self._work = None
        return data

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file, once the thread that may be reading it is done: its number must not become another's."""
        if self._work is None or self._work.done():
            os.close(self.file.fd)
        else:
            self._work.add_done_callback(self._close)

    def _close(self, work: asyncio.Future[Any]) -> None:
        work.exception()  # asked for, so that nobody warns: who waited for it has left
        os.close(self.file.fd)


def _read(fd: int, span: Span) -> bytes:
    """Return up to so many bytes from a place; on Windows, where only one thread reads a file here, by seeking."""
    if hasattr(os, "pread"):
        return os.pread(fd, span.end - span.start, span.start)
    os.lseek(fd, span.start, os.SEEK_SET)
    return os.read(fd, span.end - span.start)


def _drop(work: asyncio.Future[OpenFile | None]) -> None:
    """Close a file that was opened for somebody who has left."""
    file = None if work.exception() is not None else work.result()
    if file is not None:
        os.close(file.fd)


def _cut_short(span: Span, got: int) -> OSError:
    return OSError(f"the file has become shorter while it was sent: {got} of {span.end - span.start} bytes")

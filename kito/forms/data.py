"""FormData and UploadFile: the fields and files of a form, however it was sent."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import ExitStack
from types import TracebackType
from typing import IO, Any, Final, Self, TypeVar

__all__ = ("FormData", "UploadFile")

COPY_BYTES: Final = 256 * 1024  # that are read at a time where a file is saved

_T = TypeVar("_T")


class UploadFile:
    """A file of a form: `filename` (made safe), `content_type` and `size` in bytes.

    `file` is the open file for those who may block; `await read()` and `await save(path)` do not. It is
    closed with its form, or when nobody holds it any more.
    """

    __slots__ = ("__weakref__", "_close", "content_type", "file", "filename", "size")

    def __init__(self, filename: str, content_type: str, file: IO[bytes], size: int) -> None:
        self.filename = filename
        self.content_type = content_type
        self.file = file
        self.size = size
        self._close = weakref.finalize(self, file.close)

    async def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes from where the last read ended, -1 for all; `b""` at the end."""
        return await asyncio.to_thread(self.file.read, size)

    async def save(self, path: str) -> None:
        """Write the whole file to `path`, which must not exist yet (`FileExistsError`); `OSError` of the disk."""
        await asyncio.to_thread(self._save, path)

    def _save(self, path: str) -> None:
        self.file.seek(0)
        with open(path, "xb") as target:
            while data := self.file.read(COPY_BYTES):
                target.write(data)

    def close(self) -> None:
        """Close the file; one that was on the disk is gone then."""
        self._close()

    def __repr__(self) -> str:
        return f"<UploadFile {self.filename!r} {self.content_type} {self.size} bytes>"


class FormData:
    """The fields of a form: text as `str`, a file as `UploadFile`, in the order received.

    `form["a"]` and `form.get("a")` give the first value, `get_all("a")` the list, `items()` every pair;
    `text(name)` and `file(name)` give the first value of that kind, None when there is none. Awaiting a form
    gives the form: needed where the route has its body streamed, and no error elsewhere. `async with` and
    `close()` close its files.
    """

    __slots__ = ("_load", "_pairs")

    def __init__(
        self,
        pairs: list[tuple[str, str | UploadFile]],
        load: Callable[[], Awaitable[list[tuple[str, str | UploadFile]]]] | None = None,
    ) -> None:
        self._pairs = pairs
        self._load = load

    def items(self) -> list[tuple[str, str | UploadFile]]:
        """Return every pair of name and value, in the order received."""
        if self._load is not None:
            raise RuntimeError("the body of this route is streamed: write `form = await req.form()`")
        return self._pairs

    def get_all(self, name: str) -> list[str | UploadFile]:
        """Return every value of a name in the order received; an empty list when there is none."""
        return [value for field, value in self.items() if field == name]

    def __getitem__(self, name: str) -> str | UploadFile:
        for field, value in self.items():
            if field == name:
                return value
        raise KeyError(name)

    def get(self, name: str, default: _T | None = None) -> str | UploadFile | _T | None:
        """Return the first value of a name, or `default` when there is none."""
        return next((value for field, value in self.items() if field == name), default)

    def text(self, name: str) -> str | None:
        """Return the first value of a name that is text, None when there is none."""
        return next((value for value in self.get_all(name) if isinstance(value, str)), None)

    def file(self, name: str) -> UploadFile | None:
        """Return the first file of a name, None when there is none."""
        return next((value for value in self.get_all(name) if isinstance(value, UploadFile)), None)

    def keys(self) -> list[str]:
        """Return the names, each once, in the order in which they were first received."""
        return list(dict.fromkeys(name for name, _ in self.items()))

    def __contains__(self, name: object) -> bool:
        return any(field == name for field, _ in self.items())

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self.keys())

    def __await__(self) -> Generator[Any, None, Self]:
        if self._load is not None:
            self._pairs = yield from self._load().__await__()
            self._load = None
        return self

    async def __aenter__(self) -> Self:
        return await self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every file; twice is no error."""
        with ExitStack() as stack:
            for _, value in self._pairs:
                if isinstance(value, UploadFile):
                    stack.callback(value.close)

    def __repr__(self) -> str:
        return f"FormData({self._pairs!r})"

"""FileAnswer: the answer to a request for a file, from its conditions to its last byte."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..errors import HTTPError
from ..media_types import guess_type, with_charset
from ..negotiation import choose_coding
from .opening import CODINGS, OpenFile, open_file
from .ranges import BadRange, Span, parse_ranges
from .reading import FileReader
from .validators import PRECONDITION_FAILED, Conditions, Validators, http_date, judge, may_resume

if TYPE_CHECKING:
    from ..response import Response

__all__ = ("FileAnswer", "FileOptions", "file_exists")

WHOLE_BYTES: Final = 64 * 1024  # up to which a body is read in one go and sent whole


class FileOptions(NamedTuple):
    """How a file is found and what is said about it; see `Response.send_file`."""

    root: str | None = None
    filename: str | None = None
    max_age: int | None = None
    immutable: bool = False
    dotfiles: bool = False
    precompressed: bool = False
    conditional: bool = True
    attachment: bool = False


class FileAnswer:
    """Sends a file when it is awaited, once; made by `Response.send_file`, and awaited by kito if nobody else does."""

    def __init__(self, res: Response, path: str, options: FileOptions) -> None:
        self._res = res
        self._path = path
        self._options = options
        method = res._request_method
        asked = res._request_field
        self._range = asked(b"range") if method == "GET" and options.conditional else None
        self._accepted = asked(b"accept-encoding") if options.precompressed else None
        self._conditions = Conditions()
        if options.conditional and method in ("GET", "HEAD"):
            self._conditions = Conditions(
                asked(b"if-match"),
                asked(b"if-none-match"),
                asked(b"if-modified-since"),
                asked(b"if-unmodified-since"),
                asked(b"if-range"),
            )

    def __await__(self) -> Generator[Any, None, None]:
        return self._must_send().__await__()

    async def _must_send(self) -> None:
        if not await self.send():
            raise HTTPError(404, "there is no such file")

    async def send(self) -> bool:
        """Answer with the file and return True; return False, with nothing answered, when there is none."""
        if self._res._later is self:
            self._res._later = None
        reader = await FileReader.open(self._open)
        if reader is None:
            return False
        async with reader:
            await self._answer(reader)
        return True

    def _open(self) -> OpenFile | None:
        options = self._options
        return open_file(self._path, options.root, dotfiles=options.dotfiles, codings=self._liked())

    def _liked(self) -> list[str]:
        """Return the codings that the client takes, the best one first."""
        liked: list[str] = []
        accepted = [] if self._accepted is None else [self._accepted]
        while (best := choose_coding(accepted, [name for name in CODINGS if name not in liked])) is not None:
            liked.append(best)
        return liked

    async def _answer(self, reader: FileReader) -> None:
        res = self._res
        file = reader.file
        validators = Validators.of(file.size, file.mtime_ns, file.coding)
        self._describe(validators, file.coding)
        status = judge(self._conditions, validators)
        if status == PRECONDITION_FAILED:
            raise HTTPError(status, "the file is not the one that the request is about")
        if status is not None:
            res.status(status).end()
            return
        spans = self._spans(file.size, validators)
        if res.get("content-type") is None:
            kind = guess_type(os.path.basename(self._path)) or "application/octet-stream"
            res.header("content-type", with_charset(kind))
        if spans is None:
            await self._send_spans(reader, [Span(0, file.size)])
        elif len(spans) == 1:
            res.status(206).header("content-range", spans[0].content_range(file.size))
            await self._send_spans(reader, spans)
        else:
            await self._send_parts(reader, spans)

    def _describe(self, validators: Validators, coding: str | None) -> None:
        """Set what a 200, a 206 and a 304 say alike (RFC 9110 §15.4.5); what the handler has set stays."""
        res, options = self._res, self._options
        fields = {"etag": validators.tag, "last-modified": http_date(validators.modified), "accept-ranges": "bytes"}
        if coding is not None:
            fields["content-encoding"] = coding
        if options.max_age is not None:
            fields["cache-control"] = f"public, max-age={options.max_age}{', immutable' if options.immutable else ''}"
        for name, value in fields.items():
            if res.get(name) is None:
                res.header(name, value)
        if options.precompressed:
            res.vary("accept-encoding")
        if options.attachment and res.get("content-disposition") is None:
            res.attachment(options.filename or os.path.basename(self._path))

    def _spans(self, size: int, validators: Validators) -> list[Span] | None:
        if self._range is None or not may_resume(self._conditions.if_range, validators, time.time()):
            return None
        try:
            return parse_ranges(self._range, size)
        except BadRange as error:
            raise HTTPError(416, str(error), headers={"content-range": f"bytes */{size}"}) from error

    async def _send_spans(self, reader: FileReader, spans: list[Span]) -> None:
        """Send one span as the body."""
        res, span = self._res, spans[0]
        length = span.end - span.start
        if res.head_only:
            res.header("content-length", length).end()
        elif length <= WHOLE_BYTES:
            res.send(await reader.read_exactly(span))
        else:
            async with res.header("content-length", length).stream() as writer:
                await reader.pump(span, writer)

    async def _send_parts(self, reader: FileReader, spans: list[Span]) -> None:
        """Send several spans as the parts of a multipart body (RFC 9110 §14.6)."""
        res, size = self._res, reader.file.size
        boundary = secrets.token_hex(16)
        kind = res.get("content-type")
        heads = [
            f"\r\n--{boundary}\r\ncontent-type: {kind}\r\ncontent-range: {span.content_range(size)}\r\n\r\n".encode()
            for span in spans
        ]
        tail = f"\r\n--{boundary}--\r\n".encode()
        length = sum(map(len, heads)) + sum(span.end - span.start for span in spans) + len(tail)
        res.status(206).header("content-type", f"multipart/byteranges; boundary={boundary}")
        async with res.header("content-length", length).stream() as writer:
            for head, span in zip(heads, spans, strict=True):
                writer.write(head)
                await reader.pump(span, writer)
            writer.write(tail)


async def file_exists(path: str, options: FileOptions) -> bool:
    """Whether there is a file that could be sent."""
    reader = await FileReader.open(lambda: open_file(path, options.root, dotfiles=options.dotfiles, codings=()))
    if reader is None:
        return False
    async with reader:
        return True

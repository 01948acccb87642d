"""ResponseReader: one HTTP/1.1 response from a wire, head first, then its body chunk by chunk (RFC 9112)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from ..headers import Headers
from .failures import MalformedResponse, ResponseTruncated
from .wire import Wire

__all__ = ("Head", "ResponseReader")

HEAD_BYTES: Final = 256 * 1024  # of status line and fields; more is no head
LINE_BYTES: Final = 16 * 1024  # of one line between chunks
STATUS_LINE: Final = re.compile(rb"HTTP/(\d\.\d) (\d{3}) ([^\r\n]*)")
FIELD: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*?)[ \t]*")
CHUNK_SIZE: Final = re.compile(rb"([0-9a-fA-F]{1,16})(?:[ \t]*;[^\r\n]*)?")


@dataclass(frozen=True, slots=True)
class Head:
    """Status line and fields of a response."""

    http_version: str
    status: int
    reason: str
    headers: Headers


class ResponseReader:
    """Reads one response. `chunked` is known once the head is; `trailers` once the body has ended."""

    def __init__(self, wire: Wire, method: str) -> None:
        self.wire = wire
        self.chunked = False
        self.ended = False  # the whole body was read
        self.trailers = Headers()
        self._method = method
        self._received = bytearray()
        self._remaining: int | None = None  # bytes of a body of declared length; None: until the connection ends

    async def head(self) -> Head:
        """Read the head of the final response; interim ones (1xx) are skipped."""
        while True:
            text = await self._through(b"\r\n\r\n", HEAD_BYTES, "in the head of a response")
            status_line, *lines = text[:-4].split(b"\r\n")
            found = STATUS_LINE.fullmatch(status_line)
            if found is None:
                raise MalformedResponse(f"no status line of HTTP/1: {status_line[:200]!r}")
            head = Head(found[1].decode(), int(found[2]), found[3].decode("latin-1"), _fields(lines))
            if head.status >= 200:
                self._decide_framing(head)
                return head

    async def chunk(self) -> bytes | None:
        """Read one chunk as the server framed it, None at the end; without chunked framing, what arrives."""
        if self.ended:
            return None
        data = await (self._framed_chunk() if self.chunked else self._piece())
        self.ended = data is None
        return data

    def _decide_framing(self, head: Head) -> None:
        """Decide how the body is delimited (RFC 9112 §6.3)."""
        codings, lengths = head.headers.get_all("transfer-encoding"), head.headers.get_all("content-length")
        if self._method == "HEAD" or head.status in (204, 304):
            self.ended = True
        elif codings:
            if [coding.lower() for coding in codings] != ["chunked"] or lengths:
                raise MalformedResponse(f"framing nobody asked for: transfer-encoding {codings}, length {lengths}")
            self.chunked = True
        elif lengths:
            if len(lengths) > 1 or not re.fullmatch(r"[0-9]{1,18}", lengths[0]):
                raise MalformedResponse(f"content-length is {lengths}")
            self._remaining = int(lengths[0])
            self.ended = self._remaining == 0

    async def _framed_chunk(self) -> bytes | None:
        line = (await self._through(b"\r\n", LINE_BYTES, "where a chunk begins"))[:-2]
        found = CHUNK_SIZE.fullmatch(line)
        if found is None:
            raise MalformedResponse(f"no size of a chunk: {line[:200]!r}")
        size = int(found[1], 16)
        if size == 0:
            await self._read_trailers()
            return None
        while len(self._received) < size + 2:
            await self._receive(f"{size + 2 - len(self._received)} bytes before the end of a chunk")
        data = self._take(size)
        if self._take(2) != b"\r\n":
            raise MalformedResponse(f"a chunk of {size} bytes does not end in CRLF")
        return data

    async def _read_trailers(self) -> None:
        lines = []
        while line := (await self._through(b"\r\n", LINE_BYTES, "in the trailers"))[:-2]:
            lines.append(line)
        self.trailers = _fields(lines)

    async def _piece(self) -> bytes | None:
        """Return some bytes of a body that is not chunked."""
        if self._remaining == 0:
            return None
        if not self._received:
            if self._remaining is not None:
                await self._receive(f"{self._remaining} bytes before the end of the body")
            elif not await self._receive_more("in the body"):
                return None
        data = self._take(len(self._received) if self._remaining is None else self._remaining)
        if self._remaining is not None:
            self._remaining -= len(data)
        return data

    async def _through(self, end: bytes, limit: int, where: str) -> bytes:
        """Take everything up to and with `end`."""
        searched = 0
        while (found := self._received.find(end, searched)) < 0:
            if len(self._received) > limit:
                raise MalformedResponse(f"more than {limit} bytes without an end {where}")
            searched = max(len(self._received) - len(end) + 1, 0)
            await self._receive(where)
        return self._take(found + len(end))

    async def _receive(self, where: str) -> None:
        if not await self._receive_more(where):
            raise ResponseTruncated(where, bytes(self._received), reset=False)

    async def _receive_more(self, where: str) -> bool:
        """Read once from the wire; False at its end."""
        try:
            data = await self.wire.receive()
        except ConnectionResetError:
            raise ResponseTruncated(where, bytes(self._received), reset=True) from None
        self._received += data
        return bool(data)

    def _take(self, size: int) -> bytes:
        taken = bytes(self._received[:size])
        del self._received[:size]
        return taken


def _fields(lines: list[bytes]) -> Headers:
    """Read field lines (RFC 9112 §5)."""
    pairs = []
    for line in lines:
        found = FIELD.fullmatch(line)
        if found is None:
            raise MalformedResponse(f"no header line: {line[:200]!r}")
        pairs.append((found[1].lower(), found[2]))
    return Headers(pairs)

"""Reads responses from a connection, and checks of each what every response owes (RFC 9110, RFC 9112)."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from kito.errors import reason_phrase

STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5][0-9][0-9]) ([\t -~]*)")  # RFC 9112 §4: the second space is always there
FIELD = re.compile(
    rb"([!#-'*+.^_`|~0-9A-Za-z-]+):[ \t]*((?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?)[ \t]*"
)
SIZE_LINE = re.compile(rb"[0-9A-Fa-f]{1,16}")
IMF_FIXDATE = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT")
CLOCK_SKEW = timedelta(seconds=60)
SINGLETONS = ("content-length", "transfer-encoding", "content-type", "date", "connection", "allow")


class ResponseError(AssertionError):
    """A response is not what HTTP or the case says."""


class ResetError(Exception):
    """The connection ended in a RST, or a TLS connection without its closure alert."""


class Response(NamedTuple):
    """One response; `chunks` is None unless it was chunked, `whole` False where the connection ended inside of it."""

    status: int
    fields: dict[str, str]
    body: bytes = b""
    chunks: list[bytes] | None = None
    whole: bool = True


class Reader:
    """Responses out of what `receive` gives: bytes as they come, `b""` at the end, `ResetError` at a bad one."""

    def __init__(self, receive: Callable[[], bytes]) -> None:
        self._receive = receive
        self._buffer = bytearray()
        self._ended = False

    def end(self) -> None:
        """Read to FIN; nothing may come before it."""
        try:
            while self._more():
                pass
        except ResetError:
            raise ResponseError(f"RST where FIN had to come, behind {self._tail()}") from None
        if self._buffer:
            raise ResponseError(f"the end had to come, not {self._tail()}")

    def over(self) -> bool:
        """Wait for a byte of another response or for FIN; True for FIN."""
        return not self._buffer and not self._more()

    def response(self, method: str) -> Response:
        """Read the response to a request with this method."""
        response = self.head()
        if method == "HEAD" or response.status in (204, 304) or response.status < 200:
            return response
        return self.body(response)

    def head(self) -> Response:
        """Read the head of a response."""
        try:
            head = self._until(b"\r\n\r\n")
        except (EOFError, ResetError) as error:
            how = "RST" if isinstance(error, ResetError) else "FIN"
            raise ResponseError(f"{how} where a response had to come, behind {self._tail()}") from None
        return _read_head(head[:-4])

    def body(self, response: Response) -> Response:
        """Read the body of a response whose head this is."""
        length = response.fields.get("content-length")
        parts: list[bytes] = []
        try:
            if "transfer-encoding" in response.fields:
                while chunk := self._chunk():
                    parts.append(chunk)
            elif length is not None:
                parts.append(self._exactly(int(length)))
            else:
                while self._more():
                    pass
                parts.append(self._take(len(self._buffer)))
        except (EOFError, ResetError):
            response = response._replace(whole=False)
        chunks = parts if "transfer-encoding" in response.fields else None
        return response._replace(body=b"".join(parts), chunks=chunks)

    def _chunk(self) -> bytes:
        line = self._until(b"\r\n")[:-2]
        if not SIZE_LINE.fullmatch(line):
            raise ResponseError(f"a chunk begins with its size, not with {line!r}")
        chunk = self._exactly(int(line, 16))
        if self._exactly(2) != b"\r\n":
            raise ResponseError("a chunk does not end in CRLF")
        return chunk

    def _until(self, end: bytes) -> bytes:
        while (found := self._buffer.find(end)) < 0:
            if not self._more():
                raise EOFError
        return self._take(found + len(end))

    def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            if not self._more():
                raise EOFError
        return self._take(size)

    def _more(self) -> bool:
        if not self._ended:
            data = self._receive()
            self._ended = not data
            self._buffer += data
        return not self._ended

    def _take(self, size: int) -> bytes:
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    def _tail(self) -> bytes:
        return bytes(self._buffer[:200])


def _read_head(head: bytes) -> Response:
    status_line, *lines = head.split(b"\r\n")
    match = STATUS_LINE.fullmatch(status_line)
    if match is None:
        raise ResponseError(f"this is no status line: {status_line!r}")
    status, reason = int(match[1]), match[2].decode()
    if reason != reason_phrase(status):
        raise ResponseError(f"{status} is not called {reason!r}")
    fields: dict[str, str] = {}
    for line in lines:
        field = FIELD.fullmatch(line)
        if field is None:
            raise ResponseError(f"this is no field: {line!r}")
        name, value = field[1].decode().lower(), field[2].decode("latin-1")
        if name in fields and name in SINGLETONS:
            raise ResponseError(f"{name} is there twice")
        fields[name] = f"{fields[name]}, {value}" if name in fields else value
    _check_framing(status, fields)
    _check_date(status, fields)
    return Response(status, fields)


def _check_framing(status: int, fields: dict[str, str]) -> None:
    """RFC 9110 §8.6, RFC 9112 §6.1 and §6.2: one way to frame a body, and none where there is none."""
    framing = [name for name in ("content-length", "transfer-encoding") if name in fields]
    if len(framing) == 2 or (framing and (status < 200 or status == 204)):
        raise ResponseError(f"a response with status {status} has {' and '.join(framing)}")
    if not fields.get("content-length", "0").isdecimal() or fields.get("transfer-encoding", "chunked") != "chunked":
        raise ResponseError(f"nobody can read a body that is framed by {framing}")


def _check_date(status: int, fields: dict[str, str]) -> None:
    """RFC 9110 §6.6.1: a date in every 2xx, 3xx and 4xx, in the form of §5.6.7."""
    if status < 200:
        return
    date = fields.get("date", "")
    if not IMF_FIXDATE.fullmatch(date) or abs(parsedate_to_datetime(date) - datetime.now(UTC)) > CLOCK_SKEW:
        raise ResponseError(f"this is not the date of now: {date!r}")

"""Readers of requests that share no code with kito: h11, aiohttp's parser in Python, and Node's server (llhttp).

Each is given all bytes of a connection at once and tells which requests it finds whole, and how its reading ends.
"""

import asyncio
import base64
import json
import select
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.conftest import require_module, require_tool

LINE_BYTES = 1 << 20  # nothing here is as long: sizes are kito's own affair, and have tests of their own
ANSWER_S = 20.0  # seconds for another program to answer, on a busy machine
NODE_PROGRAM = Path(__file__).with_name("node_reader.mjs")

PARTIAL = "waits for the rest of a message"
WHOLE = "everything is read"


class Seen(NamedTuple):
    """A request as somebody read it; a body of None was read by nobody who could tell."""

    method: bytes
    target: bytes
    body: bytes | None


class Reading(NamedTuple):
    """The whole requests in some bytes; then `end`: WHOLE, PARTIAL, or what the reader says against the next.

    `rest` are the bytes from the message on that it did not read to its end, or more where it cannot tell.
    """

    requests: list[Seen]
    end: str
    rest: bytes

    @property
    def refused(self) -> bool:
        return self.end not in (WHOLE, PARTIAL)


Reader = Callable[[bytes], Reading]


def read_h11(data: bytes) -> Reading:
    """h11 as the server, a new connection for each message: boundaries are judged here, not who closes when."""
    h11 = require_module("h11")
    requests: list[Seen] = []
    while data:
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=LINE_BYTES)
        connection.receive_data(data)
        request, body = None, b""
        while True:
            try:
                event = connection.next_event()
            except h11.RemoteProtocolError as error:
                return Reading(requests, f"h11: {error}", data)
            if event is h11.NEED_DATA:
                return Reading(requests, PARTIAL, data)
            if isinstance(event, h11.Request):
                request = event
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            else:
                break
        assert isinstance(event, h11.EndOfMessage), event
        requests.append(Seen(request.method, request.target, body))
        data = connection.trailing_data[0]
    return Reading(requests, WHOLE, b"")


class AiohttpReader:
    """aiohttp's parser in Python, which is not the one that aiohttp uses where it can have llhttp."""

    def __init__(self) -> None:
        self._parsers = require_module("aiohttp.http_parser")
        self._errors = require_module("aiohttp.http_exceptions")
        self._loop = asyncio.new_event_loop()
        self._protocol = require_module("aiohttp.base_protocol").BaseProtocol(self._loop)

    def close(self) -> None:
        """Close the loop that its bodies want to have."""
        self._loop.close()

    def __call__(self, data: bytes) -> Reading:
        """Read byte by byte: of a longer piece it forgets what it found before an error."""
        parser = self._parsers.HttpRequestParserPy(
            self._protocol,
            self._loop,
            limit=LINE_BYTES,
            max_line_size=LINE_BYTES,
            max_field_size=LINE_BYTES,
            auto_decompress=False,
        )
        requests: list[Seen] = []
        message, start = None, 0
        for index in range(len(data)):
            try:
                found, _, _ = parser.feed_data(data[index : index + 1])
                message = found[0] if found else message
                if message is None:
                    continue
                head, payload = message
                if payload.exception() is not None:
                    raise payload.exception()
            except (self._errors.HttpProcessingError, self._errors.BadHttpMessage) as error:
                return Reading(requests, f"aiohttp: {error!r}", data[start:])
            if payload.is_eof():
                body = b"".join(payload._buffer) if hasattr(payload, "_buffer") else b""
                requests.append(Seen(head.method.encode(), head.path.encode("utf-8", "surrogateescape"), body))
                message, start = None, index + 1
        return Reading(requests, PARTIAL if data[start:].lstrip(b"\r\n") else WHOLE, data[start:])


class NodeReader:
    """Node's HTTP server in a process of its own, fed without a socket; it is llhttp with another adapter."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    def __call__(self, data: bytes) -> Reading:
        self._process.stdin.write(base64.b64encode(data) + b"\n")
        self._process.stdin.flush()
        ready, _, _ = select.select([self._process.stdout], [], [], ANSWER_S)
        assert ready, f"node does not answer to {data!r}"
        found: dict[str, Any] = json.loads(self._process.stdout.readline())
        requests = [
            Seen(method.encode(), target.encode("latin-1"), base64.b64decode(body))
            for method, target, body in found["requests"]
        ]
        if found["error"]:
            return Reading(requests, f"node: {found['error']}", data)
        return Reading(requests, PARTIAL if found["open"] else WHOLE, data)


@contextmanager
def node_reader() -> Iterator[NodeReader]:
    """A NodeReader for a block."""
    command = [require_tool("node"), str(NODE_PROGRAM)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=-1)
    try:
        yield NodeReader(process)
    finally:
        process.stdin.close()
        process.wait(ANSWER_S)
        process.stdout.close()


@contextmanager
def all_readers() -> Iterator[dict[str, Reader]]:
    """Every reader by its name, for a block."""
    aiohttp = AiohttpReader()
    try:
        with node_reader() as node:
            yield {"h11": read_h11, "aiohttp": aiohttp, "node": node}
    finally:
        aiohttp.close()

"""The target of what an application may send: heads, chunks and events out of any bytes are read back as they were.

An input is a script: its first byte chooses the kind of answer and of client, then come calls, each a byte that says
which, a byte that says how long its argument is, and the argument. What kito refuses must leave no trace.
"""

import re
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any

from kito import KitoError, Response, server
from tests.conftest import require_module
from tests.core.answers import Answer, read_answer
from tests.core.event_stream import Dispatched, EventSource
from tests.core.rig import serving

REFUSALS = (KitoError, ValueError)  # of which UnicodeEncodeError is one
BODILESS = (204, 304)
# Names that kito sets itself or reads a meaning into, and those of the helpers below.
MANAGED = {b"cache-control", b"connection", b"content-length", b"content-type", b"date", b"x-accel-buffering"}
HELPERS = {b"content-disposition", b"link", b"location", b"set-cookie", b"vary"}


class EncoderTarget:
    """Call it with any bytes; `AssertionError` tells what did not come back."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._h11 = require_module("h11")
        self._data = b""
        app = server()
        app.get("/", self._answer)
        self._rig = self._stack.enter_context(serving(app))

    def close(self) -> None:
        """Stop the server; what it logged is an error."""
        self._stack.close()

    def __call__(self, data: bytes) -> None:
        mode, self._data = (data[0] if data else 0), data[1:]
        self._kind = (self._whole, self._stream, self._events)[mode % 3]
        self._status = 200
        self._fields: list[tuple[bytes, bytes]] = []
        self._pieces: list[bytes] = []
        self._events_due: list[Dispatched] = []
        self._comments: list[str] = []
        self._last_id, self._retry_ms = "", None
        method, version = ("HEAD" if mode & 64 else "GET"), (b"1.0" if mode & 128 else b"1.1")
        peer = self._rig.connect()
        received = peer.send(b"%s / HTTP/%s\r\nhost: x\r\n\r\n" % (method.encode(), version))
        assert not self._rig.log.records, [record.getMessage() for record in self._rig.log.records]
        answer = read_answer(received, method)
        self._check_head(answer, received, method)
        if method != "HEAD" and answer.status not in BODILESS:
            self._check_body(answer)
        assert peer.end == ("fin" if answer.get(b"connection") == b"close" else None)
        peer.leave()
        self._rig.loop.settle()

    def _calls(self) -> Iterator[tuple[int, bytes]]:
        at = 0
        while at + 1 < len(self._data):
            size = self._data[at + 1]
            yield self._data[at], self._data[at + 2 : at + 2 + size]
            at += 2 + size

    # === the application ===

    def _answer(self, res: Response) -> None:
        body = []
        for call, argument in self._calls():
            if call % 2:
                body.append((call // 2, argument))
            else:
                with suppress(*REFUSALS):
                    self._set(res, call // 2 % 7, argument)
        self._kind(res, body)

    def _set(self, res: Response, call: int, argument: bytes) -> None:
        name, _, value = argument.partition(b":")
        text, other = argument.decode("utf-8", "replace"), value.decode("latin-1")
        if call == 0:
            code = int.from_bytes(argument[:2], "big") % 1000
            res.status(code)
            self._status = code
        elif call == 1:
            self._append(res, name, value)
        elif call == 2:
            self._append(res, name.decode("latin-1"), other)
        elif call == 3:
            res.location(text)
        elif call == 4:
            res.attachment(text)
        elif call == 5:
            res.cookie(name.decode("latin-1"), text, path=other)
        else:
            res.links({other: text}).vary(text)

    def _append(self, res: Response, name: Any, value: Any) -> None:
        plain = name.encode("latin-1") if isinstance(name, str) else name
        if plain.lower() in MANAGED | HELPERS:
            return
        res.append(name, value)
        sent = value.encode("latin-1") if isinstance(value, str) else value
        self._fields.append((plain.lower(), sent.strip(b" \t")))

    def _whole(self, res: Response, body: list[tuple[int, bytes]]) -> None:
        self._pieces = [argument for _, argument in body]
        res.send(b"".join(self._pieces))

    def _stream(self, res: Response, body: list[tuple[int, bytes]]) -> None:
        stream = res.stream()
        for call, argument in body:
            if not stream.closed:
                stream.write((argument, bytearray(argument), memoryview(argument))[call % 3])
                self._pieces.append(argument)
        stream.end()

    def _events(self, res: Response, body: list[tuple[int, bytes]]) -> None:
        sse = res.sse(heartbeat=0)
        for call, argument in body:
            if not sse.closed:
                with suppress(*REFUSALS):
                    self._send_event(sse, call, argument)
        sse.close()

    def _send_event(self, sse: Any, call: int, argument: bytes) -> None:
        if call % 4 == 3:
            comment = argument.decode("utf-8", "replace")
            sse.comment(comment)
            self._comments += [f" {line}" for line in lines_of(comment)]
            return
        parts = argument.split(b"\xff", 3)
        event, last_id, retry = [part.decode("utf-8", "surrogateescape") for part in parts[1:]] + [None] * (
            4 - len(parts)
        )
        retry_ms = None if retry is None else len(retry) * call
        data: Any = parts[0] if call % 4 == 2 else parts[0].decode("utf-8", "surrogateescape")
        sse.send(data, event, last_id, retry_ms)
        text = parts[0].decode("utf-8", "replace") if isinstance(data, bytes) else data
        self._last_id = self._last_id if last_id is None else last_id
        self._retry_ms = self._retry_ms if retry_ms is None else retry_ms
        self._events_due.append(Dispatched(event or "message", "\n".join(lines_of(text)), self._last_id))

    # === the client ===

    def _check_head(self, answer: Answer, received: bytes, method: str) -> None:
        assert answer.whole, answer
        assert answer.status == self._status
        ours = MANAGED | HELPERS | {b"transfer-encoding"}
        assert [field for field in answer.fields if field[0] not in ours] == self._fields, answer.fields
        for name in MANAGED:
            answer.get(name)  # at most once
        client = self._h11.Connection(our_role=self._h11.CLIENT)
        client.send(self._h11.Request(method=method, target="/", headers=[("host", "x")]))
        client.send(self._h11.EndOfMessage())
        client.receive_data(received)
        response = client.next_event()
        assert [(bytes(name), bytes(value)) for name, value in response.headers] == answer.fields

    def _check_body(self, answer: Answer) -> None:
        if self._kind == self._events:
            source = EventSource().read(answer.body)
            assert source.events == self._events_due, (source.events, self._events_due)
            assert source.comments == self._comments
            assert source.retry_ms == self._retry_ms
            return
        assert answer.body == b"".join(self._pieces)
        if self._kind == self._stream and answer.chunks is not None:
            assert answer.chunks == [piece for piece in self._pieces if piece], "a write is a chunk"


def lines_of(text: str) -> list[str]:
    """The lines that an event stream makes of a text (WHATWG HTML section 9.2.6)."""
    return re.split("\r\n|\n|\r", text)

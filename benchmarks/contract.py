"""Checks that a server sends exactly what a scenario promises, before anything is timed.

Status, content type, framing, every byte of the body and, where the scenario promises them, the chunk boundaries. The
client is written for this purpose: it reads strictly, so that a server cannot gain by sending less.
"""

import socket
import ssl

from benchmarks import scenarios
from benchmarks.scenarios import Scenario

TIMEOUT_SECONDS = 10.0
READ_BYTES = 1 << 16


class ContractBroken(AssertionError):
    """A server does not send what the scenario promises; the message says what it sent instead."""


class Response:
    """Reads one response from a socket, strictly: head, then a body by length or by chunks."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.buffer = b""
        self.status = 0
        self.headers: dict[str, str] = {}
        self.pieces: list[bytes] = []
        self.complete = False

    @property
    def body(self) -> bytes:
        """What has been read of the body, chunk framing removed."""
        return b"".join(self.pieces)

    def _more(self) -> None:
        data = self.connection.recv(READ_BYTES)
        if not data:
            raise ContractBroken("the connection was closed in the middle of a response")
        self.buffer += data

    def _line(self) -> bytes:
        while b"\r\n" not in self.buffer:
            self._more()
        line, _, self.buffer = self.buffer.partition(b"\r\n")
        return line

    def _take(self, size: int) -> bytes:
        parts, missing = [], size
        while len(self.buffer) < missing:
            parts.append(self.buffer)
            missing -= len(self.buffer)
            self.buffer = b""
            self._more()
        parts.append(self.buffer[:missing])
        self.buffer = self.buffer[missing:]
        return b"".join(parts)

    def read_head(self) -> None:
        """Reads the status line and the fields; names are lower-cased."""
        protocol, status, _ = (self._line() + b" ").split(b" ", 2)
        if protocol != b"HTTP/1.1":
            raise ContractBroken(f"the status line starts with {protocol!r}")
        self.status = int(status)
        while line := self._line():
            name, _, value = line.decode("latin-1").partition(":")
            self.headers[name.lower()] = value.strip()

    def read_body(self, enough: int | None = None) -> None:
        """Reads the whole body, or at least `enough` bytes of one that does not end."""
        if "transfer-encoding" not in self.headers:
            length = int(self.headers.get("content-length", -1))
            if length < 0:
                raise ContractBroken("the response has neither content-length nor chunks")
            self.pieces.append(self._take(length))
            self.complete = True
        while not self.complete and (enough is None or sum(map(len, self.pieces)) < enough):
            self._read_chunk()

    def _read_chunk(self) -> None:
        # The CRLF behind a chunk is read with the next one: some servers send it only then, and clients may not wait.
        if self.pieces and self._line():
            raise ContractBroken("a chunk is not followed by CRLF")
        size = int(self._line().split(b";")[0], 16)
        if size:
            self.pieces.append(self._take(size))
        elif self._line():
            raise ContractBroken("the last chunk is not followed by CRLF")
        self.complete = size == 0


def request_bytes(scenario: Scenario, method: str = "", path: str = "", body: bytes | None = None) -> bytes:
    """The request of a scenario as its load tool sends it."""
    body = b"x" * scenario.body_bytes if body is None and scenario.method == "POST" else body or b""
    fields = [f"{method or scenario.method} {path or scenario.path} HTTP/1.1", "Host: 127.0.0.1"]
    fields += [f"{name}: {value}" for name, value in scenario.headers]
    if body:
        fields.append(f"Content-Length: {len(body)}")
    return "\r\n".join(fields).encode() + b"\r\n\r\n" + body


def difference(found: bytes, wanted: bytes) -> str:
    """Where two bodies part, in words."""
    at = next((i for i, (a, b) in enumerate(zip(found, wanted, strict=False)) if a != b), min(len(found), len(wanted)))
    sent, promised = found[at : at + 40], wanted[at : at + 40]
    return f"{len(found)} bytes instead of {len(wanted)}, from byte {at}: {sent!r} not {promised!r}"


def compare(response: Response, scenario: Scenario) -> None:
    """Raises ContractBroken unless the response is the promised one."""
    expected = scenario.expected
    if response.status != 200:
        raise ContractBroken(f"status {response.status}: {response.body[:200]!r}")
    content_type = response.headers.get("content-type", "")
    if content_type.partition(";")[0].strip() != expected.content_type:
        raise ContractBroken(f"content-type {content_type!r}")
    body = response.body[: len(expected.body)] if expected.endless else response.body
    if body != expected.body:
        raise ContractBroken(f"the body differs: {difference(body, expected.body)}")
    if expected.pieces is None:
        return
    pieces = tuple(response.pieces[: len(expected.pieces)])
    if pieces != expected.pieces or (not expected.endless and len(response.pieces) != len(expected.pieces)):
        raise ContractBroken(
            f"{len(expected.pieces)} chunks were promised, one for each write; {len(response.pieces)} came"
        )


def read_one(connection: socket.socket, scenario: Scenario, buffer: bytes = b"") -> Response:
    """Reads and checks one response."""
    response = Response(connection)
    response.buffer = buffer
    response.read_head()
    response.read_body(len(scenario.expected.body) if scenario.expected.endless else None)
    compare(response, scenario)
    return response


def connect(address: tuple[str, int], *, tls: bool = False) -> socket.socket:
    """A connection whose reads give up instead of hanging; with `tls`, of TLS, whoever certifies it."""
    connection = socket.create_connection(address, timeout=TIMEOUT_SECONDS)
    if not tls:
        return connection
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(connection)


def check_repeated(address: tuple[str, int], scenario: Scenario) -> None:
    """Asks several times on one connection, all at once when the scenario pipelines."""
    with connect(address, tls=scenario.tls) as connection:
        depth = scenario.pipeline
        buffer = b""
        for _ in range(2):
            connection.sendall(request_bytes(scenario) * depth)
            for _ in range(depth):
                buffer = read_one(connection, scenario, buffer).buffer
        if buffer:
            raise ContractBroken(f"{len(buffer)} bytes came that nobody asked for: {buffer[:80]!r}")


def check_endless(address: tuple[str, int], scenario: Scenario) -> None:
    """Opens one stream and reads its first events."""
    with connect(address) as connection:
        connection.sendall(request_bytes(scenario))
        read_one(connection, scenario)


def check_fanout(address: tuple[str, int], scenario: Scenario) -> None:
    """Subscribes, publishes from a second connection, and reads the event as one chunk."""
    text = b"y" * scenario.body_bytes
    with connect(address) as subscriber, connect(address) as publisher:
        subscriber.sendall(request_bytes(scenario, "GET", body=b""))
        stream = read_one(subscriber, scenario)
        publisher.sendall(request_bytes(scenario, "POST", "/publish", text))
        answer = Response(publisher)
        answer.read_head()
        answer.read_body()
        if answer.status != 200 or answer.body != b"1":
            raise ContractBroken(f"publishing answered {answer.status} {answer.body[:80]!r} instead of 200 b'1'")
        ready = scenarios.READY.body
        event = b"data: " + text + b"\n\n"
        stream.read_body(len(ready) + len(event))
        if stream.pieces[1:] != [event]:
            raise ContractBroken(f"the subscriber received {stream.pieces[1:]!r}")


def check(address: tuple[str, int], scenario: Scenario) -> None:
    """Raises ContractBroken unless the server at `address` keeps the scenario's contract."""
    try:
        if scenario.mode == "fanout":
            check_fanout(address, scenario)
        elif scenario.expected.endless:
            check_endless(address, scenario)
        else:
            check_repeated(address, scenario)
    except (OSError, ValueError) as error:
        raise ContractBroken(f"{type(error).__name__}: {error}") from error

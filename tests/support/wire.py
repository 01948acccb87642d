"""A client on a bare socket: what arrives, in which chunks, and how it ends."""

import array
import asyncio
import fcntl
import socket
import struct
import sys
import termios
from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeVar

SILENCE_S = 5.0  # seconds without a byte before a read fails
READ_BYTES = 65536
DATA_SEGMENTS_OFFSET = 152  # bytes; tcpi_data_segs_in in Linux' struct tcp_info
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 seconds

Address = tuple[str, int] | str
Outcome = TypeVar("Outcome")


class Truncated(Exception):
    """The connection ended inside of a message; `reset` tells a RST from a FIN."""

    def __init__(self, tail: bytes, *, reset: bool) -> None:
        super().__init__(f"{'RST' if reset else 'FIN'} behind ...{tail!r}")
        self.reset = reset


class Head(NamedTuple):
    """Status line and fields of a response, fields in the order received."""

    version: str
    status: int
    reason: str
    fields: tuple[tuple[str, str], ...]

    def all(self, name: str) -> list[str]:
        """Every value of a field."""
        return [value for field, value in self.fields if field == name]

    def get(self, name: str) -> str | None:
        """The value of a field that stands there at most once."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} is there {len(values)} times: {values}"
        return values[0] if values else None

    def undated(self) -> dict[str, str]:
        """Every field but the date, which has to be there once."""
        assert self.get("date"), self.fields
        fields = {name: value for name, value in self.fields if name != "date"}
        assert len(fields) == len(self.fields) - 1, self.fields
        return fields


class Answer(NamedTuple):
    """A whole response; `chunks` is None when it was not chunked."""

    head: Head
    body: bytes
    chunks: list[bytes] | None

    @property
    def status(self) -> int:
        return self.head.status


class Wire:
    """One connection. Nothing is read from the socket before it is asked for."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._loop = asyncio.get_running_loop()
        self._received = bytearray()
        self._ended = False
        self._reset = False

    @classmethod
    async def connect(cls, address: Address, *, receive_buffer: int | None = None) -> "Wire":
        """Connect; `receive_buffer` is SO_RCVBUF in bytes."""
        sock = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
        sock.setblocking(False)
        if receive_buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        wire = cls(sock)
        try:
            await soon(wire._loop.sock_connect(sock, address), f"no connection to {address}")
        except BaseException:
            sock.close()
            raise
        return wire

    # === out ===

    async def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        await soon(self._loop.sock_sendall(self.sock, data), "nobody reads what is sent")

    async def get(self, path: str, *fields: str, method: str = "GET", version: str = "1.1") -> None:
        """Send a request without a body."""
        await self.send(request(path, *fields, method=method, version=version))

    def finish(self) -> None:
        """Send FIN; answers can still arrive."""
        self.sock.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close both ways."""
        self.sock.close()

    def reset(self) -> None:
        """Close with a RST. On a Unix socket closing is all there is."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self.sock.close()

    # === in ===

    async def head(self) -> Head:
        """Read one response head; every rule of its form is checked."""
        status_line, *lines = (await self._through(b"\r\n\r\n"))[:-4].split(b"\r\n")
        version, status, reason = status_line.decode("ascii").split(" ", 2)
        fields = []
        for line in lines:
            name, separator, value = line.decode("latin-1").partition(": ")
            assert separator, line
            assert (name, value) == (name.lower(), value.strip()), line
            fields.append((name, value))
        return Head(version, int(status), reason, tuple(fields))

    async def chunk(self) -> bytes | None:
        """Read exactly one chunk; None for the one that ends the body."""
        line = (await self._through(b"\r\n"))[:-2]
        size = int(line, 16)
        assert line == b"%x" % size, f"a chunk size with something else in it: {line!r}"
        data = await self.exactly(size)
        assert await self.exactly(2) == b"\r\n", "a chunk does not end in CRLF"
        return data if size else None

    async def chunks(self) -> list[bytes]:
        """Read chunks to the end of the body."""
        chunks = []
        while (chunk := await self.chunk()) is not None:
            chunks.append(chunk)
        return chunks

    async def answer(self, *, head_only: bool = False) -> Answer:
        """Read one response as its head frames it (RFC 9112 section 6.3)."""
        head = await self.head()
        if head_only or head.status in (204, 304):
            return Answer(head, b"", None)
        if head.get("transfer-encoding") is not None:
            assert head.get("transfer-encoding") == "chunked"
            assert head.get("content-length") is None
            chunks = await self.chunks()
            return Answer(head, b"".join(chunks), chunks)
        length = head.get("content-length")
        return Answer(head, await self.rest() if length is None else await self.exactly(int(length)), None)

    async def exactly(self, size: int) -> bytes:
        """Read so many bytes."""
        while len(self._received) < size:
            await self._receive()
        return self._take(size)

    async def rest(self) -> bytes:
        """Read everything up to FIN; `Truncated` for a RST."""
        while not self._ended:
            try:
                await self._receive()
            except Truncated as end:
                if end.reset:
                    raise
        return self._take(len(self._received))

    async def ended(self) -> None:
        """Check that the server has closed and nothing else arrives."""
        assert await self.rest() == b""

    async def truncated(self) -> bool:
        """Read the rest of a body that must not come to its end; True when the end is a RST."""
        try:
            chunks = await self.chunks()
        except Truncated as end:
            return end.reset
        raise AssertionError(f"the body came to a clean end behind {chunks}")

    async def gone(self) -> None:
        """Wait for the end of the connection, whichever it is, and drop what arrives before it."""
        while not self._ended:
            try:
                await self._receive()
            except Truncated:
                break

    # === what the kernel has ===

    def arrived(self) -> int:
        """Bytes that the kernel has for this client and nobody has read."""
        size = array.array("i", [0])
        fcntl.ioctl(self.sock, termios.FIONREAD, size)
        return size[0]

    def segments(self) -> int:
        """TCP segments with data that have arrived: with TCP_NODELAY one for each system call that sent some."""
        assert sys.platform == "linux"
        info = self.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, DATA_SEGMENTS_OFFSET + 4)
        return int(struct.unpack_from("I", info, DATA_SEGMENTS_OFFSET)[0])

    async def _through(self, end: bytes) -> bytes:
        while (found := self._received.find(end)) < 0:
            await self._receive()
        return self._take(found + len(end))

    async def _receive(self) -> None:
        if self._ended:
            raise Truncated(self._tail(), reset=self._reset)
        try:
            data = await soon(self._loop.sock_recv(self.sock, READ_BYTES), f"silence behind {self._tail()!r}")
        except ConnectionResetError:
            self._ended = self._reset = True
            raise Truncated(self._tail(), reset=True) from None
        if not data:
            self._ended = True
            raise Truncated(self._tail(), reset=False)
        self._received += data

    def _tail(self) -> bytes:
        return bytes(self._received[-200:])

    def _take(self, size: int) -> bytes:
        taken = bytes(self._received[:size])
        del self._received[:size]
        return taken


def request(path: str, *fields: str, method: str = "GET", version: str = "1.1", body: bytes = b"") -> bytes:
    """The bytes of a request; a body is announced by its length."""
    lines = [f"{method} {path} HTTP/{version}", "host: kito.test", *fields]
    if body:
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


async def soon(work: Awaitable[Outcome], otherwise: str = "it has not happened") -> Outcome:
    """Await something that has to happen within `SILENCE_S`."""
    try:
        async with asyncio.timeout(SILENCE_S):
            return await work
    except TimeoutError:
        raise AssertionError(f"{otherwise} for {SILENCE_S:.0f} s") from None


async def until(condition: Callable[[], object]) -> None:
    """Wait for what nobody announces: a condition that is asked for every millisecond."""

    async def poll() -> None:
        while not condition():  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0.001)

    await soon(poll())

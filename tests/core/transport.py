"""A transport without a socket: it keeps what it was given, and reads as slowly as a test wants."""

import asyncio
import socket
from collections.abc import Iterable
from typing import Any


class FakeSocket:
    """Remembers the options that were set on it."""

    family = socket.AF_UNIX

    def __init__(self) -> None:
        self.options: list[tuple[Any, ...]] = []

    def fileno(self) -> int:
        """A number that the system gives nobody."""
        return 1 << 30

    def setsockopt(self, *option: Any) -> None:
        self.options.append(option)


class FakeTransport(asyncio.Transport):
    """What a connection has to do with: the asyncio transport's contract, and the client's side of it.

    `calls` holds what each `write` or `writelines` was given, by reference. While `stalled` the client takes
    nothing: output waits here, and the protocol is told at the water marks as asyncio tells it.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, protocol: Any) -> None:
        super().__init__()
        self._loop = loop
        self._protocol = protocol
        self._closing = self._lost = self._eof = False
        self._unsent = bytearray()
        self._unread: list[bytes] = []
        self._low = self.high = 64 * 1024  # bytes
        self.socket = FakeSocket()
        self.calls: list[list[bytes]] = []
        self.received = bytearray()
        self.reading = True
        self.stalled = False
        self.paused = False  # the protocol was told to pause writing
        self.end: str | None = None  # how the output ended for the client: "fin" or "rst"
        self.closed_by: str | None = None  # the method that ended the connection: "close" or "abort"
        self.dropped: list[bytes] = []  # written to a connection that was already ended
        self.fault: Exception | None = None  # what writing raises

    # === what the protocol calls ===

    def write(self, data: Any) -> None:
        self.calls.append([data])
        self._take([data])

    def writelines(self, list_of_data: Iterable[Any]) -> None:
        pieces = list(list_of_data)
        self.calls.append(pieces)
        self._take(pieces)

    def _take(self, pieces: list[Any]) -> None:
        if self.fault is not None:
            raise self.fault
        for piece in pieces:
            assert isinstance(piece, bytes | bytearray | memoryview), piece
        if self._eof:
            raise RuntimeError("Cannot call write() after write_eof()")
        if self._closing:
            self.dropped += pieces
            return
        (self._unsent if self.stalled else self.received).extend(b"".join(pieces))
        if len(self._unsent) > self.high and not self.paused:
            self.paused = True
            self._protocol.pause_writing()

    def get_write_buffer_size(self) -> int:
        return len(self._unsent)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self.high = 64 * 1024 if high is None else high
        self._low = self.high // 4 if low is None else low

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True
        self._loop.call_soon(self._deliver)

    def is_reading(self) -> bool:
        return self.reading

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self._eof = True
        self._settle_end()

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self.closed_by = "close"
            self._settle_end()

    def abort(self) -> None:
        self.closed_by = "abort"
        self._closing = True
        self._unsent.clear()
        if self.end is None:
            self.end = "rst" if self.socket.options else "fin"
        self._lose(None)

    def is_closing(self) -> bool:
        return self._closing

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        known = {"peername": ("192.0.2.1", 50000), "sockname": ("192.0.2.2", 80), "socket": self.socket}
        return known.get(name, default)

    # === what the client does ===

    def deliver(self, data: bytes) -> None:
        """Input from the client; it waits while the protocol does not read."""
        self._unread.append(data)
        self._deliver()

    def deliver_eof(self) -> None:
        """The client shuts its write side."""
        if not self._closing and not self._protocol.eof_received():
            self.close()

    def drop(self, error: Exception | None) -> None:
        """The connection breaks: nothing passes any more in either direction."""
        self._closing = True
        self._unsent.clear()
        self._lose(error)

    def read(self, size: int | None = None) -> None:
        """The stalled client takes `size` bytes, or everything that waits."""
        count = len(self._unsent) if size is None else size
        self.received += self._unsent[:count]
        del self._unsent[:count]
        if self.paused and len(self._unsent) <= self._low:
            self.paused = False
            self._protocol.resume_writing()
        self._settle_end()

    def _deliver(self) -> None:
        while self.reading and not self._closing and self._unread:
            self._protocol.data_received(self._unread.pop(0))

    def _settle_end(self) -> None:
        if not self._unsent and (self._eof or self._closing):
            self.end = "fin"
            if self._closing:
                self._lose(None)

    def _lose(self, error: Exception | None) -> None:
        if not self._lost:
            self._lost = True
            self._loop.call_soon(self._protocol.connection_lost, error)

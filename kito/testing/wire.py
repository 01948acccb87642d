"""Wire: one connection of a test client, read only when it is asked for, as slowly as it is told."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress
from typing import Final, Self

__all__ = ("Wire",)

READ_BYTES: Final = 65536
STEP_S: Final = 0.05  # how much of a second a slow reader takes at once
RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 seconds


class Wire:
    """A TCP connection. `read_rate` is in bytes a second, None for as fast as it comes."""

    def __init__(self, sock: socket.socket, read_rate: float | None = None) -> None:
        self._sock = sock
        self._loop = asyncio.get_running_loop()
        self._receiving: asyncio.Future[bytes] | None = None
        self._next_read = 0.0  # time of the loop
        self.read_rate = read_rate
        self.closed = False

    @classmethod
    async def connect(
        cls, address: tuple[str, int], *, receive_buffer: int | None = None, read_rate: float | None = None
    ) -> Self:
        """Connect; `receive_buffer` is SO_RCVBUF in bytes: what the kernel takes ahead of the reader."""
        sock = socket.socket()
        sock.setblocking(False)
        try:
            if receive_buffer is not None:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await asyncio.get_running_loop().sock_connect(sock, address)
        except BaseException:
            sock.close()
            raise
        return cls(sock, read_rate)

    async def send(self, data: bytes) -> None:
        """Send all of `data`; raises `OSError` when the server has reset the connection."""
        await self._loop.sock_sendall(self._sock, data)

    async def receive(self) -> bytes:
        """Return what has arrived, b"" for FIN; raises `ConnectionResetError` for a RST."""
        if self.closed:
            raise ConnectionAbortedError("the test has closed this connection")
        size = READ_BYTES
        if self.read_rate is not None:
            size = min(max(int(self.read_rate * STEP_S), 1), READ_BYTES)
            await asyncio.sleep(max(self._next_read - self._loop.time(), 0))
        self._receiving = asyncio.ensure_future(self._loop.sock_recv(self._sock, size))
        try:
            data = await self._receiving
        except asyncio.CancelledError:
            if self.closed:
                raise ConnectionAbortedError("the test has closed this connection") from None
            raise
        finally:
            self._receiving = None
        if self.read_rate is not None:
            self._next_read = max(self._next_read, self._loop.time()) + len(data) / self.read_rate
        return data

    def half_close(self) -> None:
        """Send FIN and go on reading; on a connection that is gone there is nothing to do."""
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_WR)

    async def cut(self) -> None:
        """End the connection with a RST."""
        if not self.closed:
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            await self.close()

    async def close(self) -> None:
        """Close both ways; a read that waits ends first, because the number of the descriptor is free afterwards."""
        if self.closed:
            return
        self.closed = True
        try:
            if self._receiving is not None:
                self._receiving.cancel()
                await asyncio.wait([self._receiving])
        finally:  # also when the test is cancelled meanwhile
            self._sock.close()

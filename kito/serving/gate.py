"""Gate: what stands before connections that begin with a PROXY header, until they have said whom they speak for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sized
from typing import TYPE_CHECKING, Any, Final

from .proxy_protocol import Header, ProxyHeaderError, missing_bytes, read_header

if TYPE_CHECKING:
    import ssl

    from ..proxies import Proxies

__all__ = ("Gate",)

_log: Final = logging.getLogger("kito")

READ_BYTES: Final = 1024  # that are read at once; without TLS some of them may be HTTP already


class Gate:
    """Makes the protocols of new connections, and lets each pass to one of `factory()` once its header is read.

    `seconds` is the time for header and TLS handshake together. `limit` bounds the connections that wait
    here and those in `passed`. With `proxies` only theirs are let in. With `tls` (its context, and how long
    a closing may take) the handshake comes behind the header.
    """

    def __init__(
        self,
        factory: Callable[[], Any],
        *,
        seconds: float,
        limit: int,
        passed: Sized,
        proxies: Proxies | None,
        tls: tuple[ssl.SSLContext, float] | None,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.factory = factory
        self.seconds = seconds
        self.tls = tls
        self._limit = limit
        self._passed = passed
        self._proxies = proxies
        self._waiting: dict[_Visitor, float] = {}  # the oldest first, with the time when it is dropped
        self._timer: asyncio.TimerHandle | None = None

    def __call__(self) -> _Visitor:
        """Make the protocol of a new connection."""
        return _Visitor(self)

    def close(self) -> None:
        """Drop whoever waits."""
        for visitor in list(self._waiting):
            visitor.drop("the server stops")

    def admit(self, visitor: _Visitor, peer: str | None) -> None:
        """Let a connection from `peer` wait, or drop it."""
        if self._proxies is not None and not self._proxies.trust(peer):
            visitor.drop("the peer is not in trust_proxy")
        elif len(self._waiting) + len(self._passed) >= self._limit:
            visitor.drop("there are too many connections")
        else:
            self._waiting[visitor] = self.loop.time() + self.seconds
            if self._timer is None:
                self._timer = self.loop.call_later(self.seconds, self._sweep)

    def leave(self, visitor: _Visitor) -> None:
        """Forget a connection that has passed, or is gone."""
        self._waiting.pop(visitor, None)
        if not self._waiting and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _sweep(self) -> None:
        """Drop whoever has waited too long; one timer serves all, because all have the same time."""
        self._timer = None
        now = self.loop.time()
        late = [visitor for visitor, deadline in self._waiting.items() if deadline <= now]
        for visitor in late:
            visitor.drop("the PROXY header or the TLS handshake took too long")
        if self._waiting and self._timer is None:
            self._timer = self.loop.call_at(next(iter(self._waiting.values())), self._sweep)


class _Visitor(asyncio.BufferedProtocol):
    """One connection that has not passed yet."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._received = b""
        self._buffer = bytearray()
        self._task: asyncio.Task[None] | None = None

    def drop(self, why: str) -> None:
        """Refuse the connection."""
        _log.debug("%s: %s", self._transport.get_extra_info("peername"), why)
        self._gate.leave(self)
        if self._task is not None:
            self._task.cancel(why)
        self._transport.abort()

    # === asyncio.BufferedProtocol ===

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # a stream's
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self._gate.admit(self, peer[0] if isinstance(peer, tuple) else None)

    def get_buffer(self, _sizehint: int) -> bytearray:
        """Give room for no more than the header where TLS follows: its bytes have to stay in the socket."""
        self._buffer = bytearray(READ_BYTES if self._gate.tls is None else missing_bytes(self._received))
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        self._received += self._buffer[:nbytes]
        try:
            header = read_header(self._received)
        except ProxyHeaderError as error:
            self.drop(str(error))
            return
        if header is not None:
            self._transport.pause_reading()  # until the next protocol is there
            if self._gate.tls is None:
                self._gate.leave(self)
                self._pass_on(self._transport, header, self._received[header.size :])
            else:
                self._task = self._gate.loop.create_task(self._secure(header, *self._gate.tls))

    def connection_lost(self, _error: Exception | None) -> None:
        self._gate.leave(self)

    # === what comes behind the header ===

    async def _secure(self, header: Header, context: ssl.SSLContext, closing_s: float) -> None:
        """Shake hands, in what is left of the time."""
        early = _Early()
        try:
            transport = await self._gate.loop.start_tls(
                self._transport,
                early,
                context,
                server_side=True,
                ssl_handshake_timeout=self._gate.seconds,
                ssl_shutdown_timeout=closing_s,
            )
        except OSError as error:
            self._task = None
            self.drop(f"no TLS handshake: {error}")
        else:
            assert transport is not None  # a connection that is lost meanwhile raises
            self._pass_on(transport, header, early.received)
        finally:
            self._gate.leave(self)

    def _pass_on(self, transport: asyncio.Transport, header: Header, received: bytes) -> None:
        """Put the connection's own protocol into this one's place."""
        protocol = self._gate.factory()
        transport.set_protocol(protocol)
        transport.resume_reading()
        protocol.connection_made(_Represented(transport, header) if header.source is not None else transport)
        if received:
            protocol.data_received(received)


class _Early(asyncio.Protocol):
    """Keeps what a client sends right behind its handshake, before the connection's own protocol is there."""

    def __init__(self) -> None:
        self.received = b""

    def data_received(self, data: bytes) -> None:
        self.received += data


class _Represented:
    """A transport whose peer is the one that the proxy speaks for; in everything else the transport itself."""

    def __init__(self, transport: asyncio.Transport, header: Header) -> None:
        self._transport = transport
        self._names = {"peername": header.source, "sockname": header.destination}
        self.write = transport.write  # called most

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._names[name] if name in self._names else self._transport.get_extra_info(name, default)

    def writelines(self, pieces: list[bytes]) -> None:
        self.write(b"".join(pieces))  # some of asyncio's own forget flow control in writelines

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

"""Listeners: what one server accepts on, from the first connection to the last."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Sized
from typing import TYPE_CHECKING, Any, Final

from ..proxies import Proxies
from .gate import Gate
from .inherited import adopt, take_systemd_descriptors
from .sockets import Address, bind_tcp, describe, watch_peers
from .tls import CLOSE_S, ServerTLS
from .unix_sockets import UnixListener

if TYPE_CHECKING:
    from ..config import ServerOptions

__all__ = ("Address", "Listeners", "address_of")

_log: Final = logging.getLogger("kito")

# asyncio's own loop takes `backlog` for the number of connections to accept at once, too, and where it has no
# descriptor for one it tries, and logs, that many times: thousands of tracebacks a second. The kernel's is set again.
ACCEPTED_AT_ONCE: Final = 1


class Listeners:
    """The listening sockets of one server, wherever they come from, and the TLS before its connections.

    Sockets that systemd hands over come first, then the option `sockets`, `unix_socket`, and `host` with `port`.
    """

    def __init__(self, options: ServerOptions) -> None:
        """Read the certificate; raises `ConfigError` when it cannot be used."""
        self._options = options
        self._tls = None if options.tls is None else ServerTLS(options.tls)
        self._servers: list[asyncio.Server] = []
        self._unix: UnixListener | None = None
        self._gate: Gate | None = None
        self.addresses: tuple[Address, ...] = ()

    @property
    def scheme(self) -> str:
        """The scheme of URLs that lead here."""
        return "http" if self._tls is None else "https"

    @property
    def can_reload(self) -> bool:
        """True when there are certificate files to be read again."""
        return self._tls is not None and self._tls.files is not None

    def reload(self) -> None:
        """Read the certificate files again, for new handshakes; connections stay as they are."""
        if self._tls is not None:
            self._tls.reload()

    async def open(self, factory: Callable[[], object], connections: Sized) -> Address:
        """Start to accept, with a protocol from `factory()` for each connection; return the first address.

        `connections` are those that are open. Raises `OSError` that names the address when it cannot be had,
        and then holds none.
        """
        loop = asyncio.get_running_loop()
        sockets = await self._sockets()
        if self._options.proxy_protocol:
            factory = self._gate = self._make_gate(factory, connections)
        try:
            self.addresses = tuple(address_of(sock) for sock in sockets)
            for sock in sockets:
                watch_peers(sock, self._options.timeouts.peer)
            for sock in sockets:
                self._servers.append(await self._accept(loop, factory, sock))
        except BaseException:
            self.close()
            for sock in sockets:
                sock.close()
            raise
        return self.addresses[0]

    def close(self) -> None:
        """Accept nothing more; a Unix socket's file goes first, while its inode cannot be another's."""
        if self._unix is not None:
            self._unix.remove_file()
        for server in self._servers:
            server.close()
        if self._gate is not None:
            self._gate.close()

    def _make_gate(self, factory: Callable[[], object], connections: Sized) -> Gate:
        options = self._options
        return Gate(
            factory,
            seconds=options.timeouts.head,
            limit=options.limits.connection_limit(),
            passed=connections,
            proxies=Proxies(options.trust_proxy) if options.trust_proxy else None,
            tls=None if self._tls is None else (self._tls.context, CLOSE_S),
        )

    async def _sockets(self) -> list[socket.socket]:
        options = self._options
        backlog = options.limits.backlog
        inherited = take_systemd_descriptors(os.environ)
        if inherited:
            _log.info("listening on %d sockets of systemd, in place of what the options say", len(inherited))
        if inherited or options.sockets:
            return adopt(inherited or options.sockets, backlog)
        if options.unix_socket is not None:
            owner, mode = options.unix_owner, options.unix_mode
            self._unix = UnixListener(options.unix_socket, mode=mode, owner=owner, backlog=backlog)
            return [self._unix.socket]
        return await bind_tcp(options.host, options.port, reuse_port=options.reuse_port, backlog=backlog)

    async def _accept(
        self, loop: asyncio.AbstractEventLoop, factory: Callable[[], object], sock: socket.socket
    ) -> asyncio.Server:
        tls: dict[str, Any] = {}
        if self._tls is not None and self._gate is None:
            tls["ssl"] = self._tls.context
            tls["ssl_handshake_timeout"] = self._options.timeouts.head  # it is the first part of every head
            tls["ssl_shutdown_timeout"] = CLOSE_S
        backlog = self._options.limits.backlog
        server = await loop.create_server(
            factory,  # type: ignore[arg-type]  # a protocol by its methods, as the loop needs it
            sock=sock,
            backlog=ACCEPTED_AT_ONCE if isinstance(loop, asyncio.SelectorEventLoop) else backlog,
            **tls,
        )
        if isinstance(loop, asyncio.SelectorEventLoop):
            sock.listen(backlog)
        return server


def address_of(sock: socket.socket) -> Address:
    """Return where a socket listens."""
    name = sock.getsockname()
    return (name[0], name[1]) if isinstance(name, tuple) else describe(name)

"""Listening TCP sockets: every address of a host, all on one port, with errors that name the address."""

from __future__ import annotations

import asyncio
import errno
import logging
import math
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

__all__ = ("Address", "bind_tcp", "bind_tcp_without_loop", "describe", "explained", "watch_peers")

_log: Final = logging.getLogger("kito")

MAX_ADDRESSES: Final = 64  # that one host name may have
PORT_TRIES: Final = 16  # when the system picks a port of one address that another one has in use

MAX_USER_TIMEOUT_MS: Final = 2**31 - 1  # a C int
MAX_KEEPALIVE_S: Final = 32767  # tcp(7)

EVERY: Final = ("", "::")  # hosts that stand for every address of the machine, IPv4 and IPv6
_STREAM: Final = socket.SOCK_STREAM
_NO_FAMILY: Final = (errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT)

# (host, port) of a TCP listener; the path of a Unix one, "@name" for an abstract name
Address = tuple[str, int] | str

_Found = tuple[socket.AddressFamily, tuple[Any, ...]]  # where to bind


async def bind_tcp(host: str, port: int, *, reuse_port: bool, backlog: int) -> list[socket.socket]:
    """Return listening sockets on every address of `host`; port 0 is one that all of them have free.

    An address of a family that the machine does not have is left out when another one is there. Raises
    `OSError` that names the address which cannot be had.
    """
    infos = []
    if host not in EVERY:
        with _naming(host, port):
            infos = await asyncio.get_running_loop().getaddrinfo(host, port, type=_STREAM, flags=socket.AI_PASSIVE)
    return _bind_free(_places(host, port, infos), reuse_port=reuse_port, backlog=backlog)


def bind_tcp_without_loop(host: str, port: int, *, reuse_port: bool, backlog: int | None) -> list[socket.socket]:
    """Do what `bind_tcp` does where no loop runs; with None as `backlog` the sockets are bound and do not listen."""
    infos = []
    if host not in EVERY:
        with _naming(host, port):
            infos = socket.getaddrinfo(host, port, type=_STREAM, flags=socket.AI_PASSIVE)
    return _bind_free(_places(host, port, infos), reuse_port=reuse_port, backlog=backlog)


@contextmanager
def _naming(host: str, port: int) -> Iterator[None]:
    """Say in the error of a look-up which address was looked up."""
    try:
        yield
    except OSError as error:
        raise explained(error, f"{host}:{port}") from None


def _places(host: str, port: int, infos: list[Any]) -> list[_Found]:
    """Return where to bind: every address of the machine, or those that a look-up has found."""
    if host in EVERY:
        every: list[_Found] = [(socket.AF_INET, ("0.0.0.0", port)), (socket.AF_INET6, ("::", port, 0, 0))]  # noqa: S104
        return every if host == "" else every[::-1]
    found: list[_Found] = list(dict.fromkeys((info[0], info[4]) for info in infos))
    if len(found) > MAX_ADDRESSES:
        raise OSError(errno.E2BIG, f"cannot listen on {host}: it has {len(found)} addresses, over {MAX_ADDRESSES}")
    return found


def _bind_free(found: list[_Found], *, reuse_port: bool, backlog: int | None) -> list[socket.socket]:
    """Bind all addresses; where the system picks the port, try again when one of them does not have it free."""
    for _ in range(0 if found[0][1][1] else PORT_TRIES - 1):
        try:
            return _bind_all(found, reuse_port=reuse_port, backlog=backlog)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    return _bind_all(found, reuse_port=reuse_port, backlog=backlog)


def _bind_all(found: list[_Found], *, reuse_port: bool, backlog: int | None) -> list[socket.socket]:
    """Bind all addresses or none; the port of the first one is that of the others."""
    bound: list[socket.socket] = []
    missing: OSError | None = None
    try:
        for family, address in found:
            if bound and not address[1]:
                address = (address[0], bound[0].getsockname()[1], *address[2:])  # noqa: PLW2901
            try:
                bound.append(_bind(family, address, reuse_port=reuse_port))
            except OSError as error:
                if not _is_without(family, error):
                    raise
                missing = error
                _log.debug("%s", error)
        if missing is not None and not bound:
            raise missing
        if backlog is not None:
            for sock in bound:
                _listen(sock, backlog)
    except BaseException:
        for sock in bound:
            sock.close()
        raise
    return bound


def _bind(family: socket.AddressFamily, address: tuple[Any, ...], *, reuse_port: bool) -> socket.socket:
    where = describe(address)
    try:
        sock = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise explained(error, where) from None
    try:
        if os.name == "posix":  # elsewhere it lets two servers have one port
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            _set_reuse_port(sock)
        if family == socket.AF_INET6:  # IPv4 has a socket of its own: peers keep their plain addresses
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(address)
    except OSError as error:
        sock.close()
        raise explained(error, where) from None
    return sock


def _listen(sock: socket.socket, backlog: int) -> None:
    try:
        sock.listen(backlog)
    except OSError as error:  # somebody else's socket of the same address was the first to listen
        raise explained(error, describe(sock.getsockname())) from None


def _is_without(family: socket.AddressFamily, error: OSError) -> bool:
    """Return whether an address cannot be had because the machine speaks no IPv6, or no such family at all."""
    return error.errno in _NO_FAMILY or (family == socket.AF_INET6 and error.errno == errno.EADDRNOTAVAIL)


def _set_reuse_port(sock: socket.socket) -> None:
    if not hasattr(socket, "SO_REUSEPORT"):
        raise OSError(errno.ENOPROTOOPT, "this system has no SO_REUSEPORT")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)


def watch_peers(sock: socket.socket, seconds: float) -> None:
    """Let the kernel drop connections of a TCP listener whose peer acknowledges nothing for `seconds` (Linux).

    They inherit it from the listener. What is sent and not acknowledged has so long (TCP_USER_TIMEOUT); a
    connection on which nothing is sent is probed, and has as long again.
    """
    if not seconds or sock.family not in (socket.AF_INET, socket.AF_INET6) or not hasattr(socket, "TCP_USER_TIMEOUT"):
        return
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, min(math.ceil(seconds * 1000), MAX_USER_TIMEOUT_MS))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, min(math.ceil(seconds), MAX_KEEPALIVE_S))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, min(math.ceil(seconds / 3), MAX_KEEPALIVE_S))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)


def describe(name: object) -> str:
    """Return a socket's name as people write it: "host:port", "[host]:port", a path, or "@name"."""
    if isinstance(name, tuple):
        return f"[{name[0]}]:{name[1]}" if ":" in name[0] else f"{name[0]}:{name[1]}"
    text = os.fsdecode(name) if isinstance(name, str | bytes) else str(name)
    return "@" + text[1:] if text.startswith("\0") else text


def explained(error: OSError, address: str) -> OSError:
    """Return an error of the same kind that says which address cannot be had, and why."""
    return type(error)(error.errno, f"cannot listen on {address}: {error.strerror or error}")

"""Listening sockets: TCP and Unix, made so that errors name the address."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..config import ServerOptions

__all__ = ("Address", "listen")

# (host, port) of a TCP listener, the path of a Unix one
Address = tuple[str, int] | str


async def listen(
    loop: asyncio.AbstractEventLoop, factory: Callable[[], object], options: ServerOptions
) -> tuple[asyncio.Server, Address]:
    """Start to accept and return the server with the address it has.

    Raises `OSError` that names the address when it cannot be had.
    """
    if options.unix_socket is not None:
        return await _listen_unix(loop, factory, options, options.unix_socket)
    try:
        server = await loop.create_server(
            factory,  # type: ignore[arg-type]  # a protocol by its methods, as the loop needs it
            options.host,
            options.port,
            backlog=options.limits.backlog,
            reuse_port=options.reuse_port or None,
            ssl=options.tls,
        )
    except OSError as error:
        raise _explained(error, f"{options.host}:{options.port}") from None
    host, port = server.sockets[0].getsockname()[:2]
    return server, (host, port)


async def _listen_unix(
    loop: asyncio.AbstractEventLoop, factory: Callable[[], object], options: ServerOptions, path: str
) -> tuple[asyncio.Server, Address]:
    _clear_stale(path)
    try:
        server = await loop.create_unix_server(
            factory,  # type: ignore[arg-type]  # a protocol by its methods, as the loop needs it
            path,
            backlog=options.limits.backlog,
            ssl=options.tls,
        )
    except OSError as error:
        raise _explained(error, path) from None
    return server, path


def _clear_stale(path: str) -> None:
    """Remove a socket file that nobody listens on; one of a live server is left, and its address is in use."""
    try:
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            raise FileExistsError(errno.EEXIST, f"cannot listen on {path}: it is a file, not a socket")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
        else:
            raise OSError(errno.EADDRINUSE, f"cannot listen on {path}: another server does")


def _explained(error: OSError, address: str) -> OSError:
    reason = os.strerror(error.errno) if error.errno else str(error)
    return type(error)(error.errno, f"cannot listen on {address}: {reason}")

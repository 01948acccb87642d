"""Sockets that somebody else made: handed over in code, by number, or by systemd (LISTEN_FDS)."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterable, MutableMapping
from contextlib import suppress
from typing import Final

from ..errors import ConfigError

__all__ = ("adopt", "take_systemd_descriptors")

FIRST_DESCRIPTOR: Final = 3  # SD_LISTEN_FDS_START of sd_listen_fds(3)
MAX_DESCRIPTORS: Final = 1024  # that LISTEN_FDS may announce
_VARIABLES: Final = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID")
_NUMBER: Final = re.compile(r"[0-9]{1,10}")

_FAMILIES: Final = {socket.AF_INET, socket.AF_INET6, getattr(socket, "AF_UNIX", None)}


def take_systemd_descriptors(environ: MutableMapping[str, str]) -> tuple[int, ...]:
    """Return the descriptors that systemd handed to this process, and forget them: children must not take them.

    Reads LISTEN_PID and LISTEN_FDS as sd_listen_fds(3) does; none when they are another process's.
    Raises `ConfigError` for variables that are no numbers.
    """
    if "LISTEN_PID" not in environ or "LISTEN_FDS" not in environ:
        return ()
    process, count = (_number(environ, name) for name in ("LISTEN_PID", "LISTEN_FDS"))
    if process != os.getpid():
        return ()
    if count > MAX_DESCRIPTORS:
        raise ConfigError(f"LISTEN_FDS is {count}: more than {MAX_DESCRIPTORS} sockets are not taken")
    for name in _VARIABLES:
        environ.pop(name, None)
    return tuple(range(FIRST_DESCRIPTOR, FIRST_DESCRIPTOR + count))


def _number(environ: MutableMapping[str, str], name: str) -> int:
    value = environ[name]
    if not _NUMBER.fullmatch(value):
        raise ConfigError(f"{name} is {value!r}: it has to be a number")
    return int(value)


def adopt(given: Iterable[socket.socket | int], backlog: int) -> list[socket.socket]:
    """Return sockets that listen, and that child processes do not inherit; they are the server's from now on.

    Raises `ConfigError` for what is no socket, has no address, or is a connection; nothing is closed then.
    """
    adopted: list[tuple[socket.socket, bool]] = []
    try:
        for item in given:
            adopted.append((_opened(item), isinstance(item, int)))
            _check(*adopted[-1])
        for sock, _ in adopted:
            sock.set_inheritable(False)
            sock.listen(backlog)
    except BaseException:
        for sock, ours in adopted:
            if ours:
                sock.detach()
        raise
    return [sock for sock, _ in adopted]


def _opened(item: socket.socket | int) -> socket.socket:
    if isinstance(item, socket.socket):
        return item
    try:
        return socket.socket(fileno=item)
    except OSError as error:
        raise ConfigError(f"descriptor {item} is no socket: {error.strerror}") from None


def _check(sock: socket.socket, numbered: bool) -> None:
    what = f"descriptor {sock.fileno()}" if numbered else "a socket in sockets"
    try:
        name = sock.getsockname()
    except OSError as error:
        raise ConfigError(f"{what} cannot be used: {error.strerror}") from None
    if sock.family not in _FAMILIES or sock.type != socket.SOCK_STREAM:
        raise ConfigError(f"{what} is no stream socket of TCP or Unix")
    with suppress(OSError):
        sock.getpeername()
        raise ConfigError(f"{what} is a connection, not a listening socket (systemd: Accept=no)")
    if not name or (isinstance(name, tuple) and not name[1]):
        raise ConfigError(f"{what} has no address: bind it first")

"""Where a server may be told to listen, and with which certificate: the values of those options, checked."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from .errors import ConfigError

if TYPE_CHECKING:
    import ssl

__all__ = ("certificate", "check_access", "listening_sockets", "unix_path")


def unix_path(value: object) -> str:
    """Return the path of a Unix socket as str; an abstract name begins with "@"."""
    if not hasattr(socket, "AF_UNIX"):
        raise ConfigError("unix_socket is given, and this system has no Unix sockets: write host and port")
    if not isinstance(value, str | os.PathLike) or not os.fspath(value):
        raise ConfigError(f"unix_socket is {value!r}: write a path such as './kito.sock'")
    path = os.fsdecode(value)
    if path[0] == "\0":
        path = "@" + path[1:]
    if "\0" in path or path == "@":
        raise ConfigError(f"unix_socket is {value!r}: write a path such as './kito.sock'")
    if path[0] == "@" and sys.platform != "linux":
        raise ConfigError(f"unix_socket is {path!r}: abstract sockets are Linux', write './{path}' for a file")
    return path


def check_access(path: str | None, mode: object, owner: object) -> None:
    """Raise `ConfigError` unless `unix_mode` and `unix_owner` mean something for the socket at `path`."""
    if (mode is not None or owner is not None) and (path is None or path[0] == "@"):
        raise ConfigError("unix_mode and unix_owner are for a file: leave them out without a path in unix_socket")
    if mode is not None and (type(mode) is not int or not 0 <= mode <= 0o777):
        raise ConfigError(f"unix_mode is {mode!r}: write permissions such as 0o660")
    if owner is None:
        return
    if not isinstance(owner, tuple) or len(owner) != 2 or not all(map(_is_account, owner)):
        raise ConfigError(f"unix_owner is {owner!r}: write (user, group), each a name, a number or None")


def _is_account(value: object) -> bool:
    return value is None or (isinstance(value, str) and value != "") or (type(value) is int and value >= 0)


def listening_sockets(value: object) -> tuple[socket.socket | int, ...]:
    """Return the sockets and descriptors of `sockets`, a single one too."""
    found: tuple[object, ...]
    if isinstance(value, socket.socket | int):
        found = (value,)
    else:
        found = tuple(value) if isinstance(value, Iterable) else (value,)
    for item in found:
        if not isinstance(item, socket.socket) and (type(item) is not int or item < 0):
            raise ConfigError(f"sockets has {item!r}: write listening sockets, or descriptors of some")
    if len(set(found)) < len(found):
        raise ConfigError("sockets has the same one twice: leave one out")
    return found  # type: ignore[return-value] # checked above


def certificate(value: object) -> ssl.SSLContext | tuple[str, str]:
    """Return a context as it is, the files of certificate and key as a pair of str."""
    import ssl  # noqa: PLC0415 - only a server that speaks TLS pays for loading OpenSSL

    instead = "write ('cert.pem', 'key.pem'), or an ssl.SSLContext with its certificate loaded"
    if isinstance(value, ssl.SSLContext):
        if value.protocol == ssl.PROTOCOL_TLS_CLIENT:
            raise ConfigError(f"tls is a context for clients: {instead}")
        return value
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise ConfigError(f"tls is {value!r}: {instead}")
    for item in value:
        if not isinstance(item, str | os.PathLike) or not os.fspath(item):
            raise ConfigError(f"tls has {item!r}: {instead}")
    return os.fsdecode(value[0]), os.fsdecode(value[1])

"""The PROXY protocol, versions 1 and 2: the header in which a proxy says whom it speaks for, ahead of TLS and HTTP."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address
from typing import Final, NamedTuple

__all__ = ("Header", "ProxyHeaderError", "missing_bytes", "read_header")

MAX_LINE: Final = 107  # bytes of a version 1 header, line end included (section 2.1)
MAX_PAYLOAD: Final = 4096  # bytes behind the fixed part of version 2: addresses, and TLVs that are skipped

SIGNATURE: Final = b"\r\n\r\n\0\r\nQUIT\n"  # version 2 begins so (section 2.2)
FIXED: Final = 16  # bytes of version 2 with its signature, before the addresses
SHORTEST: Final = len(b"PROXY UNKNOWN\r\n")

_PORT: Final = rb"(0|[1-9][0-9]{0,4})"
_HOST: Final = rb"([0-9A-Fa-f.:]{2,39})"
_TCP_LINE: Final = re.compile(rb"PROXY TCP([46]) " + b" ".join((_HOST, _HOST, _PORT, _PORT)) + rb"\r\n")
_UNKNOWN_LINE: Final = re.compile(rb"PROXY UNKNOWN(?: [^\r\n]*)?\r\n")

# family and transport -> bytes of one address; the ports of TCP follow both addresses (section 2.2)
_TCP4: Final = 0x11
_TCP6: Final = 0x21
_UNIX: Final = 0x31
_UNSPEC: Final = 0x00
_ADDRESS_SIZE: Final = {_TCP4: 4, _TCP6: 16, _UNIX: 108}
_PORTS_SIZE: Final = 4

Endpoint = tuple[str, int] | str


class ProxyHeaderError(ValueError):
    """Raised when a connection does not begin with a PROXY header, or with one that breaks the rules."""


class Header(NamedTuple):
    """A whole header. Without `source` and `destination` those of the connection itself count."""

    size: int  # bytes
    source: Endpoint | None = None
    destination: Endpoint | None = None


def read_header(data: bytes) -> Header | None:
    """Return the header that `data` begins with, None while it is not whole; `ProxyHeaderError` if it is none."""
    if data.startswith(SIGNATURE[: len(data)]):
        return _read_binary(data) if len(data) >= FIXED else None
    end = data.find(b"\n", 0, MAX_LINE) + 1
    if end:
        return _read_line(data[:end])
    if len(data) >= MAX_LINE or not data.startswith(b"PROXY "[: len(data)]):
        raise ProxyHeaderError("the connection does not begin with a PROXY header")
    return None


def missing_bytes(data: bytes) -> int:
    """Return how many bytes still belong to the header that `data` is a beginning of, for sure; at least 1."""
    if len(data) < SHORTEST:
        return SHORTEST - len(data)
    if not data.startswith(SIGNATURE):
        return 1 if data.endswith(b"\r") else 2
    if len(data) < FIXED:
        return FIXED - len(data)
    return FIXED + int.from_bytes(data[14:16], "big") - len(data)


def _read_line(line: bytes) -> Header:
    """Version 1 (section 2.1): one line of text."""
    if _UNKNOWN_LINE.fullmatch(line):
        return Header(len(line))
    found = _TCP_LINE.fullmatch(line)
    if found is None:
        raise ProxyHeaderError("the line of the PROXY header is malformed")
    kind = IPv4Address if found[1] == b"4" else IPv6Address
    ports = int(found[4]), int(found[5])
    try:
        hosts = [str(kind(found[number].decode("ascii"))) for number in (2, 3)]
    except ValueError:
        raise ProxyHeaderError("the PROXY header has an address that is none") from None
    if max(ports) > 65535:
        raise ProxyHeaderError("the PROXY header has a port that is none")
    return Header(len(line), (hosts[0], ports[0]), (hosts[1], ports[1]))


def _read_binary(data: bytes) -> Header | None:
    """Version 2 (section 2.2): signature, version and command, family and transport, length, addresses, TLVs."""
    version, command = data[12] >> 4, data[12] & 15
    family, length = data[13], int.from_bytes(data[14:FIXED], "big")
    if version != 2 or command > 1:
        raise ProxyHeaderError("the PROXY header has a version or command that is not known")
    if length > MAX_PAYLOAD:
        raise ProxyHeaderError(f"the PROXY header has {length} bytes, over {MAX_PAYLOAD}")
    size = FIXED + length
    if len(data) < size:
        return None
    if command == 0 or family == _UNSPEC:  # the proxy speaks for itself, or does not say
        return Header(size)
    if family not in _ADDRESS_SIZE:
        raise ProxyHeaderError("the PROXY header has a family or transport that is not served here")
    return _read_addresses(data[FIXED:size], family, size)


def _read_addresses(payload: bytes, family: int, size: int) -> Header:
    width = _ADDRESS_SIZE[family]
    if len(payload) < 2 * width + (0 if family == _UNIX else _PORTS_SIZE):
        raise ProxyHeaderError("the PROXY header is too short for its addresses")
    first, second = payload[:width], payload[width : 2 * width]
    if family == _UNIX:
        return Header(size, _path(first), _path(second))
    kind = IPv4Address if family == _TCP4 else IPv6Address
    ports = payload[2 * width :]
    source = str(kind(first)), int.from_bytes(ports[:2], "big")
    return Header(size, source, (str(kind(second)), int.from_bytes(ports[2:4], "big")))


def _path(padded: bytes) -> str:
    """Return a path that NULs fill up; an abstract name begins with one."""
    if padded[:1] == b"\0":
        return "@" + padded[1:].rstrip(b"\0").decode("utf-8", "replace") if padded.strip(b"\0") else ""
    return padded.partition(b"\0")[0].decode("utf-8", "replace")

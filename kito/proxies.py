"""Proxies: whose forwarding headers are believed, and what they say about a client (RFC 7239)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from itertools import chain, islice
from typing import TYPE_CHECKING, Final, NamedTuple

from .errors import ConfigError

if TYPE_CHECKING:
    from .headers import Headers

__all__ = ("Origin", "Proxies", "host_of", "parse_networks", "plain_address", "without_port")

MAX_HOPS: Final = 32  # entries of a forwarding header that are looked at, counted from the right
MAX_ENTRY: Final = 512  # characters of one entry; a longer one is no entry
MAX_HOST: Final = 255  # characters of a host name
MAX_NODE: Final = 128  # characters of an address with its port
KEPT_NODES: Final = 1024  # nodes whose address is remembered

UNIX: Final = "unix"  # in the place of a network: every peer on a Unix socket

# Which headers are read: those that are there, X-Forwarded-* first, or one kind only.
HEADER_KINDS: Final = ("auto", "x-forwarded", "forwarded")

_X_FOR: Final = "x-forwarded-for"
_X_PROTO: Final = "x-forwarded-proto"
_X_HOST: Final = "x-forwarded-host"

# RFC 7239 section 6: an address, a port behind it or not. A bare IPv6 address is what X-Forwarded-For has.
_NODE: Final = re.compile(r"(?:\[([0-9A-Fa-f:.]{2,45})\]|([0-9.]{7,15}))(?::(?:[0-9]{1,5}|_[A-Za-z0-9._-]{1,64}))?")
_BARE_IPV6: Final = re.compile(r"[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f.]{0,15}){2,8}")
# RFC 7239 section 4: name=value with a token or a quoted string; nodes with ":" and "[" are met without quotes, too.
_PAIR: Final = re.compile(
    r"""[ \t]*(?:([A-Za-z0-9!#$%&'*+.^_`|~-]+)=(?:"((?:[^"\\]|\\.)*)"|([^ \t",;=]+)))?[ \t]*(?:;|\Z)"""
)
_ESCAPE: Final = re.compile(r"\\(.)")
# RFC 3986 section 3.2.2, without the characters that no host in use has.
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._~%-]+)(?::[0-9]{0,5})?")


class Origin(NamedTuple):
    """Where a request comes from, as far as it is believed; None: nobody said."""

    ips: tuple[str, ...]  # the client first, then the proxies that it came through, the peer last
    protocol: str | None = None
    host: str | None = None  # without its port


class _Hop(NamedTuple):
    """What one proxy wrote about whoever sent it the request."""

    address: IPv4Address | IPv6Address | None = None
    protocol: str | None = None
    host: str | None = None


def parse_networks(value: object) -> tuple[str, ...]:
    """Return addresses and networks in their canonical spelling; `ConfigError` for what is none.

    The word "unix" among them stands for the peers on a Unix socket.
    """
    instead = "write addresses or networks such as ('127.0.0.1', '10.0.0.0/8'), or 'unix'"
    items = (value,) if isinstance(value, str) else value
    if not isinstance(items, Iterable):
        raise ConfigError(f"trust_proxy is {value!r}: {instead}")
    networks = []
    for item in items:
        if not isinstance(item, str):
            raise ConfigError(f"trust_proxy has {item!r}: {instead}")
        try:
            networks.append(UNIX if item == UNIX else str(ip_network(item)))
        except ValueError as error:
            raise ConfigError(f"trust_proxy has {item!r} ({error}): {instead}") from None
    return tuple(networks)


def plain_address(text: str) -> str:
    """Return an address without what a dual-stack socket puts before IPv4 ("::ffff:")."""
    return text[7:] if text.startswith("::ffff:") and "." in text else text


def host_of(text: str) -> str | None:
    """Return the host of a Host field's value without its port (RFC 9110 §7.2); None when it is no host."""
    found = _HOST.fullmatch(text) if len(text) <= MAX_HOST else None
    return found[1] if found else None


def without_port(authority: str) -> str:
    """Return the host of an authority whose grammar was checked, without its port."""
    host, bracket, _ = authority.partition("]")
    return host + bracket if bracket else host.partition(":")[0]


class Proxies:
    """The peers that are believed when they say for whom they forward a request.

    `networks` as `parse_networks` returns them, `headers` one of `HEADER_KINDS`.
    """

    __slots__ = ("_headers", "_networks", "_unix")

    def __init__(self, networks: Iterable[str], headers: str = "auto") -> None:
        names = tuple(networks)
        self._unix = UNIX in names
        networks_of_all = [ip_network(name) for name in names if name != UNIX]
        self._networks = [(net.version, int(net.netmask), int(net.network_address)) for net in networks_of_all]
        self._headers = headers

    def trust(self, peer: str | None) -> bool:
        """Return whether the peer at this address is believed; None is a peer on a Unix socket."""
        return self._unix if peer is None else self._has(_plain(ip_address(peer)))

    def origin(self, peer: str | None, headers: Headers) -> Origin:
        """Return where a request comes from that `peer` sent (None: over a Unix socket).

        Headers are read from their right end, where the nearest proxy wrote, for as long as the writer is
        trusted. The first address that is not trusted is the client; what stands left of it is the client's
        own word, and left of something malformed nobody's. At most `MAX_HOPS` entries are looked at.
        """
        ips = [] if peer is None else [plain_address(peer)]
        protocol = host = None
        if self.trust(peer):
            for hop in self._hops(headers):
                protocol = hop.protocol or protocol
                host = hop.host or host
                if hop.address is None:
                    break
                ips.append(str(hop.address))
                if not self._has(hop.address):
                    break
        return Origin(tuple(reversed(ips)), protocol, host)

    def _has(self, address: IPv4Address | IPv6Address) -> bool:
        version, number = address.version, int(address)
        return any(version == kind and number & mask == start for kind, mask, start in self._networks)

    def _hops(self, headers: Headers) -> Iterator[_Hop]:
        """Choose one kind of header: to mix them would give a client the kind that its proxy does not write."""
        kind = self._headers
        if kind == "auto":
            told = _X_FOR in headers or _X_PROTO in headers or _X_HOST in headers
            kind = "x-forwarded" if told else "forwarded"
        return _x_forwarded(headers) if kind == "x-forwarded" else _forwarded(headers.get_all("forwarded"))


# === X-Forwarded-* ===


def _x_forwarded(headers: Headers) -> Iterator[_Hop]:
    """Yield a hop for each address; protocol and host are the last of their lists: the nearest proxy's word."""
    protocol = _protocol(_last(headers, _X_PROTO))
    host = host_of(_last(headers, _X_HOST))
    for entry in chain(_entries(headers, _X_FOR), ("",)):
        yield _Hop(_address(entry), protocol, host)


def _entries(headers: Headers, name: str) -> Iterator[str]:
    """Yield the members of a list, which may stand in several lines, from its end; empty ones are none."""
    lines = reversed(headers.get_all(name))
    entries = (entry for line in lines for entry in reversed(line.rsplit(",", MAX_HOPS)))
    return filter(None, (entry.strip(" \t") for entry in islice(entries, MAX_HOPS)))


def _last(headers: Headers, name: str) -> str:
    return next(_entries(headers, name), "")


def _protocol(text: str) -> str | None:
    lower = text.lower()
    return lower if lower in ("http", "https") else None


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """Return the address of a node (RFC 7239 §6), its port left out; None for any other name of one."""
    return _parse_node(text) if len(text) <= MAX_NODE else None


@lru_cache(KEPT_NODES)
def _parse_node(text: str) -> IPv4Address | IPv6Address | None:
    if _BARE_IPV6.fullmatch(text):
        found = text
    else:
        node = _NODE.fullmatch(text)
        if node is None:
            return None
        found = node[1] or node[2]
    try:
        return _plain(ip_address(found))
    except ValueError:
        return None


def _plain(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    return getattr(address, "ipv4_mapped", None) or address


# === Forwarded ===


def _forwarded(lines: list[str]) -> Iterator[_Hop]:
    """Yield a hop for each element (RFC 7239 §4), the last one first, up to one that is malformed."""
    for element in islice(_elements(lines), MAX_HOPS):
        hop = None if element is None else _hop(element)
        if hop is None:
            return
        if element:
            yield hop


def _elements(lines: list[str]) -> Iterator[str | None]:
    """Yield the elements of a Forwarded header in any number of lines, from its end; None for one that is too long."""
    for line in reversed(lines):
        end = len(line)
        while end >= 0:
            start = _element_start(line, end)
            yield None if start is None else line[start:end].strip(" \t")
            end = -1 if start is None else start - 1


def _element_start(line: str, end: int) -> int | None:
    """Return where the element begins that ends at `end`; None when it is too long.

    It is looked for from the right, because what is left of it may be a quotation mark that a client left open.
    """
    quoted = False
    first = max(end - MAX_ENTRY, 0)
    for index in range(end - 1, first - 1, -1):
        if line[index] == '"' and not _escaped(line, index):
            quoted = not quoted
        elif line[index] == "," and not quoted:
            return index + 1
    return 0 if first == 0 else None


def _escaped(line: str, index: int) -> bool:
    before = line[max(index - MAX_ENTRY, 0) : index]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


def _hop(element: str) -> _Hop | None:
    """Return what an element says, None when it is malformed."""
    said: dict[str, str] = {}
    position = 0
    while position < len(element):
        pair = _PAIR.match(element, position)
        if pair is None:
            return None
        position = pair.end()
        if pair[1] is not None:
            name = pair[1].lower()
            if name in said:
                return None
            said[name] = _ESCAPE.sub(r"\1", pair[2]) if pair[2] is not None else pair[3]
    return _Hop(_address(said.get("for", "")), _protocol(said.get("proto", "")), host_of(said.get("host", "")))

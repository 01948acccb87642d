"""Routes by host: which table of routes serves what a client calls the server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from .errors import RoutingError
from .paths import Pattern
from .routing import Match, Route, RouteTable

__all__ = ("HostPattern", "HostTables", "parse_host")

_LITERAL: Final = re.compile(r"[a-z0-9_-]+|\[[0-9a-f:.]+\]")
_PARAM: Final = re.compile(r"\{([^\W\d]\w*)\}")


class HostPattern(NamedTuple):
    """A host of a route, understood."""

    key: str  # the same for patterns that take the same hosts
    matches: re.Pattern[str]
    params: tuple[str, ...]
    rank: tuple[bool, int, int]  # the least is asked first: text before parameters before "*", the longer the earlier


def parse_host(host: str) -> HostPattern:
    """Parse a host: `api.example.com`, `{tenant}.example.com` for one label, `*.example.com` for one or more.

    Letters may be of either case; a port is no part of it. Raises `RoutingError`.
    """
    labels = [host] if host.startswith("[") else host.split(".")
    pieces, key, params = [], [], []
    for index, label in enumerate(labels):
        if name := _PARAM.fullmatch(label):
            params.append(name[1])
            pieces.append(r"([^.]+)")
            key.append("{}")
        elif label == "*" and index == 0 and len(labels) > 1:
            pieces.append(r".+")
            key.append("*")
        elif _LITERAL.fullmatch(label.lower()):
            pieces.append(re.escape(label.lower()))
            key.append(label.lower())
        else:
            raise RoutingError(
                f"{host!r} is no host: write one such as 'api.example.com', '{{tenant}}.example.com' or "
                "'*.example.com', without a port"
            )
    if len(set(params)) < len(params):
        raise RoutingError(f"the host {host!r} has two parameters of one name: give each a name of its own")
    rank = (key[0] == "*", len(params), -len(labels))
    return HostPattern(".".join(key), re.compile(r"\.".join(pieces)), tuple(params), rank)


class HostTables:
    """A table of routes for each host that has routes of its own; the most specific host is asked first."""

    def __init__(self, *, strict_slashes: bool) -> None:
        self._strict = strict_slashes
        self._tables: dict[str, tuple[HostPattern, RouteTable]] = {}

    def __bool__(self) -> bool:
        return bool(self._tables)

    def insert(self, host: HostPattern, route: Route, pattern: Pattern) -> None:
        """Add a route of a host."""
        if host.key not in self._tables:
            self._tables[host.key] = (host, RouteTable(strict_slashes=self._strict))
            self._tables = dict(sorted(self._tables.items(), key=lambda item: item[1][0].rank))
        self._tables[host.key][1].insert(route, pattern)

    def find(self, host: str, method: str, path: str) -> Match | None:
        """Return the route of a request, with the parameters of its host among the others; None where none is.

        Raises `BadRequest` as `RouteTable.match` does.
        """
        for values, table in self._of(host):
            found = table.match(method, path)
            if found.route is not None:
                names = found.route.host_params
                return found._replace(params={**dict(zip(names, values, strict=True)), **found.params})
        return None

    def allowed(self, host: str, path: str) -> set[str]:
        """Return the methods that a path of a host answers."""
        return {method for _, table in self._of(host) for method in table.allowed(path)}

    def _of(self, host: str) -> Iterator[tuple[tuple[str, ...], RouteTable]]:
        for pattern, table in self._tables.values():
            found = pattern.matches.fullmatch(host.lower())
            if found is not None:
                yield found.groups(), table

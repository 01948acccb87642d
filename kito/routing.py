"""The table of routes: from a method and a path to the endpoint that answers, or to what is allowed there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from ._core.finder import Branch
from .errors import DuplicateRoute, RoutingError
from .paths import Kind, Pattern, Segment, decode_path, parse_path

__all__ = ("ANY_METHOD", "METHODS", "Match", "Route", "RouteTable", "check_method", "duplicate", "list_methods")

ANY_METHOD: Final = "*"  # the method of a route that answers every method
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110 §5.6.2


class Route:
    """One registration: which method and path go to which endpoint, and with which options."""

    __slots__ = ("endpoint", "method", "options", "params", "path")
    host_params: tuple[str, ...] = ()  # of the pattern of its host, where it has one

    def __init__(self, method: str, path: str, endpoint: Any, options: dict[str, Any], params: tuple[str, ...]) -> None:
        self.method = method
        self.path = path
        self.endpoint = endpoint
        self.options = options
        self.params = params

    def __repr__(self) -> str:
        return f"<Route {self.method} {self.path}>"


class Match(NamedTuple):
    """What a table says of a request: a route and its parameters, or None and the methods allowed there."""

    route: Route | None
    params: dict[str, str]
    allowed: tuple[str, ...]


_make_match: Final = tuple.__new__  # a third of the cost of calling Match(), on the path of every request


class _Node:
    """A place in the tree of segments: what may follow, and the routes that end here."""

    __slots__ = ("affixed", "any", "param", "plain", "rest", "routes", "static")

    def __init__(self) -> None:
        self.static: dict[str, _Node] = {}
        self.affixed: list[tuple[str, str, _Node]] = []  # prefix, suffix, node; the most specific first
        self.param: _Node | None = None
        self.rest: _Node | None = None
        self.plain: _Node | None = None  # `param` while there is no affixed sibling to try before it
        self.routes: dict[str, Route] = {}  # by method; HEAD has GET's route where it has none of its own
        self.any: Route | None = None  # the route of ANY_METHOD

    def child(self, segment: Segment) -> _Node:
        """Return the node behind a segment of a route path; it is made when it is missing."""
        if segment.kind is Kind.STATIC:
            return self.static.setdefault(segment.text, _Node())
        if segment.kind is Kind.AFFIXED:
            return self._affixed_child(segment.text, segment.suffix)
        if segment.kind is Kind.REST:
            self.rest = self.rest or _Node()
            return self.rest
        self.param = self.param or _Node()
        self.plain = None if self.affixed else self.param
        return self.param

    def _affixed_child(self, prefix: str, suffix: str) -> _Node:
        for known_prefix, known_suffix, node in self.affixed:
            if (known_prefix, known_suffix) == (prefix, suffix):
                return node
        node = _Node()
        self.affixed.append((prefix, suffix, node))
        self.affixed.sort(key=lambda item: (-len(item[0]) - len(item[1]), -len(item[0]), item[0], item[1]))
        self.plain = None
        return node

    def follow(self, segment: str, step: _Step, pending: list[_Step]) -> None:
        """Append the steps that a segment of a request allows behind `step`; the best one last."""
        _, index, values = step
        if self.param is not None and segment:
            pending.append((self.param, index + 1, [*values, segment]))
        for prefix, suffix, node in reversed(self.affixed):
            end = len(segment) - len(suffix)
            if end > len(prefix) and segment.startswith(prefix) and segment.endswith(suffix):
                pending.append((node, index + 1, [*values, segment[len(prefix) : end]]))
        if segment in self.static:
            pending.append((self.static[segment], index + 1, values))

    def branch(self) -> Branch:
        """Return what the core follows of this place and all behind it."""
        static = {text.encode(): node.branch() for text, node in self.static.items()}
        plain = None if self.plain is None else self.plain.branch()
        ends = {}
        for method in {*METHODS, *self.routes} if self.any is not None else self.routes:
            route = self.routes.get(method, self.any)
            if route is not None:
                ends[method.encode()] = (route.endpoint, route.params)
        return Branch(static, plain, ends)

    def add(self, route: Route) -> None:
        """Let a route end here; `DuplicateRoute` when its method has one of its own already."""
        known = self.any if route.method == ANY_METHOD else self.routes.get(route.method)
        if known is not None and known.method == route.method:
            raise duplicate(route, known)
        if route.method == ANY_METHOD:
            self.any = route
            return
        self.routes[route.method] = route
        if route.method == "GET":
            self.routes.setdefault("HEAD", route)


# A place in the tree, how many segments of the request led there, and what they were for the parameters.
_Step = tuple[_Node, int, list[str]]


class RouteTable:
    """Routes by method and path: a dictionary for paths without parameters, a tree of segments for the rest.

    In a tree, text beats a parameter between affixes, that beats a parameter, and that a catch-all; where
    the better choice leads nowhere the next one is tried, so that `/a/:x/c` is found beside `/a/b/d`. A node
    is visited at most once for a request: work is bounded by the routes, never by the path. At one path the
    route of the request's own method beats a route for any method, and HEAD is answered by the GET route
    where nobody registered HEAD (RFC 9110 §9.3.2).

    `strict_slashes`: `/cats/` and `/cats` are different paths; by default they are the same.
    """

    def __init__(self, *, strict_slashes: bool = False) -> None:
        self._strict = strict_slashes
        self._routes: list[Route] = []
        self._root = _Node()  # its one child is the empty text before the first slash
        self._splits = 2  # slashes to split at: one more than the deepest route has, for the one at the end
        self._static: dict[str, dict[str, Route]] = {}
        self._static_bytes: dict[bytes, dict[bytes, Route]] = {}

    @property
    def static(self) -> dict[bytes, dict[bytes, Route]]:
        """The routes without parameters: method -> exact path on the wire -> route; live, for reading only.

        A path stands there in both slash forms (unless slashes are strict); HEAD has the entries of GET, and
        the methods of `METHODS` have those of a route for any method. A miss says nothing: ask `match()`.
        """
        return self._static_bytes

    def tree(self) -> Branch | None:
        """Return the tree as it is now, as far as first choices go, for the core to follow: with endpoints for routes.

        What it does not find says nothing: ask `match()`.
        """
        first = self._root.static.get("")
        return None if first is None else first.branch()

    def __iter__(self) -> Iterator[Route]:
        return iter(self._routes)

    def __len__(self) -> int:
        return len(self._routes)

    def add(self, method: str, path: str, endpoint: Any, **options: Any) -> Route:
        """Register a route; `ANY_METHOD` answers every method, `options` go to the `Route` as they are.

        Raises `InvalidPath` for a path that cannot be understood, `DuplicateRoute` when the method has a
        route for the same paths (whatever its parameters are called), `RoutingError` for what is no method.
        """
        check_method(method)
        pattern = parse_path(path, strict_slashes=self._strict)
        route = Route(method, path, endpoint, options, pattern.params)
        self.insert(route, pattern)
        return route

    def insert(self, route: Route, pattern: Pattern) -> None:
        """Add a route whose path is this pattern; raises `DuplicateRoute` as `add()` does."""
        node = self._root.child(Segment(Kind.STATIC))
        for segment in pattern.segments:
            node = node.child(segment)
        node.add(route)
        self._routes.append(route)
        self._splits = max(self._splits, len(pattern.segments) + 1)
        if pattern.is_static:
            self._publish(pattern, node)

    def _publish(self, pattern: Pattern, node: _Node) -> None:
        """Write what a path without parameters now answers into the dictionaries."""
        raw = pattern.raw()
        forms = (raw,) if self._strict or raw == "/" else (raw, raw + "/")
        for method in (*METHODS, *node.routes):
            route = node.routes.get(method, node.any)
            if route is not None:
                for form in forms:
                    self._static.setdefault(method, {})[form] = route
                    self._static_bytes.setdefault(method.encode(), {})[form.encode()] = route

    def match(self, method: str, path: str) -> Match:
        """Find the route for a request; `path` is as on the wire: percent-encoded, without the query.

        Parameters are decoded once, after the path was split at its slashes: `%2F` splits nothing. A miss has
        no route but the methods that the path does answer. Raises `BadRequest` when the path has to be
        decoded and its escapes are broken or not UTF-8.
        """
        routes = self._static.get(method)
        if routes is not None and path in routes:
            return _make_match(Match, (routes[path], {}, ()))
        if "%" in path:
            return self._search(method, path)
        node = self._root
        values = []
        for segment in path.split("/", self._splits):
            child = node.static.get(segment)
            if child is None:
                child = node.plain
                if child is None or not segment:
                    return self._search(method, path)
                values.append(segment)
            node = child
        route = node.routes.get(method, node.any)
        if route is None:
            return self._search(method, path)
        names = route.params  # as many as values; checking that, or zip() for one, would double the cost
        params = {names[0]: values[0]} if len(names) == 1 else dict(zip(names, values))  # noqa: B905
        return _make_match(Match, (route, params, ()))

    def _search(self, method: str, path: str) -> Match:
        """Find the route for a request whose first choice at each segment may not be the right one."""
        passed = []
        for node, values in self._walk(path):
            route = node.routes.get(method, node.any)
            if route is not None:
                return Match(route, dict(zip(route.params, values, strict=True)), ())
            passed.append(node)
        return Match(None, {}, _methods_of(passed))

    def _walk(self, path: str) -> Iterator[tuple[_Node, list[str]]]:
        """Yield every node that a path leads to, with the values of its parameters, the best one first."""
        segments = path.split("/", self._splits)  # the last may have slashes: it is deeper than any node
        if not self._strict and len(segments) > 2 and not segments[-1] and segments[-2]:
            segments.pop()
        if "%" in path:
            segments = [decode_path(segment) for segment in segments]
        end = len(segments)
        pending: list[_Step] = [(self._root, 0, [])]
        while pending:
            step = pending.pop()
            node, index, values = step
            if index == end:
                yield node, values
                continue
            if node.rest is not None and (tail := path.split("/", index)[index]):
                pending.append((node.rest, end, [*values, decode_path(tail)]))
            node.follow(segments[index], step, pending)

    def allowed(self, path: str) -> tuple[str, ...]:
        """Return the methods that a path answers, for `Allow` (RFC 9110 §10.2.1); empty when it is unknown.

        HEAD comes with GET, OPTIONS with everything. The path "*" stands for the whole server (§9.3.7).
        Raises `BadRequest` as `match()` does.
        """
        if path == "*":
            return list_methods({route.method for route in self._routes})
        return _methods_of([node for node, _ in self._walk(path)])


def duplicate(route: Route, known: Route) -> DuplicateRoute:
    """Return the error for a route whose place another has taken."""
    return DuplicateRoute(
        f"{route.method} {route.path} is taken by {known.method} {known.path}: both match the same "
        "paths, keep one of them"
    )


def _methods_of(nodes: list[_Node]) -> tuple[str, ...]:
    """Return the methods that one or another of these nodes answers."""
    if not nodes:
        return ()
    methods = {method for node in nodes for method in node.routes}
    if any(node.any is not None for node in nodes):
        methods.add(ANY_METHOD)
    return list_methods(methods)


def list_methods(registered: set[str]) -> tuple[str, ...]:
    """Return what is answered where these methods are registered: the well-known first, the others sorted."""
    methods = registered | (set(METHODS) if ANY_METHOD in registered else set())
    if "GET" in methods:
        methods.add("HEAD")
    if methods:
        methods.add("OPTIONS")
    others = sorted(methods.difference(METHODS, (ANY_METHOD,)))
    return (*(method for method in METHODS if method in methods), *others)


def check_method(method: object) -> None:
    """Refuse what is no method (RFC 9110 §9.1), and a well-known one in lower case, which no client sends."""
    if not isinstance(method, str) or not _TOKEN.fullmatch(method):
        raise RoutingError(f"{method!r} is no HTTP method: write one such as 'GET'")
    if method not in METHODS and method.upper() in METHODS:
        raise RoutingError(f"methods are case-sensitive: write {method.upper()!r} instead of {method!r}")

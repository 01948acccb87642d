"""The tree of registrations: what stands at which branch, and the routes that this makes for those above."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, Self

from .chains import Layer, Middleware, check_middleware, middleware_layer
from .error_handlers import ErrorHandlers
from .errors import DuplicateRoute, InvalidPath, RoutingError
from .extensions import Extension, Resource
from .hosts import HostPattern, parse_host
from .paths import Kind, Pattern, parse_path
from .routing import Route, duplicate

__all__ = ("Branch", "Mount", "PlannedRoute", "RouteSpec", "join_paths")

_Key = tuple[str, str, tuple[tuple[str, ...], ...]]  # host, method and shape of the path


class RouteSpec:
    """One registration, as it was said: everything but where its branch stands."""

    __slots__ = ("around", "handler", "host", "method", "name", "options", "path")

    def __init__(
        self,
        method: str,
        path: str,
        handler: Callable[..., Any],
        options: dict[str, Any],
        around: tuple[list[Middleware], ...] = (),
        *,
        host: str | None = None,
        name: str | None = None,
    ) -> None:
        self.method = method
        self.path = path
        self.handler = handler
        self.options = options  # of the endpoint
        self.around = around  # lists, because a route chain may still get more
        self.host = host
        self.name = name

    def layers(self) -> Iterator[Layer]:
        """Yield what runs around the handler inside of its branches, the outermost first."""
        for middlewares in self.around:
            yield from map(middleware_layer, middlewares)


class PlannedRoute(Route):
    """A registration, seen from a branch above it: with the whole path, and the branches on the way."""

    __slots__ = ("host", "host_params", "lineage", "name", "pattern", "spec")

    def __init__(self, spec: RouteSpec, path: str, lineage: tuple[Branch, ...], name: str | None) -> None:
        self.pattern: Pattern = parse_path(path, strict_slashes=lineage[0].strict_slashes)
        host = spec.host or next((branch.host for branch in reversed(lineage) if branch.host), None)
        self.host: HostPattern | None = None if host is None else parse_host(host)
        self.host_params = self.host.params if self.host else ()
        if both := set(self.host_params).intersection(self.pattern.params):
            raise InvalidPath(f"{path} and its host {host} both have a parameter {both.pop()!r}: rename one")
        super().__init__(spec.method, path, None, spec.options, self.pattern.params)
        self.spec = spec
        self.lineage = lineage
        self.name = name

    @property
    def key(self) -> _Key:
        """Two routes with the same would answer the same requests."""
        return (self.host.key if self.host else "", self.method, self.pattern.shape)

    @property
    def handler(self) -> Callable[..., Any]:
        """The handler, as it was registered."""
        return self.spec.handler


class Mount:
    """A branch at a path of another."""

    __slots__ = ("child", "name", "parent", "prefix")

    def __init__(self, parent: Branch, prefix: str, child: Branch, name: str | None) -> None:
        self.parent = parent
        self.prefix = prefix
        self.child = child
        self.name = name

    def lift(self, route: PlannedRoute) -> PlannedRoute:
        """Return a route of the child as the parent sees it."""
        name = f"{self.name}.{route.name}" if self.name and route.name else route.name
        return PlannedRoute(route.spec, join_paths(self.prefix, route.path), (self.parent, *route.lineage), name)


class Branch:
    """A place in the tree: its own routes, the branches mounted on it, and what runs around all of them."""

    def __init__(self, *, strict_slashes: bool = True, host: str | None = None) -> None:
        self.strict_slashes: Final = strict_slashes
        self.host: Final = host
        if host is not None:
            parse_host(host)
        self.middlewares: list[Middleware] = []
        self.extensions: list[Extension | Resource] = []
        self.error_handlers = ErrorHandlers()
        self.mounts: list[Mount] = []
        self._parents: list[Mount] = []
        self._routes: dict[_Key, PlannedRoute] = {}  # its own and those of everything mounted on it
        self._named: dict[str, PlannedRoute] = {}

    @property
    def routes(self) -> tuple[PlannedRoute, ...]:
        """Every route here and in what is mounted here, in the order of registration."""
        return tuple(self._routes.values())

    def use(self, *middlewares: Middleware) -> Self:
        """Put middlewares around every route here, whenever it is registered; the first one is the outermost.

        Each is a function of `(ctx, next)`, plain or async. Raises `TypeError` for what is none.
        """
        for fn in middlewares:
            check_middleware(fn)
        self.middlewares.extend(middlewares)
        self.changed()
        return self

    def outermost(self) -> Iterator[Layer]:
        """Yield what runs around everything here, extensions included; nothing, unless a server adds it."""
        yield from ()

    def add_route(self, spec: RouteSpec) -> None:
        """Add a route here and in every branch above, or nowhere: raises `DuplicateRoute`, `InvalidPath`."""
        self.plant([self.planned(spec)])

    def planned(self, spec: RouteSpec) -> PlannedRoute:
        """Return a registration as this branch sees it."""
        return PlannedRoute(spec, spec.path, (self,), spec.name)

    def add_mount(self, prefix: str, child: Branch, name: str | None) -> None:
        """Mount a branch, with all that it has and will have; raises `RoutingError`."""
        if any(segment.kind is Kind.REST for segment in parse_path(prefix).segments):
            raise RoutingError(f"nothing is behind {prefix!r}: mount at a path without a catch-all")
        if self in child.descendants():
            raise RoutingError(f"a router cannot be mounted below itself, at {prefix!r}")
        mount = Mount(self, prefix, child, name)
        self.plant([mount.lift(route) for route in child.routes])
        self.mounts.append(mount)
        child._parents.append(mount)
        self.changed()

    def descendants(self) -> Iterator[Branch]:
        """Yield this branch and everything that is mounted below."""
        yield self
        for mount in self.mounts:
            yield from mount.child.descendants()

    def plant(self, routes: Iterable[PlannedRoute]) -> None:
        """Add routes here and above, or nowhere."""
        planned = list(self._above(list(routes)))
        seen: set[tuple[Branch, _Key]] = set()
        for branch, route in planned:
            known = branch._routes.get(route.key)
            if known is not None or (branch, route.key) in seen:
                raise duplicate(route, known or route)
            seen.add((branch, route.key))
            namesake = branch._named.get(route.name) if route.name else None
            if namesake is not None and namesake.path != route.path:
                raise DuplicateRoute(
                    f"{route.path} is named {route.name!r}, which is {namesake.path}: name one otherwise"
                )
            branch.check(route)
        for branch, route in planned:
            branch._routes[route.key] = route
            if route.name:
                branch._named[route.name] = route
            branch.planted(route)
        self.changed()

    def url_for(self, name: str, /, **params: object) -> str:
        """Return the path of the route that was named `name`, with its parameters filled in and percent-encoded.

        A route of a router that was mounted with a name is called by both: "cats.show". A catch-all takes its slashes
        as they are. Raises `RoutingError` for an unknown name, and for parameters that are missing, empty or too many.
        """
        route = self._named.get(name)
        if route is None:
            raise RoutingError(f"no route is named {name!r}; there are {', '.join(sorted(self._named)) or 'none'}")
        return route.pattern.fill(params)

    def _above(self, routes: list[PlannedRoute]) -> Iterator[tuple[Branch, PlannedRoute]]:
        for route in routes:
            yield self, route
        for mount in self._parents:
            yield from mount.parent._above([mount.lift(route) for route in routes])

    def check(self, route: PlannedRoute) -> None:
        """Raise for a route that this branch cannot take."""

    def planted(self, route: PlannedRoute) -> None:
        """Take up a new route; called on the branch and on those above it."""

    def changed(self) -> None:
        """Take up a change of anything here; those above take it up too."""
        for mount in self._parents:
            mount.parent.changed()


def join_paths(prefix: str, path: str) -> str:
    """Return a path behind a prefix; the path "/" is the prefix itself."""
    head = prefix.rstrip("/")
    return head + path if path != "/" or not head else head

"""The tree of registrations: what stands at which branch, and the routes that this makes for those above."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, Self

from .chains import Layer, Middleware, check_middleware, middleware_layer
from .errors import RoutingError
from .paths import Kind, Pattern, parse_path
from .routing import Route, duplicate

__all__ = ("Branch", "Mount", "PlannedRoute", "RouteSpec", "join_paths")

_Key = tuple[str, tuple[tuple[str, ...], ...]]  # method and shape of the path


class RouteSpec:
    """One registration, as it was said: everything but where its branch stands."""

    __slots__ = ("around", "handler", "method", "options", "path")

    def __init__(
        self,
        method: str,
        path: str,
        handler: Callable[..., Any],
        options: dict[str, Any],
        around: tuple[list[Middleware], ...] = (),
    ) -> None:
        self.method = method
        self.path = path
        self.handler = handler
        self.options = options  # of the endpoint
        self.around = around  # lists, because a route chain may still get more

    def layers(self) -> Iterator[Layer]:
        """Yield what runs around the handler inside of its branches, the outermost first."""
        for middlewares in self.around:
            yield from map(middleware_layer, middlewares)


class PlannedRoute(Route):
    """A registration, seen from a branch above it: with the whole path, and the branches on the way."""

    __slots__ = ("lineage", "pattern", "spec")

    def __init__(self, spec: RouteSpec, path: str, lineage: tuple[Branch, ...]) -> None:
        self.pattern: Pattern = parse_path(path, strict_slashes=lineage[0].strict_slashes)
        super().__init__(spec.method, path, None, spec.options, self.pattern.params)
        self.spec = spec
        self.lineage = lineage

    @property
    def key(self) -> _Key:
        """Two routes with the same would answer the same requests."""
        return (self.method, self.pattern.shape)

    @property
    def handler(self) -> Callable[..., Any]:
        """The handler, as it was registered."""
        return self.spec.handler

    def layers(self) -> Iterator[Layer]:
        """Yield what runs around the handler, the outermost first."""
        for branch in self.lineage:
            yield from branch.layers()
        yield from self.spec.layers()


class Mount:
    """A branch at a path of another."""

    __slots__ = ("child", "parent", "prefix")

    def __init__(self, parent: Branch, prefix: str, child: Branch) -> None:
        self.parent = parent
        self.prefix = prefix
        self.child = child

    def lift(self, route: PlannedRoute) -> PlannedRoute:
        """Return a route of the child as the parent sees it."""
        return PlannedRoute(route.spec, join_paths(self.prefix, route.path), (self.parent, *route.lineage))


class Branch:
    """A place in the tree: its own routes, the branches mounted on it, and what runs around all of them."""

    def __init__(self, *, strict_slashes: bool = True) -> None:
        self.strict_slashes: Final = strict_slashes
        self.middlewares: list[Middleware] = []
        self.mounts: list[Mount] = []
        self._parents: list[Mount] = []
        self._routes: dict[_Key, PlannedRoute] = {}  # its own and those of everything mounted on it

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

    def layers(self) -> Iterator[Layer]:
        """Yield what runs around everything here, the outermost first."""
        yield from map(middleware_layer, self.middlewares)

    def add_route(self, spec: RouteSpec) -> None:
        """Add a route here and in every branch above, or nowhere: raises `DuplicateRoute`, `InvalidPath`."""
        self.plant([PlannedRoute(spec, spec.path, (self,))])

    def add_mount(self, prefix: str, child: Branch) -> None:
        """Mount a branch, with all that it has and will have; raises `RoutingError`."""
        if any(segment.kind is Kind.REST for segment in parse_path(prefix).segments):
            raise RoutingError(f"nothing is behind {prefix!r}: mount at a path without a catch-all")
        if self in child.descendants():
            raise RoutingError(f"a router cannot be mounted below itself, at {prefix!r}")
        mount = Mount(self, prefix, child)
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
            branch.check(route)
        for branch, route in planned:
            branch._routes[route.key] = route
            branch.planted(route)
        self.changed()

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

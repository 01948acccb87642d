"""The registration verbs: `get`, `post`, ... as a call, a chain or a decorator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Self, TypeVar, overload

from ._core.endpoint import Endpoint
from .binding import bind
from .errors import RoutingError
from .paths import parse_path
from .routing import ANY_METHOD, RouteTable

__all__ = ("Registrar", "RouteChain")

Handler = TypeVar("Handler", bound=Callable[..., Any])

_DECORATE: Any = object()  # the handler that is not given yet: the verb is used as a decorator

# what a route may be told beside its handler
_OPTIONS: Final = ("on_disconnect",)


class Registrar:
    """Whatever takes routes. `app.get(path, handler)` returns the app, `@app.get(path)` decorates.

    Routes may be told `on_disconnect="cancel" | "detach" | "finish"`: what happens to a handler with an
    open stream whose client leaves. A wrong path, handler or option raises at once, with what to write
    instead: `RoutingError`, `TypeError`, `ValueError`.
    """

    def __init__(self) -> None:
        self.table = RouteTable()

    @overload
    def get(self, path: str, /, **options: Any) -> Callable[[Handler], Handler]: ...
    @overload
    def get(self, path: str, handler: Callable[..., Any], /, **options: Any) -> Self: ...
    def get(self, path: str, handler: Any = _DECORATE, /, **options: Any) -> Any:
        """Answer GET, and HEAD with the head of the same answer (RFC 9110 §9.3.1, §9.3.2)."""
        return self._register("GET", path, handler, options)

    @overload
    def post(self, path: str, /, **options: Any) -> Callable[[Handler], Handler]: ...
    @overload
    def post(self, path: str, handler: Callable[..., Any], /, **options: Any) -> Self: ...
    def post(self, path: str, handler: Any = _DECORATE, /, **options: Any) -> Any:
        """Answer POST (RFC 9110 §9.3.3)."""
        return self._register("POST", path, handler, options)

    @overload
    def put(self, path: str, /, **options: Any) -> Callable[[Handler], Handler]: ...
    @overload
    def put(self, path: str, handler: Callable[..., Any], /, **options: Any) -> Self: ...
    def put(self, path: str, handler: Any = _DECORATE, /, **options: Any) -> Any:
        """Answer PUT (RFC 9110 §9.3.4)."""
        return self._register("PUT", path, handler, options)

    @overload
    def delete(self, path: str, /, **options: Any) -> Callable[[Handler], Handler]: ...
    @overload
    def delete(self, path: str, handler: Callable[..., Any], /, **options: Any) -> Self: ...
    def delete(self, path: str, handler: Any = _DECORATE, /, **options: Any) -> Any:
        """Answer DELETE (RFC 9110 §9.3.5)."""
        return self._register("DELETE", path, handler, options)

    @overload
    def patch(self, path: str, /, **options: Any) -> Callable[[Handler], Handler]: ...
    @overload
    def patch(self, path: str, handler: Callable[..., Any], /, **options: Any) -> Self: ...
    def patch(self, path: str, handler: Any = _DECORATE, /, **options: Any) -> Any:
        """Answer PATCH (RFC 5789)."""
        return self._register("PATCH", path, handler, options)

    @overload
    def head(self, path: str, /, **options: Any) -> Callable[[Handler], Handler]: ...
    @overload
    def head(self, path: str, handler: Callable[..., Any], /, **options: Any) -> Self: ...
    def head(self, path: str, handler: Any = _DECORATE, /, **options: Any) -> Any:
        """Answer HEAD by a handler of its own instead of GET's (RFC 9110 §9.3.2)."""
        return self._register("HEAD", path, handler, options)

    @overload
    def options(self, path: str, /, **options: Any) -> Callable[[Handler], Handler]: ...
    @overload
    def options(self, path: str, handler: Callable[..., Any], /, **options: Any) -> Self: ...
    def options(self, path: str, handler: Any = _DECORATE, /, **options: Any) -> Any:
        """Answer OPTIONS by a handler instead of by the list of methods (RFC 9110 §9.3.7)."""
        return self._register("OPTIONS", path, handler, options)

    @overload
    def all(self, path: str, /, **options: Any) -> Callable[[Handler], Handler]: ...
    @overload
    def all(self, path: str, handler: Callable[..., Any], /, **options: Any) -> Self: ...
    def all(self, path: str, handler: Any = _DECORATE, /, **options: Any) -> Any:
        """Answer every method that has no route of its own at this path."""
        return self._register(ANY_METHOD, path, handler, options)

    @overload
    def sse(self, path: str, /, **options: Any) -> Callable[[Handler], Handler]: ...
    @overload
    def sse(self, path: str, handler: Callable[..., Any], /, **options: Any) -> Self: ...
    def sse(self, path: str, handler: Any = _DECORATE, /, **options: Any) -> Any:
        """Answer GET with an event stream: each item that the generator handler yields is an event."""
        return self._register("GET", path, handler, {**options, "events": True})

    def route(self, path: str) -> RouteChain:
        """Register several methods at one path: `app.route("/cats").get(a).post(b).end()`."""
        return RouteChain(self, path)

    def _register(self, method: str, path: str, handler: Any, options: dict[str, Any]) -> Any:
        for name in options:
            if name not in _OPTIONS and name != "events":
                raise RoutingError(f"{path}: there is no route option {name!r}; known are {', '.join(_OPTIONS)}")
        if not isinstance(path, str):
            raise TypeError(
                f"the first argument is a path, not {path!r}: write @app.get('/path') or app.get('/path', fn)"
            )
        if handler is _DECORATE:

            def decorate(decorated: Handler) -> Handler:
                self._add(method, path, decorated, options)
                return decorated

            return decorate
        return self._add(method, path, handler, options)

    def _add(self, method: str, path: str, handler: Callable[..., Any], options: dict[str, Any]) -> Self:
        binding = bind(handler, params=parse_path(path).params)
        if options.get("events") and not (binding.is_generator or binding.is_async_generator):
            raise TypeError(f"{path}: an sse() handler yields its events: write a generator, or get() with res.sse()")
        endpoint = Endpoint(handler, binding.kind, binding.call, **options)
        self.table.add(method, path, endpoint)
        self._routes_changed()
        return self

    def _routes_changed(self) -> None:
        """Called after each registration; a running server takes the new route up."""


class RouteChain:
    """Methods at one path; made by `Registrar.route`."""

    def __init__(self, target: Registrar, path: str) -> None:
        self._target = target
        self._path = path

    def get(self, handler: Callable[..., Any], **options: Any) -> Self:
        """Answer GET at this path."""
        self._target.get(self._path, handler, **options)
        return self

    def post(self, handler: Callable[..., Any], **options: Any) -> Self:
        """Answer POST at this path."""
        self._target.post(self._path, handler, **options)
        return self

    def put(self, handler: Callable[..., Any], **options: Any) -> Self:
        """Answer PUT at this path."""
        self._target.put(self._path, handler, **options)
        return self

    def delete(self, handler: Callable[..., Any], **options: Any) -> Self:
        """Answer DELETE at this path."""
        self._target.delete(self._path, handler, **options)
        return self

    def patch(self, handler: Callable[..., Any], **options: Any) -> Self:
        """Answer PATCH at this path."""
        self._target.patch(self._path, handler, **options)
        return self

    def head(self, handler: Callable[..., Any], **options: Any) -> Self:
        """Answer HEAD at this path."""
        self._target.head(self._path, handler, **options)
        return self

    def options(self, handler: Callable[..., Any], **options: Any) -> Self:
        """Answer OPTIONS at this path."""
        self._target.options(self._path, handler, **options)
        return self

    def all(self, handler: Callable[..., Any], **options: Any) -> Self:
        """Answer every other method at this path."""
        self._target.all(self._path, handler, **options)
        return self

    def end(self) -> Registrar:
        """Return the app or router, to chain on."""
        return self._target

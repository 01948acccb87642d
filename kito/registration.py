"""The registration verbs: `get`, `post`, ... as a call, a chain or a decorator."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Self, TypeVar, overload

from .asgi import AsgiApp, AsgiHandler
from .chains import Middleware, check_middleware
from .error_handlers import ErrorTarget
from .errors import RoutingError
from .extensions import Scope, make_extension, values_extension
from .paths import parse_path
from .planning import make_endpoint
from .routing import ANY_METHOD
from .tree import Branch, RouteSpec, join_paths
from .validation import Schema, schema

__all__ = ("Registrar", "RouteChain", "Router")

Handler = TypeVar("Handler", bound=Callable[..., Any])
Around = Middleware | Sequence[Middleware]

# what a route may be told beside its handler: for the endpoint, and for the tree
_STREAM_OPTIONS: Final = ("on_disconnect", "half_close", "commit_after", "blocking")
_ENDPOINT_OPTIONS: Final = (*_STREAM_OPTIONS, "stream_body", "body_size", "timeout")
_OPTIONS: Final = (*_ENDPOINT_OPTIONS, "schema", "use", "host", "name")


class Registrar(Branch):
    """Whatever takes routes. `app.get(path, handler)` returns the app, `@app.get(path)` decorates.

    `app.get(path, middleware, handler)`, with one middleware or a list, puts it around this route; so does the route
    option `use=`. Other options: `on_disconnect="cancel" | "detach" | "finish"`: what happens to a handler with an
    open stream whose client leaves. `half_close="leave" | "serve"`: whether a client that has shut its write side has
    left an open stream. `commit_after=0.2`: seconds after which a generator without an item has its head sent, None:
    never. `blocking=True`: a plain `def` runs in a thread, see `Limits.threads`. `stream_body=True`: the handler
    begins with the head of the request and reads the body by `req.stream()` or `await req.read()`. `body_size=` bytes
    that a body may have (None: any, for one that is streamed) and `timeout=` seconds until an answer has to be there
    (None: any), in place of `Limits.body_size` and `Timeouts.handler`. `schema=schema(...)`: what its requests and
    answers hold. `name=` for `url_for`, `host=` for requests to that host only. A wrong path, handler or option raises
    at once, with what to write instead: `RoutingError`, `TypeError`, `ValueError`.
    """

    @overload
    def get(self, path: str, /, **options: Any) -> Callable[[Handler], Handler]: ...
    @overload
    def get(self, path: str, handler: Callable[..., Any], /, **options: Any) -> Self: ...
    @overload
    def get(self, path: str, around: Around, handler: Callable[..., Any], /, **options: Any) -> Self: ...
    def get(self, path: str, /, *steps: Any, **options: Any) -> Any:
        """Answer GET, and HEAD with the head of the same answer (RFC 9110 §9.3.1, §9.3.2)."""
        return self.register("GET", path, steps, options)

    @overload
    def post(self, path: str, /, **options: Any) -> Callable[[Handler], Handler]: ...
    @overload
    def post(self, path: str, handler: Callable[..., Any], /, **options: Any) -> Self: ...
    @overload
    def post(self, path: str, around: Around, handler: Callable[..., Any], /, **options: Any) -> Self: ...
    def post(self, path: str, /, *steps: Any, **options: Any) -> Any:
        """Answer POST (RFC 9110 §9.3.3)."""
        return self.register("POST", path, steps, options)

    @overload
    def put(self, path: str, /, **options: Any) -> Callable[[Handler], Handler]: ...
    @overload
    def put(self, path: str, handler: Callable[..., Any], /, **options: Any) -> Self: ...
    @overload
    def put(self, path: str, around: Around, handler: Callable[..., Any], /, **options: Any) -> Self: ...
    def put(self, path: str, /, *steps: Any, **options: Any) -> Any:
        """Answer PUT (RFC 9110 §9.3.4)."""
        return self.register("PUT", path, steps, options)

    @overload
    def delete(self, path: str, /, **options: Any) -> Callable[[Handler], Handler]: ...
    @overload
    def delete(self, path: str, handler: Callable[..., Any], /, **options: Any) -> Self: ...
    @overload
    def delete(self, path: str, around: Around, handler: Callable[..., Any], /, **options: Any) -> Self: ...
    def delete(self, path: str, /, *steps: Any, **options: Any) -> Any:
        """Answer DELETE (RFC 9110 §9.3.5)."""
        return self.register("DELETE", path, steps, options)

    @overload
    def patch(self, path: str, /, **options: Any) -> Callable[[Handler], Handler]: ...
    @overload
    def patch(self, path: str, handler: Callable[..., Any], /, **options: Any) -> Self: ...
    @overload
    def patch(self, path: str, around: Around, handler: Callable[..., Any], /, **options: Any) -> Self: ...
    def patch(self, path: str, /, *steps: Any, **options: Any) -> Any:
        """Answer PATCH (RFC 5789)."""
        return self.register("PATCH", path, steps, options)

    @overload
    def head(self, path: str, /, **options: Any) -> Callable[[Handler], Handler]: ...
    @overload
    def head(self, path: str, handler: Callable[..., Any], /, **options: Any) -> Self: ...
    @overload
    def head(self, path: str, around: Around, handler: Callable[..., Any], /, **options: Any) -> Self: ...
    def head(self, path: str, /, *steps: Any, **options: Any) -> Any:
        """Answer HEAD by a handler of its own instead of GET's (RFC 9110 §9.3.2)."""
        return self.register("HEAD", path, steps, options)

    @overload
    def options(self, path: str, /, **options: Any) -> Callable[[Handler], Handler]: ...
    @overload
    def options(self, path: str, handler: Callable[..., Any], /, **options: Any) -> Self: ...
    @overload
    def options(self, path: str, around: Around, handler: Callable[..., Any], /, **options: Any) -> Self: ...
    def options(self, path: str, /, *steps: Any, **options: Any) -> Any:
        """Answer OPTIONS by a handler instead of by the list of methods (RFC 9110 §9.3.7)."""
        return self.register("OPTIONS", path, steps, options)

    @overload
    def all(self, path: str, /, **options: Any) -> Callable[[Handler], Handler]: ...
    @overload
    def all(self, path: str, handler: Callable[..., Any], /, **options: Any) -> Self: ...
    @overload
    def all(self, path: str, around: Around, handler: Callable[..., Any], /, **options: Any) -> Self: ...
    def all(self, path: str, /, *steps: Any, **options: Any) -> Any:
        """Answer every method that has no route of its own at this path."""
        return self.register(ANY_METHOD, path, steps, options)

    @overload
    def sse(self, path: str, /, **options: Any) -> Callable[[Handler], Handler]: ...
    @overload
    def sse(self, path: str, handler: Callable[..., Any], /, **options: Any) -> Self: ...
    @overload
    def sse(self, path: str, around: Around, handler: Callable[..., Any], /, **options: Any) -> Self: ...
    def sse(self, path: str, /, *steps: Any, **options: Any) -> Any:
        """Answer GET with an event stream: each item that the generator handler yields is an event."""
        return self.register("GET", path, steps, {**options, "events": True})

    def route(self, path: str, *middlewares: Middleware) -> RouteChain:
        """Register several methods at one path: `app.route("/cats", auth).get(a).post(b).end()`."""
        return RouteChain(self, path, middlewares)

    def mount(self, prefix: str, router: Branch | AsgiApp, *, name: str | None = None) -> Self:
        """Serve everything that `router` has, and whatever it will have, below `prefix`.

        The router's path "/" is the prefix itself. With a name, the names of its routes begin with it: "name.route". An
        ASGI 3 application answers every request below the prefix that no route takes; its lifespan is not run. Raises
        `RoutingError` (`DuplicateRoute`, `InvalidPath`) where that cannot be, `TypeError` for what is neither.
        """
        if isinstance(router, Branch):
            self.add_mount(prefix, router, name)
            return self
        handler = AsgiHandler(router)
        options = {"stream_body": True, "on_disconnect": "detach"}
        paths = (join_paths(prefix, path) for path in ("/", "/{*asgi_path}"))
        self.plant([self.planned(RouteSpec(ANY_METHOD, path, handler, options)) for path in paths])
        return self

    @overload
    def extend(self, /, *, scope: Scope) -> Callable[[Handler], Handler]: ...
    @overload
    def extend(self, fn: Callable[..., Any], /, *, scope: Scope = "request") -> Self: ...
    @overload
    def extend(self, /, **values: Any) -> Self: ...
    def extend(self, fn: Callable[..., Any] | None = None, /, **values: Any) -> Any:
        """Add to the context of every request here, whenever its route is registered, for `ctx` and as handlers' names.

        `extend(name=value)`: these values. `extend(fn)`: `fn`, plain or async, is called for each request before the
        middlewares here; it returns a dict, or sets `ctx`, and names what it wants as handlers do. A function that
        yields once is a resource: what it yields is called by its name, is opened for the handlers that ask for it (or
        for `ctx`), and closed before the head of a stream is sent, or with `scope="stream"` when the stream is over.
        `extend(scope=...)` is a decorator. Raises `TypeError`, `ValueError` for what cannot be meant.
        """
        if fn is None and values.keys() == {"scope"}:

            def decorate(decorated: Handler) -> Handler:
                self.extend(decorated, **values)
                return decorated

            return decorate
        if fn is not None:
            scope = values.pop("scope", "request")
            self.extensions.append(make_extension(fn, scope))
        if values or fn is None:
            self.extensions.append(values_extension(values))
        self.changed()
        return self

    @overload
    def on_error(self, target: ErrorTarget | Sequence[ErrorTarget], /) -> Callable[[Handler], Handler]: ...
    @overload
    def on_error(self, target: ErrorTarget | Sequence[ErrorTarget], fn: Callable[..., Any], /) -> Self: ...
    def on_error(self, target: Any, fn: Any = None, /) -> Any:
        """Let `fn` answer for errors before the head: those of a class, a status, a code, or several of these.

        The most specific handler answers: that of the code, else of the class, else of the status, else of a general
        class (`HTTPError`, `KitoError`, `Exception` ...); those of a router come before those above it. `fn`, plain or
        async, names what it wants as handlers do, and `error`; what it returns is the answer. Without `fn` it is a
        decorator. Raises `TypeError`, `ValueError` for a target that is none, `RoutingError` for one that is taken.
        """
        if fn is None:

            def decorate(decorated: Handler) -> Handler:
                self.on_error(target, decorated)
                return decorated

            return decorate
        self.error_handlers.add(target, fn)
        self.changed()
        return self

    def register(
        self, method: str, path: str, steps: tuple[Any, ...], options: dict[str, Any], *around: list[Middleware]
    ) -> Any:
        """Add a route, or return what decorates its handler; the verbs say it shorter.

        `steps` are a handler, perhaps with one middleware or a list of them before it.
        """
        for name in options:
            if name not in _OPTIONS and name != "events":
                raise RoutingError(f"{path}: there is no route option {name!r}; known are {', '.join(_OPTIONS)}")
        if not isinstance(path, str):
            raise TypeError(
                f"the first argument is a path, not {path!r}: write @app.get('/path') or app.get('/path', fn)"
            )
        if len(steps) > 2:
            raise TypeError(f"{path}: after the path come a middleware or a list of them, and the handler")
        around = (*around, _checked(steps[:-1]), _checked((options.get("use", ()),)))
        chosen = {name: value for name, value in options.items() if name in (*_ENDPOINT_OPTIONS, "events")}
        chosen["schema"] = _schema(path, options.get("schema"))

        def add(handler: Handler) -> Handler:
            self._add(
                RouteSpec(method, path, handler, chosen, around, host=options.get("host"), name=options.get("name"))
            )
            return handler

        if not steps:
            return add
        add(steps[-1])
        return self

    def _add(self, spec: RouteSpec) -> None:
        # What is not known here may be an extension, or a parameter of where this will be mounted.
        binding, _ = make_endpoint(spec.handler, parse_path(spec.path).params, spec.options, is_open=True)
        if spec.options.get("events") and not (binding.is_generator or binding.is_async_generator):
            raise TypeError(
                f"{spec.path}: an sse() handler yields its events: write a generator, or get() with res.sse()"
            )
        expected = spec.options.get("schema")
        if spec.options.get("stream_body") and ("body" in binding.names or (expected and "body" in expected.parts)):
            raise TypeError(f"{spec.path}: a streamed body is no parameter: ask for req, and read with req.stream()")
        self.add_route(spec)


class Router(Registrar):
    """Routes and all that goes around them, to be mounted somewhere, once or often; made by `kito.router()`."""


def _checked(given: Iterable[Around]) -> list[Middleware]:
    """Return middlewares and lists of them as one list; `TypeError` for what is none."""
    listed = [fn for one in given for fn in (one if isinstance(one, Sequence) else (one,))]
    for fn in listed:
        check_middleware(fn)
    return listed


def _schema(path: str, given: Any) -> Schema | None:
    """Return what was given as `schema=`; a dictionary stands for the schema of its parts."""
    if given is None or isinstance(given, Schema):
        return given
    if isinstance(given, Mapping):
        return schema(given)
    raise TypeError(f"{path}: schema= takes what schema() returns, or a dictionary, not {given!r}")


class RouteChain:
    """Methods at one path, with middlewares around all of them; made by `Registrar.route`."""

    def __init__(self, target: Registrar, path: str, middlewares: Sequence[Middleware]) -> None:
        self._target = target
        self._path = path
        self._middlewares: list[Middleware] = []
        self.use(*middlewares)

    def use(self, *middlewares: Middleware) -> Self:
        """Put middlewares around every method of this chain, the ones registered before included."""
        for fn in middlewares:
            check_middleware(fn)
        self._middlewares.extend(middlewares)
        self._target.changed()
        return self

    def _add(self, method: str, steps: tuple[Any, ...], options: dict[str, Any]) -> Self:
        if not 1 <= len(steps) <= 2:
            raise TypeError(f"{self._path}: {method} takes a handler, with a middleware or a list of them before it")
        self._target.register(method, self._path, steps, options, self._middlewares)
        return self

    def get(self, *steps: Any, **options: Any) -> Self:
        """Answer GET at this path."""
        return self._add("GET", steps, options)

    def post(self, *steps: Any, **options: Any) -> Self:
        """Answer POST at this path."""
        return self._add("POST", steps, options)

    def put(self, *steps: Any, **options: Any) -> Self:
        """Answer PUT at this path."""
        return self._add("PUT", steps, options)

    def delete(self, *steps: Any, **options: Any) -> Self:
        """Answer DELETE at this path."""
        return self._add("DELETE", steps, options)

    def patch(self, *steps: Any, **options: Any) -> Self:
        """Answer PATCH at this path."""
        return self._add("PATCH", steps, options)

    def head(self, *steps: Any, **options: Any) -> Self:
        """Answer HEAD at this path."""
        return self._add("HEAD", steps, options)

    def options(self, *steps: Any, **options: Any) -> Self:
        """Answer OPTIONS at this path."""
        return self._add("OPTIONS", steps, options)

    def all(self, *steps: Any, **options: Any) -> Self:
        """Answer every other method at this path."""
        return self._add(ANY_METHOD, steps, options)

    def end(self) -> Registrar:
        """Return the app or router, to chain on."""
        return self._target

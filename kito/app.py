"""App: what a server answers — routes, errors, life's hooks — apart from how it runs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, Final, TypeVar

from ._core.dispatch import Dispatcher
from ._core.endpoint import Endpoint
from .binding import CALL_REQ_RES
from .chains import compose
from .errors import DuplicateRoute, HTTPError, ProtocolError, error_document
from .registration import Registrar, make_endpoint
from .request import Request
from .response import Response
from .routing import ANY_METHOD, Match, RouteTable
from .streaming import pump_generator
from .tree import Branch, PlannedRoute, join_paths

__all__ = ("App",)

Hook = TypeVar("Hook", bound=Callable[[], Any])
Lifespan = Callable[[], AbstractAsyncContextManager[Any]]

_log: Final = logging.getLogger("kito")
_SERVER_WIDE: Final = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"  # for `OPTIONS *` (RFC 9110 §9.3.7)


class App(Registrar):
    """Routes and hooks, and what happens to requests that no route takes and to errors."""

    def __init__(self, *, debug: bool = False, strict_slashes: bool = False) -> None:
        super().__init__(strict_slashes=strict_slashes)
        self.debug = debug
        self.table = RouteTable(strict_slashes=strict_slashes)
        self._scopes = RouteTable()  # where a request without a route is: below which mounts
        self._missing = _missing_endpoint(self, (self,))
        self._is_prepared = False
        self._dispatchers: list[Dispatcher] = []
        self._lifespans: list[Lifespan] = []

    # === hooks ===

    def on_startup(self, fn: Hook) -> Hook:
        """Call `fn()` (sync or async) before the first connection is accepted; also as a decorator."""

        @asynccontextmanager
        async def lifespan() -> AsyncIterator[None]:
            await _call(fn)
            yield

        self._lifespans.append(lifespan)
        return fn

    def on_shutdown(self, fn: Hook) -> Hook:
        """Call `fn()` (sync or async) after the last connection is gone; also as a decorator."""

        @asynccontextmanager
        async def lifespan() -> AsyncIterator[None]:
            try:
                yield
            finally:
                await _call(fn)

        self._lifespans.append(lifespan)
        return fn

    def lifespan(self, fn: Lifespan) -> Lifespan:
        """Enter the async context manager `fn()` at start and leave it at the end, whatever happened between."""
        self._lifespans.append(fn)
        return fn

    async def enter_lifespans(self, stack: AsyncExitStack) -> None:
        """Enter every lifespan in the order of registration; `stack` leaves them in reverse."""
        for lifespan in self._lifespans:
            await stack.enter_async_context(lifespan())

    # === requests ===

    def make_dispatcher(self, loop: asyncio.AbstractEventLoop, request_class: type[Request] = Request) -> Dispatcher:
        """Return what serves this app's requests on `loop`; give it back with `drop_dispatcher`."""
        dispatcher = Dispatcher(
            loop,
            match=self._match,
            resolve=self._resolve,
            report=self._report,
            pump=pump_generator,
            request_class=request_class,
            response_class=Response,
            debug=self.debug,
        )
        self._prepare()
        self._publish(dispatcher)
        self._dispatchers.append(dispatcher)
        return dispatcher

    def drop_dispatcher(self, dispatcher: Dispatcher) -> None:
        """Forget a dispatcher whose server has stopped."""
        self._dispatchers.remove(dispatcher)

    def planted(self, route: PlannedRoute) -> None:
        """Take up a new route."""
        self.table.insert(route, route.pattern)

    def changed(self) -> None:
        """Forget how requests are answered; the next one that comes finds out anew."""
        self._is_prepared = False
        for dispatcher in self._dispatchers:
            dispatcher.set_routes({}, self._match)

    def _match(self, method: str, path: str) -> Match:
        """Find the route of the first request after a change."""
        if not self._is_prepared:
            self._prepare()
            for dispatcher in self._dispatchers:
                self._publish(dispatcher)
        return self.table.match(method, path)

    def _prepare(self) -> None:
        """Decide all that can be decided before a request."""
        for route in self.routes:
            chain = compose(route.layers())
            _, route.endpoint = make_endpoint(route.handler, route.params, route.options, chain)
        self._missing = _missing_endpoint(self, (self,))
        self._scopes = RouteTable()
        self._add_scopes("/", (self,))
        self._is_prepared = True

    def _add_scopes(self, prefix: str, lineage: tuple[Branch, ...]) -> None:
        """Note which branches a request without a route is in, by its path."""
        for mount in lineage[-1].mounts:
            below = (*lineage, mount.child)
            path = join_paths(prefix, mount.prefix)
            endpoint = _missing_endpoint(self, below)
            with contextlib.suppress(DuplicateRoute):  # of several routers at one prefix the first counts
                self._scopes.add(ANY_METHOD, path, endpoint)
                self._scopes.add(ANY_METHOD, join_paths(path, "/{*rest}"), endpoint)
            self._add_scopes(path, below)

    def _publish(self, dispatcher: Dispatcher) -> None:
        static = {
            method: {path: route.endpoint for path, route in routes.items()}
            for method, routes in self.table.static.items()
        }
        dispatcher.set_routes(static, self.table.match)

    def _resolve(self, req: Request) -> Endpoint:
        """Return what answers a request that no route takes: it goes through the middlewares that it is below."""
        scope = self._scopes.match(ANY_METHOD, req.path).route if req.path != "*" else None
        return self._missing if scope is None else scope.endpoint

    def answer_missing(self, req: Request, res: Response) -> None:
        """Answer OPTIONS where no route does; raise 405 or 404 for the rest."""
        method = req.method
        path = req.path
        allowed = self.table.allowed(path) if path != "*" else ()
        if method == "OPTIONS" and (allowed or path == "*"):
            res.status(204).header("allow", _SERVER_WIDE if path == "*" else ", ".join(allowed)).end()
            return
        if allowed:
            raise HTTPError(405, f"{method} is not served here", headers={"allow": ", ".join(allowed)})
        raise HTTPError(404, f"nothing is served at {path}")

    def _report(self, req: Request, res: Response, error: Exception) -> None:
        """Answer for an error that happened before the head of a response."""
        res.reset()
        if isinstance(error, HTTPError):
            res.status(error.status)
            for name, value in error.headers:
                res.append(name, value)
            res.json(error_document(error.status, error.message, error.code, getattr(error, "details", None)))
        elif isinstance(error, ProtocolError) and error.status < 500:
            res.status(error.status).json(error_document(error.status, str(error)))
        else:
            _log.error("%s %s failed", req.method, req.url, exc_info=error)
            res.status(500).json(error_document(500))


async def _call(fn: Callable[[], Any]) -> None:
    outcome = fn()
    if outcome is not None:
        await outcome


def _missing_endpoint(app: App, lineage: tuple[Branch, ...]) -> Endpoint:
    chain = compose(layer for branch in lineage for layer in branch.layers())
    return Endpoint(app.answer_missing, CALL_REQ_RES, app.answer_missing, chain=chain)

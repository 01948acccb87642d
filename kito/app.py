"""App: what a server answers — routes, errors, life's hooks — apart from how it runs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, Final, TypeVar

from ._core.dispatch import Dispatcher
from ._core.endpoint import Endpoint
from .errors import DuplicateRoute, HTTPError
from .hosts import HostTables
from .planning import plan_missing, plan_route
from .registration import Registrar
from .reporting import Reporter
from .request import Request
from .response import Response
from .routing import ANY_METHOD, METHODS, Match, RouteTable
from .streaming import pump_generator
from .tree import Branch, PlannedRoute, join_paths

__all__ = ("App",)

Hook = TypeVar("Hook", bound=Callable[[], Any])
ErrorHook = TypeVar("ErrorHook", bound=Callable[..., Any])
Lifespan = Callable[[], AbstractAsyncContextManager[Any]]

_NO_MATCH: Final = Match(None, {}, ())


class App(Registrar):
    """Routes and hooks, and what happens to requests that no route takes and to errors."""

    def __init__(self, *, debug: bool = False, strict_slashes: bool = False) -> None:
        super().__init__(strict_slashes=strict_slashes)
        self.debug = debug
        self.table = RouteTable(strict_slashes=strict_slashes)
        self._scopes = RouteTable()  # where a request without a route is: below which mounts
        self._hosts = HostTables(strict_slashes=strict_slashes)
        self._reporter = Reporter(self.error_handlers, self._run, debug=debug)
        self._missing = plan_missing((self,), self.answer_missing, self._reporter.observe)
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

    def observe_error(self, fn: ErrorHook) -> ErrorHook:
        """Tell `fn` of every error of a request, before the head or after it; also as a decorator.

        It is plain or async, names what it wants as an error handler does, and answers nothing. What it raises is
        logged.
        """
        self._reporter.add_observer(fn)
        return fn

    def on_unhandled_error(self, fn: ErrorHook) -> ErrorHook:
        """Let `fn` answer for errors that nobody handles and that would be a plain 500; also as a decorator.

        They are logged all the same. It is called as an error handler is.
        """
        self._reporter.set_last(fn)
        return fn

    # === requests ===

    def make_dispatcher(
        self,
        loop: asyncio.AbstractEventLoop,
        request_class: type[Request] = Request,
        response_class: type[Response] = Response,
    ) -> Dispatcher:
        """Return what serves this app's requests on `loop`; give it back with `drop_dispatcher`.

        Raises `TypeError` for a handler that asks for what nobody gives.
        """
        self._reporter.debug = self.debug
        dispatcher = Dispatcher(
            loop,
            match=self._match,
            resolve=self._resolve,
            report=self._reporter.report,
            observe=self._reporter.observe,
            pump=pump_generator,
            request_class=request_class,
            response_class=response_class,
            debug=self.debug,
        )
        self._prepare()
        self._publish(dispatcher)
        self._dispatchers.append(dispatcher)
        return dispatcher

    def drop_dispatcher(self, dispatcher: Dispatcher) -> None:
        """Forget a dispatcher whose server has stopped."""
        self._dispatchers.remove(dispatcher)

    def check(self, route: PlannedRoute) -> None:
        """Refuse a route that cannot be planned where it would be served at once."""
        if self._dispatchers:
            plan_route(route, self._reporter.observe)

    def planted(self, route: PlannedRoute) -> None:
        """Take up a new route."""
        if route.host is None:
            self.table.insert(route, route.pattern)
        else:
            self._hosts.insert(route.host, route, route.pattern)

    def changed(self) -> None:
        """Forget how requests are answered; the next one that comes finds out anew."""
        self._is_prepared = False
        for dispatcher in self._dispatchers:
            dispatcher.set_routes({}, self._match)

    def _match(self, method: str, path: str) -> Match:
        """Find the route of the first request after a change, or, where hosts count, leave it to `_resolve`."""
        self._prepare_anew()
        return _NO_MATCH if self._hosts else self.table.match(method, path)

    def _find(self, req: Request) -> Match:
        """Find the route of a request by its host, too."""
        method, path = req.method, req.path
        if path == "*":
            return _NO_MATCH
        return self._hosts.find(req.hostname, method, path) or self.table.match(method, path)

    def _prepare_anew(self) -> None:
        if not self._is_prepared:
            self._prepare()
            for dispatcher in self._dispatchers:
                self._publish(dispatcher)

    def _prepare(self) -> None:
        """Decide all that can be decided before a request."""
        observe = self._reporter.observe
        for route in self.routes:
            route.endpoint = plan_route(route, observe)
        self._missing = plan_missing((self,), self.answer_missing, observe)
        self._scopes = RouteTable()
        self._add_scopes("/", (self,))
        self._is_prepared = True

    def _add_scopes(self, prefix: str, lineage: tuple[Branch, ...]) -> None:
        """Note which branches a request without a route is in, by its path."""
        for mount in lineage[-1].mounts:
            below = (*lineage, mount.child)
            path = join_paths(prefix, mount.prefix)
            endpoint = plan_missing(below, self.answer_missing, self._reporter.observe)
            with contextlib.suppress(DuplicateRoute):  # of several routers at one prefix the first counts
                self._scopes.add(ANY_METHOD, path, endpoint)
                self._scopes.add(ANY_METHOD, join_paths(path, "/{*rest}"), endpoint)
            self._add_scopes(path, below)

    def _publish(self, dispatcher: Dispatcher) -> None:
        if self._hosts:
            dispatcher.set_routes({}, self._match, self._find)
            return
        static = {
            method: {path: route.endpoint for path, route in routes.items()}
            for method, routes in self.table.static.items()
        }
        dispatcher.set_routes(static, self.table.match, tree=self.table.tree())

    def _resolve(self, req: Request) -> Endpoint:
        """Return what answers a request that no route takes regardless of its host."""
        if self._hosts:
            found = self._find(req)
            if found.route is not None:
                req.params = found.params
                endpoint: Endpoint = found.route.endpoint
                return endpoint
        scope = self._scopes.match(ANY_METHOD, req.path).route if req.path != "*" else None
        return self._missing if scope is None else scope.endpoint

    def answer_missing(self, req: Request, res: Response) -> None:
        """Answer OPTIONS where no route does; raise 405 or 404 for the rest."""
        method, path = req.method, req.path
        allowed = METHODS if path == "*" else self._allowed(req)  # `OPTIONS *`: RFC 9110 §9.3.7
        if method == "OPTIONS" and allowed:
            res.status(204).header("allow", ", ".join(allowed)).end()
            return
        if allowed and path != "*":
            raise HTTPError(405, f"{method} is not served here", headers={"allow": ", ".join(allowed)})
        raise HTTPError(404, f"nothing is served at {path}")

    def _allowed(self, req: Request) -> tuple[str, ...]:
        allowed = self.table.allowed(req.path)
        if not self._hosts:
            return allowed
        more = self._hosts.allowed(req.hostname, req.path).difference(allowed)
        return (*allowed, *sorted(more))

    def _run(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run a coroutine that the stop of the server ends."""
        loop = asyncio.get_running_loop()
        next(dispatcher for dispatcher in self._dispatchers if dispatcher.loop is loop).run_helper(work)


async def _call(fn: Callable[[], Any]) -> None:
    outcome = fn()
    if outcome is not None:
        await outcome

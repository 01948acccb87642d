"""App: what a server answers — routes, errors, life's hooks — apart from how it runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, Final, TypeVar

from ._core.dispatch import Dispatcher
from ._core.endpoint import Endpoint
from .binding import CALL_RES
from .errors import HTTPError, ProtocolError, error_document
from .registration import Registrar
from .request import Request
from .response import Response
from .streaming import pump_generator

__all__ = ("App",)

Hook = TypeVar("Hook", bound=Callable[[], Any])
Lifespan = Callable[[], AbstractAsyncContextManager[Any]]

_log: Final = logging.getLogger("kito")
_SERVER_WIDE: Final = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"  # for `OPTIONS *` (RFC 9110 §9.3.7)


class App(Registrar):
    """Routes and hooks, and what happens to requests that no route takes and to errors."""

    def __init__(self, *, debug: bool = False) -> None:
        super().__init__()
        self.debug = debug
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
            match=self.table.match,
            resolve=self._resolve,
            report=self._report,
            pump=pump_generator,
            request_class=request_class,
            response_class=Response,
            debug=self.debug,
        )
        self._dispatchers.append(dispatcher)
        self._publish(dispatcher)
        return dispatcher

    def drop_dispatcher(self, dispatcher: Dispatcher) -> None:
        """Forget a dispatcher whose server has stopped."""
        self._dispatchers.remove(dispatcher)

    def _routes_changed(self) -> None:
        for dispatcher in self._dispatchers:
            self._publish(dispatcher)

    def _publish(self, dispatcher: Dispatcher) -> None:
        dispatcher.set_static_routes(
            {
                method: {path: route.endpoint for path, route in routes.items()}
                for method, routes in self.table.static.items()
            }
        )

    def _resolve(self, req: Request) -> Any:
        """Return the endpoint that answers OPTIONS where no route does; raise 405 or 404 for the rest."""
        method = req.method
        path = req.path
        allowed = self.table.allowed(path) if path != "*" else ()
        if method == "OPTIONS" and (allowed or path == "*"):
            return _options_endpoint(_SERVER_WIDE if path == "*" else ", ".join(allowed))
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
            res.json(error_document(error.status, error.message, error.code))
        elif isinstance(error, ProtocolError) and error.status < 500:
            res.status(error.status).json(error_document(error.status, str(error)))
        else:
            _log.error("%s %s failed", req.method, req.url, exc_info=error)
            res.status(500).json(error_document(500))


async def _call(fn: Callable[[], Any]) -> None:
    outcome = fn()
    if outcome is not None:
        await outcome


def _options_endpoint(allow: str) -> Endpoint:
    def answer(res: Response) -> None:
        res.status(204).header("allow", allow).end()

    return Endpoint(answer, CALL_RES, answer)

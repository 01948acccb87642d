"""Runner: one app on one event loop, from the first accept to a graceful end."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final

from .._core.http1 import Http1Connection
from .._core.state import ServerState
from ..proxies import Proxies
from ..request import request_class
from ..thread_pool import ThreadPool
from ..threads import response_class
from .listeners import Address, Listeners

if TYPE_CHECKING:
    from ..app import App
    from ..config import ServerOptions

__all__ = ("Runner",)

_log: Final = logging.getLogger("kito")

ABORT_S: Final = 1.0  # what a stop waits at most for handlers that are cancelled again, and for the last connections


class Runner:
    """One running server.

    The stop has three steps: nothing new is accepted and idle connections close while open event streams
    are told; requests and streams get their time; what is left is cancelled, then dropped. Lifespans are
    left in any case.
    """

    def __init__(self, app: App, options: ServerOptions) -> None:
        self._app = app
        self._options = options
        self._stack = AsyncExitStack()
        self._hurry = asyncio.Event()
        self._stopped = asyncio.Event()
        self._stopping = False
        self.listeners = Listeners(options)
        self.address: Address | None = None
        self.state: ServerState | None = None

    async def start(self) -> Address:
        """Enter the lifespans and accept; raises what a lifespan raises, and `OSError` for the address."""
        loop = asyncio.get_running_loop()
        trusted, headers = self._options.trust_proxy, self._options.proxy_headers
        proxies = Proxies(trusted, headers) if trusted else None
        threads = ThreadPool(self._options.limits.threads)
        self._stack.callback(threads.close)
        dispatcher = self._app.make_dispatcher(loop, request_class(proxies), response_class(threads))
        self._stack.callback(self._app.drop_dispatcher, dispatcher)
        self.state = state = ServerState(loop, dispatcher, self._options.limits, self._options.timeouts)
        state.start()
        self._stack.callback(state.stop)
        try:
            await self._app.enter_lifespans(self._stack)
            self.address = await self.listeners.open(lambda: Http1Connection(state), state.connections)
        except BaseException:
            await self._stack.aclose()
            raise
        return self.address

    async def stop(self, grace: float | None = None) -> None:
        """Stop gracefully; `grace` seconds for everything instead of `Timeouts.shutdown` and `stream_grace`.

        Called again meanwhile it skips the wait.
        """
        if self._stopping:
            self._hurry.set()
            await self._stopped.wait()
            return
        self._stopping = True
        try:
            await self._drain(grace)
        finally:
            try:
                await self._stack.aclose()
            finally:
                self._stopped.set()

    async def wait_stopped(self) -> None:
        """Wait until `stop` has done its work."""
        await self._stopped.wait()

    def hurry(self) -> None:
        """Skip what waiting is left of a stop."""
        self._hurry.set()

    async def _drain(self, grace: float | None) -> None:
        state = self.state
        if state is None or self.address is None:
            return
        self.listeners.close()
        state.stopping = True
        told = self._say_farewell(state)
        if told:
            _log.info("stopping: %d open streams were told", told)
        timeouts = self._options.timeouts
        stream_grace = timeouts.stream_grace if grace is None else grace
        shutdown = timeouts.shutdown if grace is None else grace
        await self._wait_empty(state, min(stream_grace, shutdown))
        cut = self._cut(state, streams_only=True)
        await self._wait_empty(state, max(shutdown - stream_grace, 0))
        cut += self._cut(state, streams_only=False)
        await self._finish_tasks(state)
        for connection in list(state.connections):
            connection.abort()
        await self._wait_empty(state, ABORT_S, hurried=False)
        if cut:
            _log.warning("stopped: %d exchanges were cut", cut)

    def _say_farewell(self, state: ServerState) -> int:
        """Close idle connections, and tell open streams; return how many there were of the latter."""
        return sum(
            connection.say_farewell() for connection in list(state.connections) if not connection.close_if_idle()
        )

    def _cut(self, state: ServerState, *, streams_only: bool) -> int:
        cut = 0
        for connection in list(state.connections):
            if connection.streaming or not streams_only:
                cut += connection.cut_off("shutdown")
        return cut

    async def _finish_tasks(self, state: ServerState) -> None:
        """Cancel every handler, and give them, and what closes behind them, their time to clean up."""
        state.dispatcher.cancel_tasks("the server stops")
        await self._finish(list(state.dispatcher.tasks))
        await self._finish(list(state.dispatcher.helpers))

    async def _finish(self, tasks: list[asyncio.Task[Any]]) -> None:
        if not tasks:
            return
        cleanup = self._options.timeouts.cleanup
        _, late = await asyncio.wait(tasks, timeout=min(cleanup, ABORT_S) if self._hurry.is_set() else cleanup)
        for task in late:
            _log.error("%r does not come to its end behind its cancellation: it is cancelled again", task)
            task.cancel("the cleanup takes too long")
        if late:
            await asyncio.wait(late, timeout=ABORT_S)

    async def _wait_empty(self, state: ServerState, seconds: float, *, hurried: bool = True) -> None:
        """Wait until no connection is left, at most `seconds`, less when somebody is in a hurry."""
        if not state.connections or (hurried and (seconds <= 0 or self._hurry.is_set())):
            return
        empty = asyncio.Event()
        state.on_empty = empty.set
        waits = [asyncio.ensure_future(empty.wait())]
        if hurried:
            waits.append(asyncio.ensure_future(self._hurry.wait()))
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            state.on_empty = None
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

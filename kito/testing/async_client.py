"""AsyncTestClient: runs an app on the loop of a test and asks it over real sockets."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine, Generator
from contextlib import AsyncExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Generic, Self, TypeVar, Unpack

from .cookies import CookieJar
from .failures import LeakError, within
from .leaks import LeakWatch
from .requests import Fields, RequestOptions, StreamOptions, make_request
from .responses import ClientResponse
from .streams import AsyncEventStream, AsyncStream, OpenResponse
from .wire import Wire

if TYPE_CHECKING:
    from .._core.state import ServerState
    from ..serving.lifecycle import Server

__all__ = ("AsyncTestClient",)

TIMEOUT_S: Final = 5.0  # of every operation
PATIENCE_S: Final = 1.0  # that what a test has started may take to end, at most its timeout

# How the app is run: in the clear, in this process, on a port of its own.
WIRING: Final = {
    "host": "127.0.0.1",
    "port": 0,
    "tls": None,
    "workers": 1,
    "reuse_port": False,
    "proxy_protocol": False,
}

_Opened = TypeVar("_Opened", bound=OpenResponse[Any])


class AsyncTestClient:
    """Serves `app` while the block runs, and is its client: `async with AsyncTestClient(app) as client`.

    Requests go over a real loopback socket, each on a connection of its own. `timeout` is the time of every
    operation in seconds. `headers` are sent with every request. `cookies` that the app sets are kept and sent.
    Other options are those of `server()`, for this run; where the app listens, and TLS, are the client's affair.

    Leaving the block closes what is open, stops the app, and raises `LeakError` when a task, stream or connection
    that began in it does not come to its end. Tasks of the test count too.
    """

    __test__ = False  # nothing for pytest to collect

    def __init__(self, app: Server, *, timeout: float = TIMEOUT_S, headers: Fields = (), **options: Any) -> None:
        if not (math.isfinite(timeout) and timeout > 0):
            raise ValueError(f"timeout is {timeout!r}: write a positive number of seconds")
        if taken := sorted((WIRING.keys() | {"unix_socket", "sockets"}) & options.keys()):
            raise TypeError(f"a test client listens by itself, in the clear: leave out {', '.join(taken)}")
        self.app = app
        self.timeout = timeout
        self.headers = headers
        self.cookies = CookieJar()
        self._options = options
        self._stack = AsyncExitStack()
        self._open: list[OpenResponse[Any]] = []
        self._held = False
        self._state: ServerState | None = None
        self._address: tuple[str, int] | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the running app; `RuntimeError` outside of the block."""
        if self._address is None:
            raise RuntimeError("the app is not running: use the client in its `with` block")
        return self._address

    @property
    def origin(self) -> str:
        """What stands before the paths of the running app, such as "http://127.0.0.1:41234"."""
        return "http://{}:{}".format(*self.address)

    # === the app's life ===

    async def __aenter__(self) -> Self:
        self._watch = LeakWatch(min(PATIENCE_S, self.timeout))
        async with within(self.timeout, "the app has not started"):
            address = await self._stack.enter_async_context(self.app.running(**WIRING, **self._options))
        assert isinstance(address, tuple)  # WIRING says so
        self._address = address
        self._state = self.app.state
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        leaks = await self._leave()
        if leaks and error is None:
            raise LeakError(leaks)
        if error is not None:
            for leak in leaks:
                error.add_note(f"left behind: {leak}")

    async def _leave(self) -> list[str]:
        """Close and stop everything; return what had not come to its end."""
        leaks = [f"the response of {one.request} is neither read to its end nor closed" for one in self._unfinished()]
        for response in self._open:
            await response.close()
        state = self._state
        assert state is not None  # the block was entered
        if self._held and self.app.state is state:
            state.clock.start(state.loop)
        leaks += await self._watch.of_server(state)
        await self.app.aclose(grace=0)
        await self._stack.aclose()
        self._state = self._address = None
        return leaks + [leak for leak in await self._watch.of_loop() if leak not in leaks]

    def _unfinished(self) -> list[OpenResponse[Any]]:
        return [response for response in self._open if not response.closed and not response.ended]

    # === requests ===

    async def request(self, method: str, path: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        """Ask, and read the whole response; redirects are not followed.

        Raises `ResponseTruncated`, `ResponseTimeout`, `MalformedResponse`; `ValueError` or `TypeError` for a request
        that cannot be.
        """
        timeout = self._timeout(options)
        async with within(timeout, f"{method} {path}: no whole response"):
            stream = await self.stream(method, path, **options)
            try:
                chunks = await stream.rest(timeout)
            finally:
                await stream.close()
        head = stream.head
        framed = tuple(chunks) if stream.chunked else None
        return ClientResponse(
            head.status, head.reason, head.http_version, head.headers, b"".join(chunks), framed, stream.trailers
        )

    async def get(self, path: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        """`request("GET", path)`."""
        return await self.request("GET", path, **options)

    async def post(self, path: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        """`request("POST", path)`."""
        return await self.request("POST", path, **options)

    async def put(self, path: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        """`request("PUT", path)`."""
        return await self.request("PUT", path, **options)

    async def patch(self, path: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        """`request("PATCH", path)`."""
        return await self.request("PATCH", path, **options)

    async def delete(self, path: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        """`request("DELETE", path)`."""
        return await self.request("DELETE", path, **options)

    async def head(self, path: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        """`request("HEAD", path)`."""
        return await self.request("HEAD", path, **options)

    async def options(self, path: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        """`request("OPTIONS", path)`."""
        return await self.request("OPTIONS", path, **options)

    # === streams ===

    def stream(self, method: str, path: str, **options: Unpack[StreamOptions]) -> Opening[AsyncStream]:
        """Ask, and read the body chunk by chunk: `async with client.stream(...) as stream`, or `await` and close it."""
        return Opening(self, AsyncStream, method, path, options)

    def sse(
        self,
        path: str,
        *,
        method: str = "GET",
        last_event_id: str | None = None,
        **options: Unpack[StreamOptions],
    ) -> Opening[AsyncEventStream]:
        """Ask for an event stream: `async with client.sse(path) as events`, or `await` it and close it.

        `last_event_id` is sent as a reconnecting browser sends it.
        """
        own = [("accept", "text/event-stream"), ("cache-control", "no-store")]
        if last_event_id is not None:
            own.append(("last-event-id", last_event_id))
        given = options.get("headers") or ()
        options["headers"] = own + list(given.items() if hasattr(given, "items") else given)
        return Opening(self, AsyncEventStream, method, path, options)

    # === time ===

    async def advance(self, seconds: float) -> None:
        """Let `seconds` pass for heartbeats and every timeout of the server, at once.

        From the first call on the server's clock stands still between two calls. A call also finishes the second
        that is under way, as deadlines are never early: `advance(15)` shows a heartbeat of 15 seconds, `advance(14)`
        does not. Timers of the app (`asyncio.sleep`, `sse.every`) keep real time.
        """
        state = self._state
        if state is None:
            raise RuntimeError("the app is not running: use the client in its `with` block")
        if not (math.isfinite(seconds) and seconds >= 0):
            raise ValueError(f"advance() takes a number of seconds from 0 on, not {seconds!r}")
        self._held = True
        state.clock.stop()
        for _ in range(math.ceil(seconds / state.clock.tick_s) + 1):
            state.clock.advance(1)
            await asyncio.sleep(0)  # what came due has a turn to act

    # === opening and dropping ===

    def _timeout(self, options: RequestOptions) -> float:
        timeout = options.get("timeout")
        return self.timeout if timeout is None else timeout

    async def _begin(self, kind: type[_Opened], method: str, path: str, options: StreamOptions) -> _Opened:
        """Connect, send the request and read the head."""
        host, port = self.address
        request = make_request(method, path, f"{host}:{port}", self.headers, self.cookies, options)
        timeout = self._timeout(options)
        async with within(timeout, f"{request}: no connection"):
            wire = await Wire.connect(
                self.address, receive_buffer=options.get("receive_buffer"), read_rate=options.get("read_rate")
            )
        response = kind(request, wire, timeout)
        self._open = [*(one for one in self._open if not one.closed), response]
        try:
            await response.begin()
        except BaseException:
            await response.close()
            raise
        for line in response.headers.get_all("set-cookie"):
            self.cookies.take(line, request.path)
        return response


class Opening(Generic[_Opened]):
    """A response that is being asked for: awaited it is open, as a context manager it is closed with the block."""

    def __init__(
        self,
        client: AsyncTestClient,
        kind: type[_Opened],
        method: str,
        path: str,
        options: StreamOptions,
    ) -> None:
        self._begin: Callable[[], Coroutine[Any, Any, _Opened]]
        self._begin = lambda: client._begin(kind, method, path, options)
        self._opened: _Opened | None = None

    def __await__(self) -> Generator[Any, None, _Opened]:
        return self._begin().__await__()

    async def __aenter__(self) -> _Opened:
        self._opened = await self._begin()
        return self._opened

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._opened is not None  # it was entered
        await self._opened.close()

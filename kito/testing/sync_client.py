"""TestClient: runs an app in a thread of its own, and asks it from a plain test."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, Unpack

from .async_client import TIMEOUT_S, AsyncTestClient
from .cookies import CookieJar
from .portal import Portal
from .requests import Fields, RequestOptions, StreamOptions
from .responses import ClientResponse
from .streams import AsyncEventStream, AsyncStream
from .sync_streams import EventStream, Stream

if TYPE_CHECKING:
    from ..serving.lifecycle import Server

__all__ = ("TestClient",)

STOP_S: Final = 10.0  # for an app to stop, over and above the time of an operation


class TestClient:
    """Serves `app` from a thread with a loop of its own while the block runs: `with TestClient(app) as client`.

    Requests go over a real loopback socket, each on a connection of its own. `timeout` is the time of every
    operation in seconds; an app that blocks its loop is noticed a second later. `headers` are sent with every
    request. `cookies` that the app sets are kept and sent. Other options are those of `server()`, for this run;
    where the app listens, and TLS, are the client's affair.

    Leaving the block closes what is open, stops the app, and raises `LeakError` when a task, stream or connection
    does not come to its end. A client is for one thread at a time.
    """

    __test__ = False  # nothing for pytest to collect

    def __init__(self, app: Server, *, timeout: float = TIMEOUT_S, headers: Fields = (), **options: Any) -> None:
        self._client = AsyncTestClient(app, timeout=timeout, headers=headers, **options)
        self._portal: Portal | None = None

    @property
    def app(self) -> Server:
        """The app as it was given."""
        return self._client.app

    @property
    def timeout(self) -> float:
        """The time of every operation, in seconds."""
        return self._client.timeout

    @property
    def cookies(self) -> CookieJar:
        """The cookies that are sent with every request."""
        return self._client.cookies

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the running app; `RuntimeError` outside of the block."""
        return self._client.address

    @property
    def origin(self) -> str:
        """What stands before the paths of the running app, such as "http://127.0.0.1:41234"."""
        return self._client.origin

    # === the app's life ===

    def __enter__(self) -> Self:
        self._portal = Portal()
        try:
            self._portal.run(self._client.__aenter__, self.timeout)
        except BaseException:
            self._portal.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        portal = self._running
        self._portal = None
        try:
            portal.run(lambda: self._client.__aexit__(kind, error, trace), self.timeout + STOP_S)
        finally:
            portal.close()

    @property
    def _running(self) -> Portal:
        if self._portal is None:
            raise RuntimeError("the app is not running: use the client in its `with` block")
        return self._portal

    # === requests ===

    def request(self, method: str, path: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        """Ask, and read the whole response; redirects are not followed.

        Raises `ResponseTruncated`, `ResponseTimeout`, `MalformedResponse`; `ValueError` or `TypeError` for a request
        that cannot be.
        """
        return self._running.run(lambda: self._client.request(method, path, **options), self._seconds(options))

    def get(self, path: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        """`request("GET", path)`."""
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        """`request("POST", path)`."""
        return self.request("POST", path, **options)

    def put(self, path: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        """`request("PUT", path)`."""
        return self.request("PUT", path, **options)

    def patch(self, path: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        """`request("PATCH", path)`."""
        return self.request("PATCH", path, **options)

    def delete(self, path: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        """`request("DELETE", path)`."""
        return self.request("DELETE", path, **options)

    def head(self, path: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        """`request("HEAD", path)`."""
        return self.request("HEAD", path, **options)

    def options(self, path: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        """`request("OPTIONS", path)`."""
        return self.request("OPTIONS", path, **options)

    # === streams ===

    def stream(self, method: str, path: str, **options: Unpack[StreamOptions]) -> Stream:
        """Ask, and read the body chunk by chunk: `with client.stream(...) as stream`, or close it yourself."""

        async def begin() -> AsyncStream:
            return await self._client.stream(method, path, **options)

        return Stream(self._running, self._running.run(begin, self._seconds(options)))

    def sse(
        self, path: str, *, method: str = "GET", last_event_id: str | None = None, **options: Unpack[StreamOptions]
    ) -> EventStream:
        """Ask for an event stream: `with client.sse(path) as events`, or close it yourself.

        `last_event_id` is sent as a reconnecting browser sends it.
        """

        async def begin() -> AsyncEventStream:
            return await self._client.sse(path, method=method, last_event_id=last_event_id, **options)

        return EventStream(self._running, self._running.run(begin, self._seconds(options)))

    # === time ===

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass for heartbeats and every timeout of the server, at once.

        From the first call on the server's clock stands still between two calls. A call also finishes the second
        that is under way, as deadlines are never early: `advance(15)` shows a heartbeat of 15 seconds, `advance(14)`
        does not. Timers of the app (`asyncio.sleep`, `sse.every`) keep real time.
        """
        self._running.run(lambda: self._client.advance(seconds), self.timeout)

    def _seconds(self, options: RequestOptions) -> float:
        timeout = options.get("timeout")
        return self.timeout if timeout is None else timeout

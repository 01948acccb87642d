"""kito.testing: clients that run an app for a test, read its streams as they are framed, and fail what it leaks.

`TestClient` is for plain tests, `AsyncTestClient` for tests that run on an event loop.
"""

from .async_client import AsyncTestClient
from .cookies import CookieJar
from .event_parser import EventParser, ReceivedEvent
from .failures import EndOfStream, LeakError, MalformedResponse, ResponseTimeout, ResponseTruncated
from .responses import ClientResponse
from .streams import AsyncEventStream, AsyncStream
from .sync_client import TestClient
from .sync_streams import EventStream, Stream

__all__ = (
    "AsyncEventStream",
    "AsyncStream",
    "AsyncTestClient",
    "ClientResponse",
    "CookieJar",
    "EndOfStream",
    "EventParser",
    "EventStream",
    "LeakError",
    "MalformedResponse",
    "ReceivedEvent",
    "ResponseTimeout",
    "ResponseTruncated",
    "Stream",
    "TestClient",
)

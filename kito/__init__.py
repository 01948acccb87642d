"""kito: a web server for streamed responses and Server-Sent Events.

`server()` makes one; handlers are registered on it and name what they want: `res`, `req`, path parameters.
"""

from typing import Any

from ._core.event import Event
from ._core.stream import SSEWriter, StreamWriter
from ._core.tally import StreamEnd
from ._version import __version__
from .blocking_writers import BlockingSSEWriter, BlockingStreamWriter
from .browser import client_script
from .chains import Next, middleware
from .config import Limits, Timeouts
from .error_kinds import KnownError, error
from .errors import (
    ConfigError,
    ConnectionClosed,
    HTTPError,
    KitoError,
    LocalProtocolError,
    ProtocolError,
    RemoteProtocolError,
    RoutingError,
    ValidationError,
    WorkerError,
)
from .fixed import static
from .forms import FormData, UploadFile
from .headers import Headers
from .registration import Router
from .request import Context, Request
from .response import Response
from .serving.lifecycle import Server
from .threads import BlockingResponse
from .validation import Schema, schema, t

__all__ = (
    "BlockingResponse",
    "BlockingSSEWriter",
    "BlockingStreamWriter",
    "ConfigError",
    "ConnectionClosed",
    "Context",
    "Event",
    "FormData",
    "HTTPError",
    "Headers",
    "KitoError",
    "KnownError",
    "Limits",
    "LocalProtocolError",
    "Next",
    "ProtocolError",
    "RemoteProtocolError",
    "Request",
    "Response",
    "Router",
    "RoutingError",
    "SSEWriter",
    "Schema",
    "Server",
    "StreamEnd",
    "StreamWriter",
    "Timeouts",
    "UploadFile",
    "ValidationError",
    "WorkerError",
    "__version__",
    "client_script",
    "error",
    "middleware",
    "router",
    "schema",
    "server",
    "static",
    "t",
)


def server(**options: Any) -> Server:
    """Return a new server; nothing is bound before `listen()`, `serve()` or `running()`.

    Options: `host="127.0.0.1"`, `port=3000`, `unix_socket`, `reuse_port=False`, `workers=1`,
    `trust_proxy=()`, `tls`, `limits=Limits()`, `timeouts=Timeouts()`, `access_log=False`, `debug=False`;
    `max_request_size=` (bytes) and `timeout=` (seconds) are short for `Limits(body_size=)` and
    `Timeouts(handler=)`. Raises `ConfigError` for what cannot be meant.
    """
    return Server(**options)


def router(*, host: str | None = None) -> Router:
    """Return a new router: routes and middlewares to be mounted, `app.mount("/cats", cats)`, once or often.

    With a `host`, such as "api.example.com" or "*.example.com", they are for requests to it. Raises `RoutingError`.
    """
    return Router(host=host)

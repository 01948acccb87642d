"""The exceptions of kito: one tree, told apart by who has to act on them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, ClassVar, Final

__all__ = (
    "BacklogExceeded",
    "BadRequest",
    "BodyLengthMismatch",
    "BodyTooLarge",
    "ConfigError",
    "ConnectionClosed",
    "DuplicateRoute",
    "HTTPError",
    "HandlerTimeout",
    "HeadTooLarge",
    "InvalidAnswer",
    "InvalidEvent",
    "InvalidHeader",
    "InvalidPath",
    "KitoError",
    "LocalProtocolError",
    "NotImplementedCoding",
    "NothingAnswered",
    "ProtocolError",
    "RemoteProtocolError",
    "RequestTimeout",
    "ResponseEnded",
    "ResponseStarted",
    "RoutingError",
    "URITooLong",
    "ValidationError",
    "VersionNotSupported",
    "WorkerError",
    "error_document",
    "reason_phrase",
)

# RFC 9110 section 15 where older Pythons have the phrases of RFC 7231
_PHRASES: Final = {
    413: "Content Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
}


def reason_phrase(status: int) -> str:
    """Return the reason phrase of a status code (RFC 9110 §15), "" when it has none."""
    try:
        return _PHRASES.get(status) or HTTPStatus(status).phrase
    except ValueError:
        return ""


def _name(status: int) -> str:
    """Return what to call an error status: its phrase, or its class's when it has none of its own."""
    return reason_phrase(status) or ("Client Error" if status < 500 else "Server Error")


class KitoError(Exception):
    """The base of every exception that kito raises; catch it to catch them all."""


# === The protocol: somebody broke its rules ===


class ProtocolError(KitoError):
    """Raised when an HTTP rule is broken; catch one of its two branches to learn by whom.

    `message` is the sentence that `str()` gives, `status` the HTTP status code that answers it.
    """

    status: int = 500
    default_message: ClassVar[str] = "a rule of HTTP was broken"

    def __init__(self, message: str | None = None, status: int | None = None) -> None:
        self.message = self.default_message if message is None else message
        if status is not None:
            self.status = status
        super().__init__(self.message)


class RemoteProtocolError(ProtocolError):
    """Raised when the client broke a rule; kito answers with `status` and closes the connection."""

    status = 400
    default_message = "the client broke a rule of HTTP"


class BadRequest(RemoteProtocolError):
    """Raised for a request that cannot be read (RFC 9110 §15.5.1); the client has to mend it."""

    default_message = "the request is malformed"


class RequestTimeout(RemoteProtocolError):
    """Raised when head or body arrive too slowly (RFC 9110 §15.5.9); see `Timeouts.head`, `.body`."""

    status = 408
    default_message = "the request did not arrive in time"


class BodyTooLarge(RemoteProtocolError):
    """Raised when a body is over its limit (RFC 9110 §15.5.14); raise the limit or stream the body."""

    status = 413
    default_message = "the request body is over the limit"


class URITooLong(RemoteProtocolError):
    """Raised when the target is over `Limits.url_size` (RFC 9110 §15.5.15); data belongs in the body."""

    status = 414
    default_message = "the request target is over the limit"


class HeadTooLarge(RemoteProtocolError):
    """Raised when the head is over `Limits.head_size` or `.header_count` (RFC 6585 §5); send less."""

    status = 431
    default_message = "the request head is over the limit"


class NotImplementedCoding(RemoteProtocolError):
    """Raised for a transfer coding other than chunked (RFC 9112 §6.1); the client has to use chunked."""

    status = 501
    default_message = "the transfer coding is not known; only chunked is"


class VersionNotSupported(RemoteProtocolError):
    """Raised for a version other than HTTP/1.0 and 1.1 (RFC 9110 §15.6.6); the client has to use one."""

    status = 505
    default_message = "the HTTP version is not supported; use HTTP/1.1"


class LocalProtocolError(ProtocolError):
    """Raised when the application broke a rule; the code of the handler has to change."""

    default_message = "the application broke a rule of HTTP"


class ResponseStarted(LocalProtocolError):
    """Raised when status or headers are changed after the head was committed; set them earlier."""

    default_message = "the response has started: its status and headers are fixed"


class ResponseEnded(LocalProtocolError):
    """Raised by a write behind `end()` or a second answer; check `closed` or answer once."""

    default_message = "the response has ended: nothing more can be written to it"


class BodyLengthMismatch(LocalProtocolError):
    """Raised when a body differs from its declared content-length; mend the header or leave it out."""

    default_message = "the body is not as long as its content-length says"


class NothingAnswered(LocalProtocolError):
    """Raised, to be logged, when a handler neither answered nor kept a writer; answer or return a value."""

    default_message = "the handler returned without an answer"


class HandlerTimeout(LocalProtocolError):
    """Raised when a handler takes longer than `Timeouts.handler`; raise the bound or answer sooner."""

    status = 503
    default_message = "the server did not answer in time"


class InvalidAnswer(LocalProtocolError):
    """Raised by an answer that is not what its route's schema declares; mend the handler or the schema."""

    default_message = "the answer is not what its schema says"


class InvalidHeader(LocalProtocolError, ValueError):
    """Raised when a header may not be sent as given (RFC 9110 §5); take the bad character out."""

    default_message = "the header has a character that RFC 9110 forbids"


class InvalidEvent(LocalProtocolError, ValueError):
    """Raised when a field of an event would break the stream (WHATWG HTML §9.2.5); take out CR, LF, NUL."""

    default_message = "the event has a field that an event stream cannot carry"


class BacklogExceeded(LocalProtocolError):
    """Raised by a write over `Limits.max_backlog` under the policy "raise"; await writes or drop data."""

    default_message = "the client reads too slowly: the backlog of unsent bytes is full"


# === The peer, the handler, the registration ===


class ConnectionClosed(KitoError):
    """Raised by an awaited read or write when the client has gone; stop producing.

    `reason` says how it went, in words.
    """

    def __init__(self, reason: str = "the client closed the connection") -> None:
        self.reason = reason
        super().__init__(reason)


class HTTPError(KitoError):
    """Raised by a handler on purpose to answer with an error status; kito turns it into the response.

    `status` is 400 to 599 (else `ValueError`), `message` is shown to the client (default: the reason
    phrase of RFC 9110 §15), `headers` are added to the answer in the order given, `code` is a word for
    programs such as "CAT_NOT_FOUND".
    """

    def __init__(
        self,
        status: int,
        message: str | None = None,
        *,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
        code: str | None = None,
    ) -> None:
        if type(status) is not int or not 400 <= status <= 599:
            raise ValueError(f"HTTPError takes 400 to 599, got {status!r}: answer others with res.status()")
        pairs = headers.items() if isinstance(headers, Mapping) else headers or ()
        self.status = status
        self.message = _name(status) if message is None else message
        self.headers: tuple[tuple[str, str], ...] = tuple(pairs)
        self.code = code
        super().__init__(status, self.message)

    def __str__(self) -> str:
        return f"{self.status} {self.message}"


class ValidationError(HTTPError):
    """Raised with 400 when values of a request are not what their route asks for; tells every one of them.

    `details` has a dictionary for each: `in`, the part of the request ("params", "query", "headers", "cookies",
    "body"); `path`, the place in that part ("" is the whole of it); and `message`, what was expected.
    """

    def __init__(self, details: Iterable[Mapping[str, str]]) -> None:
        self.details: tuple[dict[str, str], ...] = tuple(dict(detail) for detail in details)
        if not self.details:
            raise ValueError("a ValidationError tells at least one problem")
        first, *others = self.details
        place = f"{first['in']}.{first['path']}" if first["path"] else first["in"]
        more = f" (and {len(others)} more)" if others else ""
        super().__init__(400, f"{place}: {first['message']}{more}")


class RoutingError(KitoError):
    """Raised at registration when a route cannot be added; mend the path or the method."""


class DuplicateRoute(RoutingError):
    """Raised when method and path are taken already; the message names both paths, keep one."""


class InvalidPath(RoutingError):
    """Raised when a path cannot be understood; the message says what to write instead."""


class ConfigError(KitoError, ValueError):
    """Raised when an option is unknown, of the wrong type or out of range; the message says what to write."""


class WorkerError(KitoError):
    """Raised by `listen(workers=...)` when a worker cannot be started; the message says which one and why."""


def error_document(
    status: int,
    message: str | None = None,
    code: str | None = None,
    details: Iterable[Mapping[str, str]] | None = None,
) -> dict[str, Any]:
    """Return the JSON body of an error response: `error` is the status's phrase, `message` says what was wrong.

    `code` and `details` stand in it where they are given.
    """
    phrase = _name(status)
    document: dict[str, Any] = {"error": phrase}
    if message is not None and message != phrase:
        document["message"] = message
    if code is not None:
        document["code"] = code
    if details is not None:
        document["details"] = list(details)
    return document

"""Request: what a client sent, read on demand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar, cast

import msgspec

from ._core.request import Request as CoreRequest
from .cookies import Secret, unsign
from .errors import BadRequest, LocalProtocolError
from .forms import FormData, FormLimits, form_of
from .headers import Headers, MultiDict, parse_cookies, parse_query
from .media_types import decode_text
from .proxies import Origin, Proxies, plain_address, without_port

if TYPE_CHECKING:
    from .response import Response

__all__ = ("Context", "Request", "request_class")


class Context(SimpleNamespace):
    """What one request's handler and its helpers share: `req`, `res`, and whatever they add."""

    req: Request
    res: Response


class Request(CoreRequest):
    """The request of one exchange; everything is read when it is asked for and kept.

    `method`, `raw_target`, `raw_headers`, `raw_body`, `http_version`, `params` and `last_event_id` come from the core.
    """

    __slots__ = ()

    @property
    def ctx(self) -> Context:
        """The context of this request: the same object for everybody who asks."""
        if self._ctx is None:
            self._ctx = Context(req=self, res=self._response)
        return self._ctx

    @property
    def url(self) -> str:
        """The target as sent: path and query, or an absolute URL (RFC 9112 §3.2)."""
        return self.raw_target.decode("latin-1")

    @property
    def path(self) -> str:
        """The path as sent, still percent-encoded, without the query."""
        return self.url.partition("?")[0]

    @property
    def query_string(self) -> str:
        """What follows the first `?`, still encoded; "" when there is none."""
        return self.url.partition("?")[2]

    # The next four are what a route's schema makes of them, where it has a type for the part.

    @property
    def query(self) -> MultiDict:
        """The query's fields, decoded (WHATWG URL §5.1); `BadRequest` beyond the bound on fields."""
        if self._checked is not None and "query" in self._checked:
            return cast("MultiDict", self._checked["query"])
        if self._query is None:
            self._query = parse_query(self.query_string)
        return self._query

    @property
    def headers(self) -> Headers:
        """The header fields: case-insensitive, every line kept (RFC 9110 §5)."""
        if self._checked is not None and "headers" in self._checked:
            return cast("Headers", self._checked["headers"])
        return self._sent_headers()

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies by name (RFC 6265 §5.4); of two with one name the first counts."""
        if self._checked is not None and "cookies" in self._checked:
            return cast("dict[str, str]", self._checked["cookies"])
        return self._sent_cookies()

    @property
    def body(self) -> bytes:
        """The whole body, `b""` when there was none; `LocalProtocolError` for one that is streamed and not read yet."""
        if self._checked is not None and "body" in self._checked:
            return cast("bytes", self._checked["body"])
        return self.raw_body

    def _sent_headers(self) -> Headers:
        if self._headers is None:
            self._headers = Headers(self.raw_headers)
        return self._headers

    def _sent_cookies(self) -> dict[str, str]:
        if self._cookies is None:
            self._cookies = parse_cookies(self._sent_headers().get_all("cookie"))
        return self._cookies

    @property
    def trailers(self) -> Headers:
        """The fields behind a chunked body (RFC 9110 §6.5), empty before its end.

        What would frame, route or authenticate the request has no say there, and is left out.
        """
        return Headers(self.raw_trailers)

    @property
    def hostname(self) -> str:
        """The host that the client asked for, without its port; "" when an HTTP/1.0 client named none.

        It is that of an absolute target, else of the Host field (RFC 9112 §3.3); a proxy that is trusted may
        have said another.
        """
        return self._origin().host or without_port(self.raw_authority.decode("latin-1"))

    @property
    def client(self) -> tuple[str, int] | None:
        """Address and port of the peer, or whom the PROXY protocol says it speaks for; None on a Unix socket."""
        peer = self.connection_info("peername")
        return (peer[0], peer[1]) if isinstance(peer, tuple) else None

    @property
    def ip(self) -> str | None:
        """The address of the client; that of the peer unless trusted proxies say more. None on a Unix socket."""
        ips = self._origin().ips
        return ips[0] if ips else None

    @property
    def ips(self) -> tuple[str, ...]:
        """The addresses of the client and of the trusted proxies that it came through, the peer last."""
        return self._origin().ips

    @property
    def protocol(self) -> str:
        """How the client speaks, to us or to a proxy that is trusted to say so: "https" or "http"."""
        return self._origin().protocol or ("https" if self.connection_info("sslcontext") is not None else "http")

    @property
    def secure(self) -> bool:
        """True when `protocol` is "https"."""
        return self.protocol == "https"

    @property
    def xhr(self) -> bool:
        """True when a script says that it asks: `X-Requested-With: XMLHttpRequest`, by convention."""
        return (self.header("x-requested-with") or "").lower() == "xmlhttprequest"

    def _origin(self) -> Origin:
        """Where the request comes from; without proxies, from the peer."""
        peer = self.client
        return Origin(() if peer is None else (plain_address(peer[0]),))

    def header(self, name: str) -> str | None:
        """Return the first value of a header field as sent, None when it is absent."""
        return self._sent_headers().get(name)

    def param(self, name: str) -> str | None:
        """Return a path parameter, None when the route has none of that name."""
        value: str | None = self.params.get(name)
        return value

    def query_param(self, name: str) -> str | None:
        """Return the first value of a query field as sent, None when it is absent."""
        if self._query is None:
            self._query = parse_query(self.query_string)
        return self._query.get(name)

    def cookie(self, name: str, *, secret: Secret | None = None) -> str | None:
        """Return a cookie's value as sent, None when it is absent.

        With a `secret`, or a list of which any counts, return the value that `res.cookie(..., secret=...)` has
        signed, and None for every other.
        """
        value = self._sent_cookies().get(name)
        return value if value is None or secret is None else unsign(name, value, secret)

    def stream(self) -> AsyncIterator[bytes]:
        """Return the body as an asynchronous iterator of what has arrived, never b"".

        With the route option `stream_body=True` it arrives while the handler runs, and once: what is not taken
        is not read from the client. Else it is here already. A step raises `ConnectionClosed` when the client
        leaves in the middle, `BodyTooLarge`, `RequestTimeout` or `BadRequest` for what is wrong with the body.
        """
        return self.open_body()

    async def read(self) -> bytes:
        """Return the whole body, waiting for it where it is streamed; `body`, `text()` and `json()` have it then.

        Behind a part that `stream()` gave it is the rest. Raises what a step of `stream()` raises.
        """
        return await self.read_body()

    def text(self) -> str:
        """Return the body as text, in the charset that its content type names, else UTF-8.

        `BadRequest` for a body that is not, and for a charset other than UTF-8, US-ASCII and ISO-8859-1.
        """
        return decode_text(self.raw_body, self.header("content-type") or "")

    def json(self) -> Any:
        """Return the body decoded from JSON (RFC 8259); `BadRequest` when it is not."""
        try:
            return msgspec.json.decode(self.raw_body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise BadRequest(f"the body is not JSON: {error}") from None

    def form(
        self,
        *,
        max_parts: int = FormLimits.max_parts,
        max_files: int = FormLimits.max_files,
        max_fields_size: int = FormLimits.max_fields_size,
        max_file_size: int | None = FormLimits.max_file_size,
        spool_size: int = FormLimits.spool_size,
    ) -> FormData:
        """Return the fields and files of a form, urlencoded or multipart; the same object each time.

        `max_parts` bounds the fields and files, `max_files` the files, `max_fields_size` the bytes of all fields
        together, `max_file_size` those of each file. Raises `HTTPError` 415 for what is no form, `BadRequest`
        for one that is malformed, `BodyTooLarge` over a bound, and `ConfigError` where a multipart form comes and the
        extra `[forms]` is not installed. Where the route has its body streamed, `await` the form: it is read then,
        and beyond `spool_size` bytes files go to the disk.
        """
        if self._form is None:
            limits = FormLimits(max_parts, max_files, max_fields_size, max_file_size, spool_size)
            self._form = form_of(self.header("content-type") or "", *self._form_source(), limits)
        return self._form

    def _form_source(self) -> tuple[bytes, Callable[[], AsyncIterator[bytes]] | None]:
        """Return the body, or what gives it while it arrives."""
        try:
            return self.raw_body, None
        except LocalProtocolError:
            return b"", self.stream

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.url}>"


class ForwardedRequest(Request):
    """The request of a server behind `proxies`, which are asked once where it comes from."""

    __slots__ = ("_known_origin",)

    proxies: ClassVar[Proxies]
    _known_origin: Origin

    def _origin(self) -> Origin:
        try:
            return self._known_origin
        except AttributeError:
            peer = self.client
            self._known_origin = self.proxies.origin(None if peer is None else peer[0], self._sent_headers())
            return self._known_origin


def request_class(proxies: Proxies | None) -> type[Request]:
    """Return the class of the requests of a server that is behind `proxies`; without any they cost nothing."""
    if proxies is None:
        return Request
    return type("Request", (ForwardedRequest,), {"__slots__": (), "proxies": proxies})

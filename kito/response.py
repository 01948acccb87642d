"""Response: status, headers and every way to answer."""

from __future__ import annotations

import datetime
import email.utils
import mimetypes
from collections.abc import Coroutine, Mapping
from typing import Any, Final, Literal, Self, Unpack, overload
from urllib.parse import quote

from ._core.response import Response as CoreResponse
from ._core.stream import SSEWriter, StreamWriter
from .errors import InvalidHeader, reason_phrase
from .pacing import EventOptions, StreamOptions, make_flow
from .streaming import Source, as_items, pump

__all__ = ("Response",)

_COOKIE_NAME: Final = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_SAME_SITE: Final = {"strict": "Strict", "lax": "Lax", "none": "None"}
_SHORT_TYPES: Final = {"text": "text/plain", "html": "text/html", "json": "application/json"}
# bytes that a URL may hold as they are (RFC 3986); everything else is percent-encoded
_URL_SAFE: Final = "!#$%&'()*+,/:;=?@[]~"


class Response(CoreResponse):
    """The response of one exchange; what sets the head is chainable, what answers is terminal.

    `status header append remove get send text html json end headers_sent` come from the core.
    """

    __slots__ = ()

    def set(self, name: str, value: str | int) -> Self:
        """Set a header, replacing what was there; the same as `header`."""
        self.header(name, value)
        return self

    def headers(self, fields: Mapping[str, str | int]) -> Self:
        """Set several headers; `InvalidHeader` for a name or value that cannot be sent."""
        for name, value in fields.items():
            self.header(name, value)
        return self

    def type(self, content_type: str) -> Self:
        """Set the content type: a media type, a file ending such as "png", or "text", "html", "json"."""
        kind = content_type
        if "/" not in kind:
            found = _SHORT_TYPES.get(kind) or mimetypes.guess_type(f"x.{kind.lstrip('.')}")[0]
            if found is None:
                raise InvalidHeader(f"{content_type!r} is no known file ending: write a media type such as 'image/png'")
            kind = found
        if kind.startswith("text/") and "charset" not in kind and kind != "text/event-stream":
            kind += "; charset=utf-8"
        self.header("content-type", kind)
        return self

    def content_type(self, content_type: str) -> Self:
        """Set the content type; the same as `type`."""
        return self.type(content_type)

    def vary(self, *fields: str) -> Self:
        """Add request headers to Vary, each once (RFC 9110 §12.5.5)."""
        named = [name.strip() for name in (self.get("vary") or "").split(",") if name.strip()]
        known = {name.lower() for name in named}
        for field in fields:
            if field.lower() not in known:
                known.add(field.lower())
                named.append(field)
        if named:
            self.header("vary", ", ".join(named))
        return self

    def links(self, links: Mapping[str, str]) -> Self:
        """Add a Link header from relations to URLs (RFC 8288)."""
        if links:
            self.append("link", ", ".join(f'<{quote(url, _URL_SAFE)}>; rel="{rel}"' for rel, url in links.items()))
        return self

    def location(self, url: str) -> Self:
        """Set Location; characters that a URL cannot hold are percent-encoded (RFC 9110 §10.2.2)."""
        self.header("location", quote(url, _URL_SAFE))
        return self

    def attachment(self, filename: str | None = None) -> Self:
        """Offer the body as a download, under a name if one is given (RFC 6266)."""
        value = "attachment"
        if filename is not None:
            plain = filename.encode("ascii", "replace").decode().translate({34: "'", 92: "_"})
            value += f'; filename="{plain}"'
            if plain != filename:
                value += f"; filename*=UTF-8''{quote(filename, '')}"
        self.header("content-disposition", value)
        return self

    def cookie(
        self,
        name: str,
        value: str,
        *,
        max_age: int | None = None,
        expires: datetime.datetime | None = None,
        path: str | None = "/",
        domain: str | None = None,
        secure: bool = False,
        http_only: bool = False,
        same_site: Literal["strict", "lax", "none"] | None = "lax",
        partitioned: bool = False,
    ) -> Self:
        """Set a cookie in a header line of its own (RFC 6265 §4.1).

        `max_age` is in seconds. The value is percent-encoded where a cookie cannot hold it. Raises
        `InvalidHeader` for a name or attribute that cannot be sent.
        """
        if not name or not _COOKIE_NAME.issuperset(name):
            raise InvalidHeader(f"{name!r} is not a cookie name: a token without spaces or separators is needed")
        parts = [f"{name}={quote(value, safe='!#$%&()*+-./:<=>?@[]^_`{|}~')}"]
        if max_age is not None:
            parts.append(f"Max-Age={int(max_age)}")
        if expires is not None:
            parts.append(f"Expires={email.utils.format_datetime(expires.astimezone(datetime.UTC), usegmt=True)}")
        for attribute, text in (("Domain", domain), ("Path", path)):
            if text is not None:
                if ";" in text:
                    raise InvalidHeader(f"the {attribute} of a cookie must not hold ';': {text!r}")
                parts.append(f"{attribute}={text}")
        if same_site is not None:
            if same_site not in _SAME_SITE:
                raise InvalidHeader(f"same_site is 'strict', 'lax' or 'none', not {same_site!r}")
            parts.append(f"SameSite={_SAME_SITE[same_site]}")
        flags = {"Secure": secure or same_site == "none", "HttpOnly": http_only, "Partitioned": partitioned}
        parts += [flag for flag, wanted in flags.items() if wanted]
        self.append("set-cookie", "; ".join(parts))
        return self

    def clear_cookie(self, name: str, *, path: str | None = "/", domain: str | None = None) -> Self:
        """Make the client forget a cookie; `path` and `domain` as they were set."""
        return self.cookie(name, "", max_age=0, path=path, domain=domain)

    def send_status(self, code: int) -> None:
        """Answer with a status and its phrase as text; terminal."""
        self.status(code)
        self.text(reason_phrase(code) or str(code))

    def redirect(self, url: str, code: int = 302) -> None:
        """Answer with a redirect, 301, 302, 303, 307 or 308; terminal. `ValueError` for another code."""
        if code not in (301, 302, 303, 307, 308):
            raise ValueError(f"a redirect is 301, 302, 303, 307 or 308, not {code}")
        self.status(code)
        self.location(url).end()

    @overload
    def stream(self, **options: Unpack[StreamOptions]) -> StreamWriter: ...
    @overload
    def stream(self, source: Source, **options: Unpack[StreamOptions]) -> Coroutine[Any, Any, None]: ...
    def stream(self, source: Source | None = None, **options: Any) -> Any:
        """Begin a streamed body and return its writer; the head leaves with the first chunk of this loop turn.

        With `source`, an iterable or async iterable of chunks or a file, return a coroutine that writes it, ends the
        body and closes the source: `await res.stream(rows())`. A file is read in a thread, 64 KiB at once. The type is
        application/octet-stream unless set. `options` are those of `kito.pacing.StreamOptions`: `high_water`,
        `max_backlog`, `overflow`, `coalesce`, `max_age`. Raises `ResponseStarted`, `ResponseEnded`, `TypeError` for
        another source, `TypeError` and `ValueError` for wrong options.
        """
        items = None if source is None else as_items(source)
        writer = self.open_stream(make_flow(options, events=False) if options else None)
        return writer if items is None else pump(writer, items)

    def sse(
        self,
        *,
        retry: int | None = None,
        heartbeat: float = 15,
        headers: Mapping[str, str] | None = None,
        **options: Unpack[EventOptions],
    ) -> SSEWriter:
        """Begin an event stream and return its writer (WHATWG HTML §9.2).

        `retry`: reconnection time for the client in milliseconds. `heartbeat`: a comment after so many
        seconds of silence, 0 turns it off. `headers`: set first, and kept where the defaults would set
        the same. `options` are those of `kito.pacing.EventOptions`: `high_water`, `max_backlog`,
        `overflow`, `coalesce`, `max_age`. Raises `InvalidEvent`, `ResponseStarted`, `ResponseEnded`,
        `TypeError` and `ValueError` for wrong options.
        """
        if heartbeat < 0:
            raise ValueError(f"heartbeat is a number of seconds, 0 for none, not {heartbeat!r}")
        flow = make_flow(options, events=True) if options else None
        for name, value in (headers or {}).items():
            self.header(name, value)
        return self.open_events(retry, heartbeat, flow)

    def sse_done(self) -> None:
        """Answer 204: an `EventSource` that has reconnected stops for good (WHATWG HTML §9.2.3); terminal.

        For a client whose `req.last_event_id` says that it has seen everything. The answer is not to be stored.
        """
        self.header("cache-control", "no-store")
        self.status(204).end()

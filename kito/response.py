"""Response: status, headers and every way to answer."""

from __future__ import annotations

import datetime
import os
from collections.abc import Awaitable, Coroutine, Mapping
from typing import Any, Final, Literal, Self, Unpack, overload
from urllib.parse import quote

from ._core.response import Response as CoreResponse
from ._core.stream import SSEWriter, StreamWriter
from .cookies import CookieAttributes, Secret, cookie_line, sign
from .errors import HTTPError, InvalidHeader, reason_phrase
from .files import FileAnswer, FileOptions, safe_name
from .media_types import guess_type, with_charset
from .negotiation import best_type
from .pacing import EventOptions, StreamOptions, make_flow
from .streaming import Source, as_items, pump

__all__ = ("Response",)

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
        self.header("content-type", with_charset(self._media_type(content_type)))
        return self

    def _media_type(self, kind: str) -> str:
        if "/" in kind:
            return kind
        found = _SHORT_TYPES.get(kind) or guess_type(f"x.{kind.lstrip('.')}")
        if found is None:
            raise InvalidHeader(f"{kind!r} is no known file ending: write a media type such as 'image/png'")
        return found

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
        secret: Secret | None = None,
    ) -> Self:
        """Set a cookie in a header line of its own (RFC 6265 §4.1).

        `max_age` is in seconds. The value is percent-encoded where a cookie cannot hold it. With a `secret`, or a
        list of which the first counts, the value is signed: `req.cookie(name, secret=...)` gives it back, and
        nothing for one that the client made up. Raises `InvalidHeader` for a name, a size or an attribute that
        browsers would drop.
        """
        attributes = CookieAttributes(max_age, expires, path, domain, secure, http_only, same_site, partitioned)
        text = value if secret is None else sign(name, value, secret)
        self.append("set-cookie", cookie_line(name, text, attributes))
        return self

    def clear_cookie(
        self,
        name: str,
        *,
        path: str | None = "/",
        domain: str | None = None,
        secure: bool = False,
        partitioned: bool = False,
    ) -> Self:
        """Make the client forget a cookie; the attributes as they were set."""
        secure = secure or name.lower().startswith(("__secure-", "__host-"))
        return self.cookie(name, "", max_age=0, path=path, domain=domain, secure=secure, partitioned=partitioned)

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

    def send_file(
        self,
        path: str | os.PathLike[str],
        *,
        root: str | os.PathLike[str] | None = None,
        max_age: int | None = None,
        immutable: bool = False,
        dotfiles: bool = False,
        precompressed: bool = False,
        conditional: bool = True,
    ) -> Awaitable[None]:
        """Answer with a file; terminal, and need not be awaited: it is sent once the handler has returned.

        With a `root`, `path` may be what a client says: it is looked for below the root, which no "..", link or
        other trick leads out of, and names with a dot in front are found with `dotfiles=True` only. Without one it
        must be the application's own. Answers 404 where there is no such file, 304, 412, 206 and 416 as the
        request's conditions and ranges say (RFC 9110 §13, §14) unless `conditional` is False. `max_age` in seconds
        and `immutable` set Cache-Control. `precompressed` sends the sibling ".br", ".zst" or ".gz" to clients that
        take it. The disk is read by threads. Type, Cache-Control, ETag and Last-Modified that are set stay.
        """
        return self._send_file(
            path, root, FileOptions(None, None, max_age, immutable, dotfiles, precompressed, conditional)
        )

    def download(
        self,
        path: str | os.PathLike[str],
        filename: str | None = None,
        *,
        root: str | os.PathLike[str] | None = None,
        max_age: int | None = None,
        dotfiles: bool = False,
        conditional: bool = True,
    ) -> Awaitable[None]:
        """Answer with a file that the client is to save, as `filename` or under its own name; see `send_file`."""
        name = None if filename is None else safe_name(filename)
        options = FileOptions(None, name, max_age, False, dotfiles, False, conditional, True)
        return self._send_file(path, root, options)

    def _send_file(
        self, path: str | os.PathLike[str], root: str | os.PathLike[str] | None, options: FileOptions
    ) -> FileAnswer:
        self._check_open()
        top = None if root is None else os.fspath(root)
        answer = FileAnswer(self, os.fspath(path), options._replace(root=top))
        self._later = answer
        return answer

    def format(self, offers: Mapping[str, Any]) -> Any:
        """Answer in the form that the client likes best (RFC 9110 §12.5.1); terminal.

        `offers` has a media type, or "text", "html", "json" or a file ending, for each form, and either what is
        sent, or a function without parameters that answers or returns it. Without a preference the first one
        counts; the key "default" is for clients that like none, which is a 406 otherwise. Sets Vary, and the
        type. Returns what the function returns, where that has to be awaited: `return res.format(...)`.
        """
        kinds = {self._media_type(kind): kind for kind in offers if kind != "default"}
        self.vary("accept")
        chosen = best_type(self._request_field(b"accept"), list(kinds))
        if chosen is None and "default" not in offers:
            raise HTTPError(406, f"there are {', '.join(kinds)}", headers={"vary": self.get("vary") or "accept"})
        if chosen is not None:
            self.type(chosen)
        offer = offers["default" if chosen is None else kinds[chosen]]
        value = offer() if callable(offer) else offer
        if value is None or isinstance(value, Awaitable):
            return value
        return self.send(value)

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

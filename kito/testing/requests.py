"""Requests of the test clients: what a test says about one, and the bytes that go on the wire."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypedDict
from urllib.parse import quote, urlencode

from .cookies import CookieJar

__all__ = ("Body", "Fields", "OutgoingRequest", "Pairs", "RequestOptions", "StreamOptions", "make_request")

Fields = Mapping[str, str] | Iterable[tuple[str, str]]
Pairs = Mapping[str, Any] | Sequence[tuple[str, Any]]
Body = str | bytes | Iterable[bytes] | AsyncIterable[bytes]

TARGET_SAFE: Final = "/:?#[]@!$&'()*+,;=%~-._"  # characters of a target that are sent as they are
TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # of methods and names (RFC 9110 §5.6.2)
FORBIDDEN: Final = re.compile(r"[\r\n\0]")


class RequestOptions(TypedDict, total=False):
    """What may be said of a request beside method and path.

    query: fields behind the path. headers: fields, in place of the client's own of the same name. cookies: for this
    request, beside the client's. One of body (text, bytes, or an iterable of bytes, sent in chunks), json (any
    value), form (fields, URL-encoded). timeout: seconds, in place of the client's.
    """

    query: Pairs | str | None
    headers: Fields | None
    cookies: Mapping[str, str] | None
    body: Body | None
    json: Any
    form: Pairs | None
    timeout: float | None


class StreamOptions(RequestOptions, total=False):
    """The same for a response that is read while it is produced.

    read_rate: bytes a second that are taken from the socket. receive_buffer: SO_RCVBUF in bytes, which bounds what
    the kernel takes ahead of the reader.
    """

    read_rate: float | None
    receive_buffer: int | None


@dataclass(frozen=True, slots=True)
class OutgoingRequest:
    """A request as it is sent: the bytes of its head, and its body, whole or in pieces."""

    method: str
    path: str
    head: bytes
    body: bytes | Iterable[bytes] | AsyncIterable[bytes]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def make_request(
    method: str, target: str, host: str, defaults: Fields, jar: CookieJar, options: RequestOptions
) -> OutgoingRequest:
    """Return the request that the options describe; raises `ValueError` and `TypeError` for what cannot be."""
    if not TOKEN.fullmatch(method):
        raise ValueError(f"{method!r} is no method: write a token such as 'GET'")
    if not target.startswith("/") and target != "*":
        raise ValueError(f"{target!r} is no path of the app: it has to begin with '/'")
    target = quote(target, TARGET_SAFE) + _query(options.get("query"), "&" if "?" in target else "?")
    body, kind = _body(options)
    fields = {"host": host, "accept": "*/*", "user-agent": "kito-testing"}
    if kind is not None:
        fields["content-type"] = kind
    if isinstance(body, bytes):
        if body or method in ("POST", "PUT", "PATCH"):
            fields["content-length"] = str(len(body))
    else:
        fields["transfer-encoding"] = "chunked"
    path = target.partition("?")[0]
    cookies = [jar.header(path), *(f"{name}={value}" for name, value in (options.get("cookies") or {}).items())]
    if any(cookies):
        fields["cookie"] = "; ".join(filter(None, cookies))
    lines = _merge(fields, _pairs(defaults), _pairs(options.get("headers") or ()))
    head = "".join(f"{line}\r\n" for line in [f"{method} {target} HTTP/1.1", *lines, ""])
    return OutgoingRequest(method, path, head.encode("latin-1"), body)


def _query(query: Pairs | str | None, separator: str) -> str:
    if query is None:
        return ""
    return separator + (quote(query, TARGET_SAFE) if isinstance(query, str) else urlencode(query, doseq=True))


def _body(options: RequestOptions) -> tuple[bytes | Iterable[bytes] | AsyncIterable[bytes], str | None]:
    """Return the body and its content type, None for one that says nothing about itself."""
    given = [name for name in ("body", "json", "form") if options.get(name) is not None]
    if len(given) > 1:
        raise TypeError(f"a request has one body: {' and '.join(given)} were given")
    if "json" in options and not given:
        return b"null", "application/json"
    if not given:
        return b"", None
    if given == ["json"]:
        return json.dumps(options["json"]).encode(), "application/json"
    if given == ["form"]:
        return urlencode(options["form"] or (), doseq=True).encode(), "application/x-www-form-urlencoded"
    body = options["body"]
    assert body is not None  # it was given
    if isinstance(body, str):
        return body.encode(), "text/plain; charset=utf-8"
    return body, None


def _pairs(fields: Fields) -> list[tuple[str, str]]:
    pairs = list(fields.items()) if isinstance(fields, Mapping) else list(fields)
    for name, value in pairs:
        if not TOKEN.fullmatch(name) or FORBIDDEN.search(value):
            raise ValueError(f"{name!r}: {value!r} cannot be a header")
    return pairs


def _merge(*layers: dict[str, str] | list[tuple[str, str]]) -> list[str]:
    """Return the header lines; a later layer takes the place of an earlier one's field of the same name."""
    merged: dict[str, list[str]] = {}
    for layer in layers:
        pairs = list(layer.items()) if isinstance(layer, dict) else layer
        for name in dict.fromkeys(name.lower() for name, _ in pairs):
            merged[name] = [f"{name}: {value}" for other, value in pairs if other.lower() == name]
    return [line for lines in merged.values() for line in lines]

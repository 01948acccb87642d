"""CookieJar: the cookies that a test client keeps between its requests (RFC 6265 §5, for one host)."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

__all__ = ("CookieJar",)


class CookieJar(MutableMapping[str, str]):
    """A mapping of names to values as the server set them; deletions by `Max-Age` and `Expires` are followed.

    A cookie goes to the paths below its `Path`. `Secure` and `Domain` are not looked at: a test has one host, and
    speaks to it in the clear. Other expiry is not waited for.
    """

    def __init__(self) -> None:
        self._cookies: dict[str, tuple[str, str]] = {}  # name: value, path

    def __getitem__(self, name: str) -> str:
        return self._cookies[name][0]

    def __setitem__(self, name: str, value: str) -> None:
        self._cookies[name] = (value, "/")

    def __delitem__(self, name: str) -> None:
        del self._cookies[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._cookies)

    def __len__(self) -> int:
        return len(self._cookies)

    def __repr__(self) -> str:
        return f"CookieJar({dict(self)!r})"

    def take(self, set_cookie: str, request_path: str) -> None:
        """Keep, change or forget a cookie as a `Set-Cookie` line of a response to `request_path` says."""
        pair, *attributes = set_cookie.split(";")
        name, separator, value = pair.partition("=")
        if not separator or not name.strip():
            return
        named = {key.strip().lower(): given.strip() for key, _, given in (text.partition("=") for text in attributes)}
        if _is_over(named):
            self._cookies.pop(name.strip(), None)
            return
        path = named.get("path", "")
        self._cookies[name.strip()] = (value.strip(), path if path.startswith("/") else _default_path(request_path))

    def header(self, request_path: str) -> str | None:
        """Return the `Cookie` line for a request, None when there is nothing to send."""
        pairs = [f"{name}={value}" for name, (value, path) in self._cookies.items() if _matches(path, request_path)]
        return "; ".join(pairs) or None


def _is_over(attributes: dict[str, str]) -> bool:
    """Whether the attributes tell the client to forget the cookie; Max-Age wins over Expires (RFC 6265 §5.3)."""
    try:
        if "max-age" in attributes:
            return int(attributes["max-age"]) <= 0
        if "expires" in attributes:
            return parsedate_to_datetime(attributes["expires"]).astimezone(UTC) <= datetime.now(UTC)
    except ValueError:
        pass  # an attribute that cannot be read is ignored (RFC 6265 §5.2)
    return False


def _default_path(request_path: str) -> str:
    """Return the directory of the request (RFC 6265 §5.1.4)."""
    return request_path[: request_path.rfind("/")] or "/"


def _matches(path: str, request_path: str) -> bool:
    """Whether a cookie of `path` goes to `request_path` (RFC 6265 §5.1.4)."""
    return request_path == path or request_path.startswith(path if path.endswith("/") else path + "/")

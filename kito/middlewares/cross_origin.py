"""cors: which pages of other origins may read the answers, and what they may send."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from ..chains import middleware
from ..errors import ConfigError

if TYPE_CHECKING:
    from ..chains import Middleware, Next
    from ..request import Context, Request
    from ..response import Response

__all__ = ("cors",)

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
MAX_AGE_S: Final = 600  # how long a browser may keep the answer to a preflight
MAX_REFLECTED: Final = 1024  # characters of Access-Control-Request-Headers that are answered as they are

_ORIGIN: Final = re.compile(r"null|[a-z][a-z0-9+.-]*://(\*\.)?([a-z0-9_.-]+|\[[0-9a-f:.]+\])(:[0-9]+)?", re.IGNORECASE)
_FIELD_NAMES: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z, \t-]*")


def cors(
    origins: str | Iterable[str] | Callable[[str], bool],
    *,
    methods: Iterable[str] = METHODS,
    headers: Iterable[str] | None = None,
    expose: Iterable[str] = (),
    credentials: bool = False,
    max_age: int = MAX_AGE_S,
) -> Middleware:
    """Return a middleware that lets pages of other origins in (Fetch standard, CORS protocol).

    `origins`: "*", one origin or several, such as "https://example.com" or "https://*.example.com", or a function of
    the origin. `methods` and `headers`: what they may send; None: the headers that they ask for. `expose`: the headers
    that they may read. `credentials`: cookies and the like may come along. `max_age`: seconds for which a browser may
    keep that. Preflights are answered here with 204; the answers of errors have the fields too. Raises `ConfigError`
    for an origin that is none, and for credentials with "*".
    """
    policy = _Policy(origins, methods, headers, expose, credentials=credentials, max_age=max_age)

    def cross_origin(ctx: Context, next: Next) -> Any:
        origin = ctx.req.header("origin")
        asks = origin is not None and ctx.req.method == "OPTIONS" and ctx.req.header("access-control-request-method")
        if origin is not None and asks:
            return policy.answer_preflight(ctx.req, ctx.res, origin)
        ctx.res.on_head(lambda res: policy.open_to(res, origin, policy.answer))
        return next()

    return middleware(cross_origin)


class _Policy:
    """Who is let in, and the fields that say so."""

    def __init__(
        self,
        origins: str | Iterable[str] | Callable[[str], bool],
        methods: Iterable[str],
        headers: Iterable[str] | None,
        expose: Iterable[str],
        *,
        credentials: bool,
        max_age: int,
    ) -> None:
        self._allows = _matcher(origins, credentials=credentials)
        self._every = origins == "*"
        self._credentials = credentials
        self._headers = None if headers is None else ", ".join(headers)
        shown = ", ".join(expose)
        self.answer = {"access-control-expose-headers": shown} if shown else {}
        self._preflight = {
            "access-control-allow-methods": ", ".join(methods),
            "access-control-max-age": str(int(max_age)),
        }

    def open_to(self, res: Response, origin: str | None, fields: Mapping[str, str]) -> bool:
        """Set what lets an origin in, and these fields; False when it is not let in."""
        if not self._every:
            res.vary("origin")
        if origin is None or not self._allows(origin):
            return False
        res.header("access-control-allow-origin", "*" if self._every else origin)
        if self._credentials:
            res.header("access-control-allow-credentials", "true")
        res.headers(fields)
        return True

    def answer_preflight(self, req: Request, res: Response, origin: str) -> None:
        """Answer a browser that asks before it sends."""
        res.vary("access-control-request-method", "access-control-request-headers")
        if self.open_to(res, origin, self._preflight):
            wanted = _requested(req) if self._headers is None else self._headers
            if wanted:
                res.header("access-control-allow-headers", wanted)
        res.status(204).end()


def _requested(req: Request) -> str:
    """Return the headers that a preflight asks for, to be allowed as they are."""
    wanted = req.header("access-control-request-headers") or ""
    return wanted if len(wanted) <= MAX_REFLECTED and _FIELD_NAMES.fullmatch(wanted) else ""


def _matcher(origins: str | Iterable[str] | Callable[[str], bool], *, credentials: bool) -> Callable[[str], bool]:
    """Return a function that tells whether an origin is one of `origins`."""
    if callable(origins):
        return origins
    if origins == "*":
        if credentials:
            raise ConfigError('cors: browsers refuse credentials with "*": name the origins, or give a function')
        return lambda origin: True
    listed = [origins] if isinstance(origins, str) else list(origins)
    patterns = []
    for origin in listed:
        if not _ORIGIN.fullmatch(origin):
            raise ConfigError(f"cors: {origin!r} is no origin: write one such as 'https://example.com', without a path")
        patterns.append(re.escape(origin.lower()).replace(r"\*", "[a-z0-9_.-]+"))
    known = re.compile("|".join(patterns) or "(?!)")
    return lambda origin: known.fullmatch(origin.lower()) is not None

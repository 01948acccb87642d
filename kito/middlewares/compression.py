"""compress: bodies in the content coding that the client prefers, streams included where they ask for it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Final

from .._core.coding import Coding
from ..negotiation import choose_coding
from .encoders import encoder_factories

if TYPE_CHECKING:
    from ..chains import Next
    from ..request import Context
    from ..response import Response

__all__ = ("choose_coding", "compress")

MIN_SIZE: Final = 512  # bytes; what is shorter fits a packet anyway
MAX_SIZE: Final = 8 * 1024 * 1024  # bytes; what is longer would keep the loop for a tenth of a second and more

_TEXTUAL: Final = re.compile(
    r"text/|application/(json|javascript|ecmascript|xml|wasm|x-ndjson|jsonl|manifest\+json)\b"
    r"|[a-z]+/[a-z0-9.+-]+\+(json|xml|text|yaml)\b|image/(svg\+xml|bmp)\b",
    re.IGNORECASE,
)
_WITHOUT: Final = frozenset({204, 205, 206, 304})  # no body, or a part of one


def compress(
    *,
    codings: Iterable[str] | None = None,
    min_size: int = MIN_SIZE,
    max_size: int = MAX_SIZE,
    streams: bool = False,
) -> Callable[[Context, Next], Awaitable[None]]:
    """Return a middleware that sends bodies in the content coding that the client prefers (RFC 9110 §8.4, §12.5.3).

    `codings`: of "br", "zstd" and "gzip" those to use, the preferred one first; None: those that are installed.
    `min_size`, `max_size`: bytes of whole bodies that are coded. `streams`: code streamed bodies too, each chunk or
    event so that it can be read when it arrives; give it to routes rather than to the app.

    Left alone is what has a coding already, is no text by its type, is a part (206), has no body, or says
    `cache-control: no-transform`; an event stream says that to those between, not to us. Vary is set where the
    coding depended on the request. Raises `ConfigError` for a coding that is not there.
    """
    factories = encoder_factories(None if codings is None else tuple(codings))

    def coded(ctx: Context, next: Next) -> Awaitable[None]:
        def choose(res: Response) -> None:
            if not _may_be_coded(res):
                return
            res.vary("accept-encoding")
            name = choose_coding([res._request_field(b"accept-encoding") or ""], factories)
            if name is not None:
                _weaken(res)
                encoder = factories[name]()
                res.set_coding(Coding(name, encoder, min_size=min_size, max_size=max_size, streams=streams))

        ctx.res.on_head(choose)
        return next()

    return coded


def _weaken(res: Response) -> None:
    """Make an entity tag weak: what is coded here has other bytes than the file it is the tag of (RFC 9110 §8.8.1)."""
    tag = res.get("etag")
    if tag is not None and not tag.startswith("W/"):
        res.header("etag", f"W/{tag}")


def _may_be_coded(res: Response) -> bool:
    kind = res.get("content-type") or ""
    if res.status_code in _WITHOUT or not _TEXTUAL.match(kind):
        return False
    if res.get("content-encoding") is not None or res.get("content-range") is not None:
        return False
    if kind.lower().startswith("text/event-stream"):
        return True
    return "no-transform" not in (res.get("cache-control") or "").lower()

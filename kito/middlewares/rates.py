"""rate_limit: how many requests each client may make, by a bucket of tokens that fills again."""

from __future__ import annotations

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from ..chains import middleware
from ..errors import ConfigError, HTTPError

if TYPE_CHECKING:
    from ..chains import Middleware, Next
    from ..request import Context, Request
    from ..response import Response

__all__ = ("Buckets", "client_key", "rate_limit")

MAX_CLIENTS: Final = 10_000  # whose buckets are known at a time
PREFIX_BITS: Final = 64  # of an IPv6 address: what one customer of a provider has for himself


class Buckets:
    """Tokens by client: `burst` at most, and `rate` new ones a second.

    At most `size` clients are known: the one that was not seen for longest is forgotten, as if its bucket were full.
    """

    def __init__(self, rate: float, burst: int, size: int, clock: Callable[[], float]) -> None:
        self.rate = rate
        self.burst = burst
        self._size = size
        self._clock = clock
        self._known: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens, and when there were so many

    def __len__(self) -> int:
        return len(self._known)

    def take(self, key: str) -> float:
        """Take one token; return how many are left, or, below 0, the seconds until there is one, negated."""
        now = self._clock()
        tokens, since = self._known.pop(key, (float(self.burst), now))
        tokens = min(tokens + (now - since) * self.rate, self.burst)
        if tokens >= 1:
            self._known[key] = (tokens - 1, now)
        else:
            self._known[key] = (tokens, now)
        if len(self._known) > self._size:
            self._known.popitem(last=False)
        return tokens - 1 if tokens >= 1 else (tokens - 1) / self.rate


def client_key(req: Request) -> str:
    """Return who is limited together: an IPv4 address, or the /64 of an IPv6 one; "" where there is no address."""
    address = req.ip or ""
    if ":" not in address:
        return address
    return str(ipaddress.ip_network((address.partition("%")[0], PREFIX_BITS), strict=False))


def rate_limit(
    limit: int,
    *,
    per: float = 60,
    burst: int | None = None,
    key: Callable[[Request], str | None] = client_key,
    name: str = "default",
    max_clients: int = MAX_CLIENTS,
    clock: Callable[[], float] = time.monotonic,
) -> Middleware:
    """Return a middleware that lets each client make `limit` requests in `per` seconds, `burst` of them at once.

    Others are answered by 429 with Retry-After (RFC 6585 §4); every answer has RateLimit-Policy and RateLimit fields
    (draft-ietf-httpapi-ratelimit-headers) under `name`. `key(req)` says who is limited together, None: nobody; by
    default the address `req.ip`, so tell the server which proxies it may trust. The count is that of this process, for
    `max_clients` at a time. A stream counts once. Raises `ConfigError` for a bound that is not above 0.
    """
    most = limit if burst is None else burst
    for word, value in (("limit", limit), ("per", per), ("burst", most), ("max_clients", max_clients)):
        if not value > 0:
            raise ConfigError(f"rate_limit: {word} has to be above 0, not {value!r}")
    if not name.isascii() or not name.isprintable() or '"' in name or "\\" in name:
        raise ConfigError(f"rate_limit: the name {name!r} cannot stand in a header between quotes")
    buckets = Buckets(limit / per, most, max_clients, clock)
    policy = f'"{name}";q={limit};w={math.ceil(per)}'

    def limited(ctx: Context, next: Next) -> Any:
        who = key(ctx.req)
        if who is None:
            return next()
        left = buckets.take(who)
        wait = 0 if left >= 0 else math.ceil(-left)
        state = f'"{name}";r={max(int(left), 0)};t={wait or math.ceil((most - left) / buckets.rate)}'

        def at_head(res: Response) -> None:
            res.header("ratelimit-policy", policy)
            res.header("ratelimit", state)

        ctx.res.on_head(at_head)
        if wait:
            raise HTTPError(429, f"too many requests: try again in {wait} s", headers={"retry-after": str(wait)})
        return next()

    return middleware(limited)

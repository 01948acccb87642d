"""trusted_host: requests for hosts that are not ours are refused, so that no link or redirect is built with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..chains import middleware
from ..errors import ConfigError, HTTPError, RoutingError
from ..hosts import parse_host

if TYPE_CHECKING:
    from ..chains import Middleware, Next
    from ..request import Context

__all__ = ("trusted_host",)


def trusted_host(*hosts: str) -> Middleware:
    """Return a middleware that answers 400 to requests for any other host than these.

    "example.com" is that host, "*.example.com" all below it; a port is no part of it. What counts is `req.hostname`: a
    proxy that is trusted may name it. Raises `ConfigError` for what is no host.
    """
    if not hosts:
        raise ConfigError("trusted_host: name the hosts that are served")
    try:
        patterns = [parse_host(host).matches for host in hosts]
    except RoutingError as error:
        raise ConfigError(f"trusted_host: {error}") from None

    def check(ctx: Context, next: Next) -> Any:
        host = ctx.req.hostname.lower()
        if not any(pattern.fullmatch(host) for pattern in patterns):
            raise HTTPError(400, "this host is not served here")
        return next()

    return middleware(check)

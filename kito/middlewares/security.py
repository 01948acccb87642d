"""security_headers: what browsers are told not to do with the answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from ..chains import middleware
from ..errors import ConfigError

if TYPE_CHECKING:
    from ..chains import Middleware, Next
    from ..request import Context
    from ..response import Response

__all__ = ("security_headers",)

HSTS_S: Final = 365 * 24 * 3600  # a year

DEFAULTS: Final = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


def security_headers(
    *,
    hsts: int | None = HSTS_S,
    hsts_subdomains: bool = True,
    content_security_policy: str | None = None,
    permissions_policy: str | None = None,
    headers: Mapping[str, str | None] | None = None,
) -> Middleware:
    """Return a middleware that sets the headers by which browsers protect their users.

    They are x-content-type-options "nosniff", x-frame-options "DENY", referrer-policy "no-referrer", and
    cross-origin-opener-policy and cross-origin-resource-policy "same-origin". Over HTTPS, strict-transport-security
    with `hsts` seconds (RFC 6797; None: not). `content_security_policy` and `permissions_policy` where they are given.
    `headers` sets others, or leaves one out with None. What a handler has set itself stays. Raises `ConfigError` for
    seconds below 0.
    """
    if hsts is not None and hsts < 0:
        raise ConfigError(f"security_headers: hsts is a number of seconds from 0 on, or None, not {hsts!r}")
    wanted: dict[str, str | None] = {
        **DEFAULTS,
        "content-security-policy": content_security_policy,
        "permissions-policy": permissions_policy,
        **{name.lower(): value for name, value in (headers or {}).items()},
    }
    fields = [(name, value) for name, value in wanted.items() if value is not None]
    transport = None if hsts is None else f"max-age={hsts}" + ("; includeSubDomains" if hsts_subdomains else "")

    def protect(ctx: Context, next: Next) -> Any:
        req = ctx.req

        def at_head(res: Response) -> None:
            for name, value in fields:
                if res.get(name) is None:
                    res.header(name, value)
            if transport is not None and req.secure and res.get("strict-transport-security") is None:
                res.header("strict-transport-security", transport)

        ctx.res.on_head(at_head)
        return next()

    return middleware(protect)

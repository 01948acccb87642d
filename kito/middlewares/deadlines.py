"""timeout: how long a handler may take to begin its answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ..chains import middleware
from ..errors import ConfigError, HTTPError

if TYPE_CHECKING:
    from ..chains import Middleware, Next
    from ..request import Context
    from ..response import Response

__all__ = ("timeout",)


def timeout(seconds: float, *, status: int = 503) -> Middleware:
    """Return a middleware that answers with 503, or 504, for a handler that has not begun to after `seconds`.

    The handler is cancelled. A stream that is open is never cut: its head is the beginning of the answer. A handler
    that never awaits cannot be cancelled. Raises `ConfigError` for seconds that are not above 0, or another status.
    """
    if not seconds > 0:
        raise ConfigError(f"timeout: seconds have to be above 0, not {seconds!r}")
    if status not in (503, 504):
        raise ConfigError(f"timeout: the status is 503, or 504 for a gateway, not {status!r}")

    async def limited(ctx: Context, next: Next) -> None:
        deadline = asyncio.timeout(seconds)

        def begun(res: Response) -> None:
            if waiting and not deadline.expired():
                deadline.reschedule(None)

        ctx.res.on_head(begun)
        waiting = True
        try:
            async with deadline:
                await next()
        except TimeoutError:
            if not deadline.expired() or ctx.res.streaming:
                raise
            if ctx.res.headers_sent:
                return  # it has answered while it was cancelled
            waiting = False
            raise HTTPError(status, f"the answer was not ready within {seconds:g} s") from None
        finally:
            waiting = False

    return middleware(limited)

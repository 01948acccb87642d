"""request_id: a name for each request, in its context, its answer and the log."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from ..chains import middleware

if TYPE_CHECKING:
    from ..chains import Middleware, Next
    from ..request import Context

__all__ = ("request_id",)

_SOUND: Final = re.compile(r"[A-Za-z0-9._~+/=-]{1,128}")


def request_id(
    *, header: str = "x-request-id", trust: bool = False, make: Callable[[], str] = lambda: uuid.uuid4().hex
) -> Middleware:
    """Return a middleware that gives each request an id: `ctx.request_id`, and the header of its answer.

    `make()` returns a new one. With `trust`, what the client sends in the same header is taken instead, if it has at
    most 128 letters, digits and `._~+/=-`: behind a proxy that sets it.
    """

    def identify(ctx: Context, next: Next) -> Any:
        given = ctx.req.header(header) if trust else None
        name = given if given is not None and _SOUND.fullmatch(given) else make()
        ctx.request_id = name
        ctx.res.on_head(lambda res: res.header(header, name))
        return next()

    return middleware(identify)

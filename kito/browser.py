"""What the package has for browsers: the script that reads event streams with `fetch`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from .request import Request
from .response import Response

__all__ = ("client_script",)

SCRIPT: Final = Path(__file__).with_name("client.js")


def client_script(*, max_age: int = 0) -> Callable[[Request, Response], None]:
    """Return a handler that serves `kito/client.js`, the module for browsers, wherever it is routed to.

    `max_age` is how many seconds browsers use it without asking; 0: they ask each time, and get a 304 without a
    body while it is the same (RFC 9110 §13.1.2). Raises `ValueError` for a negative one.
    """
    if max_age < 0:
        raise ValueError(f"max_age is {max_age!r}: write a number of seconds from 0 on")
    script = SCRIPT.read_bytes()
    etag = f'"{hashlib.sha256(script).hexdigest()[:16]}"'
    caching = f"public, max-age={max_age}" if max_age else "no-cache"

    def serve(req: Request, res: Response) -> None:
        res.header("etag", etag).header("cache-control", caching)
        known = (req.header("if-none-match") or "").split(",")
        if any(tag.strip().removeprefix("W/") in (etag, "*") for tag in known):
            res.status(304).end()
        else:
            res.header("content-type", "text/javascript; charset=utf-8").send(script)

    return serve

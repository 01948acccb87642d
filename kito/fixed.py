"""Fixed answers: handlers that say the same each time, encoded once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from .response import Response

__all__ = ("static",)


def static(
    body: Any, *, status: int = 200, content_type: str | None = None, headers: Mapping[str, str] | None = None
) -> Callable[[Response], None]:
    """Make a handler that gives the same answer each time, for routes such as a health check.

    `str` is text, bytes are octets, anything else is JSON, as `res.send` has it, but encoded here, once.
    `content_type` is as `res.type` takes it. Raises `TypeError` for what JSON cannot carry; what cannot be a
    status or a header raises with the first request.
    """
    payload: bytes = body if isinstance(body, bytes) else b""
    kind = "application/octet-stream"
    if isinstance(body, str):
        payload, kind = body.encode(), "text/plain; charset=utf-8"
    elif isinstance(body, bytearray | memoryview):
        payload = bytes(body)
    elif not isinstance(body, bytes):
        payload, kind = msgspec.json.encode(body), "application/json"
    fields = dict(headers or {})

    def answer(res: Response) -> None:
        res.status(status).headers(fields)
        if content_type is not None:
            res.type(content_type)
        elif res.get("content-type") is None:
            res.header("content-type", kind)
        res.send(payload)

    return answer

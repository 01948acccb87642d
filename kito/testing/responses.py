"""ClientResponse: a whole response, as a test client has read it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any

from ..headers import Headers

__all__ = ("ClientResponse",)


@dataclass(frozen=True, slots=True)
class ClientResponse:
    """A whole response. `chunks` are those of the body as they were framed, None when it was not chunked."""

    status: int
    reason: str
    http_version: str
    headers: Headers
    body: bytes
    chunks: tuple[bytes, ...] | None
    trailers: Headers

    @property
    def text(self) -> str:
        """The body as text, in the charset of its content type or UTF-8; `UnicodeDecodeError` when it is none."""
        _, _, charset = self.headers.get("content-type", "").lower().partition("charset=")
        return self.body.decode(charset.partition(";")[0].strip(' "') or "utf-8")

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies that this response sets, by name."""
        found: dict[str, str] = {}
        for line in self.headers.get_all("set-cookie"):
            found.update({name: morsel.value for name, morsel in SimpleCookie(line).items()})
        return found

    def json(self) -> Any:
        """Decode the body as JSON; `ValueError` when it is none."""
        return json.loads(self.body)

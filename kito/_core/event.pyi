# The one encoder of Server-Sent Events (WHATWG HTML section 9.2), and the immutable Event.

from typing import Any

class Event:
    def __init__(
        self,
        data: Any,
        event: str | bytes | None = None,
        id: str | bytes | int | None = None,
        retry: int | None = None,
    ) -> None: ...
    @property
    def data(self) -> Any: ...
    @property
    def event(self) -> str | bytes | None: ...
    @property
    def id(self) -> str | bytes | int | None: ...
    @property
    def retry(self) -> int | None: ...
    @property
    def payload(self) -> bytes: ...
    @property
    def frame(self) -> bytes: ...

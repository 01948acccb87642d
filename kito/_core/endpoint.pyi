# Endpoint: a registered handler with everything decided that can be decided before a request.

from collections.abc import Callable
from typing import Any, Literal

SERVERS_OWN: object  # the value of a bound that a route leaves to its server

class Endpoint:
    def __init__(
        self,
        handler: Callable[..., Any],
        kind: int,
        call: Callable[..., Any],
        *,
        chain: Callable[[Any, Endpoint, Any], Any] | None = None,
        on_disconnect: Literal["cancel", "detach", "finish"] = "cancel",
        half_close: Literal["leave", "serve"] = "leave",
        commit_after: float | None = ...,
        events: bool = False,
        stream_body: bool = False,
        body_size: int | object | None = ...,
        timeout: float | object | None = ...,
    ) -> None: ...
    @property
    def handler(self) -> Callable[..., Any]: ...
    @property
    def call(self) -> Callable[..., Any]: ...
    chain: Callable[[Any, Endpoint, Any], Any] | None
    @property
    def commit_after(self) -> float: ...
    @property
    def events(self) -> bool: ...
    @property
    def stream_body(self) -> bool: ...

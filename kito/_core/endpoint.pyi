# Endpoint: a registered handler with everything decided that can be decided before a request.

from collections.abc import Callable
from typing import Any, Literal

class Endpoint:
    def __init__(
        self,
        handler: Callable[..., Any],
        kind: int,
        call: Callable[..., Any],
        *,
        chain: Callable[[Any, Endpoint, Any], Any] | None = None,
        on_disconnect: Literal["cancel", "detach", "finish"] = "cancel",
        events: bool = False,
    ) -> None: ...
    @property
    def handler(self) -> Callable[..., Any]: ...
    @property
    def call(self) -> Callable[..., Any]: ...
    @property
    def chain(self) -> Callable[[Any, Endpoint, Any], Any] | None: ...
    @property
    def events(self) -> bool: ...

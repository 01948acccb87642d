# Finder: from the target of a request to the endpoint that answers it.

from collections.abc import Callable
from typing import Any, TypeVar

from kito._core.endpoint import Endpoint
from kito._core.request import Request

_Request = TypeVar("_Request", bound=Request)

class Finder:
    def set_routes(
        self,
        static_routes: dict[bytes, dict[bytes, Endpoint]],
        match: Callable[[str, str], tuple[Any, ...]],
        find: Callable[[_Request], tuple[Any, ...]] | None = None,
    ) -> None: ...

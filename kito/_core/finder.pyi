# Finder: from the target of a request to the endpoint that answers it.

from collections.abc import Callable
from typing import Any, TypeVar

from kito._core.endpoint import Endpoint
from kito._core.request import Request

_Request = TypeVar("_Request", bound=Request)

class Branch:
    def __init__(
        self, static: dict[bytes, Branch], param: Branch | None, ends: dict[bytes, tuple[Endpoint, tuple[str, ...]]]
    ) -> None: ...

class Finder:
    def set_routes(
        self,
        static_routes: dict[bytes, dict[bytes, Endpoint]],
        match: Callable[[str, str], tuple[Any, ...]],
        find: Callable[[_Request], tuple[Any, ...]] | None = None,
        tree: Branch | None = None,
    ) -> None: ...

# Finder: from the target of a request to the endpoint that answers it.

from collections.abc import Callable
from typing import Any

from kito._core.endpoint import Endpoint

class Finder:
    def set_routes(
        self, static_routes: dict[bytes, dict[bytes, Endpoint]], match: Callable[[str, str], tuple[Any, ...]]
    ) -> None: ...

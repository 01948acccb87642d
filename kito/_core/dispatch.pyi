# Dispatcher: from a complete request to a settled answer, for every protocol alike.

from asyncio import AbstractEventLoop, Task
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, final

from kito._core.endpoint import Endpoint
from kito._core.exchange import Exchange
from kito._core.finder import Finder
from kito._core.request import Request
from kito._core.response import Response

_Request = TypeVar("_Request", bound=Request)
_Response = TypeVar("_Response", bound=Response)

class Completion:
    def __call__(self, task: Task[Any]) -> None: ...

@final
class Dispatcher(Finder):
    def __init__(
        self,
        loop: AbstractEventLoop,
        *,
        match: Callable[[str, str], tuple[Any, ...]],
        resolve: Callable[[_Request], Endpoint],
        report: Callable[[_Request, _Response, Exception], Coroutine[Any, Any, object] | None],
        observe: Callable[[_Request, Exception], object],
        pump: Callable[[Endpoint, _Response, Any], Coroutine[Any, Any, object]],
        request_class: type[_Request],
        response_class: type[_Response],
        debug: bool = False,
    ) -> None: ...
    @property
    def loop(self) -> AbstractEventLoop: ...
    @property
    def tasks(self) -> dict[Task[Any], Exchange]: ...
    @property
    def helpers(self) -> set[Task[Any]]: ...
    def cancel_tasks(self, why: str) -> None: ...
    def run_helper(self, work: Coroutine[Any, Any, Any]) -> Task[Any]: ...
    def perform(self, endpoint: Endpoint, request: Request) -> Coroutine[Any, Any, Any] | None: ...
    def deliver(self, response: Response, value: Any) -> None: ...

# ServerState: what all connections of one loop share.

from asyncio import AbstractEventLoop
from collections.abc import Callable

from kito._core.clock import Clock
from kito._core.dispatch import Dispatcher
from kito._core.http1 import Http1Connection
from kito._core.tally import Tally
from kito._core.writer import Cork
from kito.config import Limits, Timeouts

class ServerState:
    def __init__(
        self,
        loop: AbstractEventLoop,
        dispatcher: Dispatcher,
        limits: Limits,
        timeouts: Timeouts,
        *,
        tick_s: float = 1.0,
    ) -> None: ...
    @property
    def loop(self) -> AbstractEventLoop: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def cork(self) -> Cork: ...
    @property
    def dispatcher(self) -> Dispatcher: ...
    @property
    def tally(self) -> Tally: ...
    @property
    def connections(self) -> set[Http1Connection]: ...
    @property
    def accepted(self) -> int: ...
    @property
    def turned_away(self) -> int: ...
    stopping: bool
    on_empty: Callable[[], object] | None
    def start(self) -> None: ...
    def stop(self) -> None: ...

# Windows: text that streams gather for a moment, written out when its moment is over; one timer a loop.

from asyncio import AbstractEventLoop

from kito._core.clock import Timed

class Gatherer(Timed): ...

class Windows:
    def __init__(self, loop: AbstractEventLoop) -> None: ...
    def close(self) -> None: ...

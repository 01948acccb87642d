# StreamFlow: a stream's own bounds — a policy for slow readers, gathered text, an age.

from typing import Literal

from kito._core.exchange import Flow

class StreamFlow(Flow):
    def __init__(
        self,
        overflow: Literal["disconnect", "raise", "drop_oldest", "latest"],
        high_water: int,
        max_backlog: int,
        coalesce: float,
        max_age: float,
    ) -> None: ...

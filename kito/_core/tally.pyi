# Tally: what is counted of a loop's exchanges, and how one stream ended.

from typing import Literal, TypedDict, type_check_only

class StreamEnd:
    @property
    def reason(
        self,
    ) -> Literal["ended", "max_age", "client_left", "timeout", "overflow", "shutdown", "error"]: ...
    @property
    def bytes_sent(self) -> int: ...
    @property
    def events_sent(self) -> int: ...
    @property
    def dropped(self) -> int: ...

@type_check_only
class _Times(TypedDict):
    count: int
    sum: float
    buckets: dict[float, int]

class Histogram:
    def snapshot(self) -> _Times: ...

@type_check_only
class _Totals(TypedDict):
    requests: int
    streams_opened: int
    streams_open: int
    events: int
    body_bytes: int
    dropped: int
    ends: dict[str, int]
    time_to_head: _Times
    time_to_first: _Times
    gaps: _Times

class Tally:
    requests: int
    streams_opened: int
    streams_open: int
    events: int
    body_bytes: int
    dropped: int
    def snapshot(self) -> _Totals: ...

# Exchange: one request and its response, the seam under every protocol.

from typing import Literal, TypedDict, type_check_only

from kito._core.clock import Timed

class StreamEnd:
    @property
    def reason(self) -> Literal["ended", "client_left", "timeout", "overflow", "shutdown", "error"]: ...
    @property
    def bytes_sent(self) -> int: ...
    @property
    def events_sent(self) -> int: ...

@type_check_only
class _Totals(TypedDict):
    requests: int
    streams_opened: int
    streams_open: int
    events: int
    body_bytes: int
    ends: dict[str, int]

class Tally:
    requests: int
    streams_opened: int
    streams_open: int
    events: int
    body_bytes: int
    def snapshot(self) -> _Totals: ...

class ExchangeOwner(Timed): ...

class Exchange(Timed):
    @property
    def method(self) -> bytes: ...
    @property
    def target(self) -> bytes: ...

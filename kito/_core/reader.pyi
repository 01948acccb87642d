# Http1Reader: turns the bytes of a connection into a queue of exchanges.

from typing import Self, final

from kito._core.parser import ParserSink
from kito._core.state import ServerState

@final
class Http1Reader(ParserSink):
    def __new__(cls, state: ServerState) -> Self: ...

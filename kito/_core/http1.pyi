# Http1Connection: the asyncio protocol that serves HTTP/1 on one transport.

from typing import final

from kito._core.connection import Connection

@final
class Http1Connection(Connection):
    # asyncio.Protocol
    def data_received(self, data: bytes) -> None: ...
    def eof_received(self) -> bool: ...

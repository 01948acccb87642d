# DirectWriter: corked output that goes straight into the socket while the transport holds none.

from typing import final

from kito._core.writer import TransportWriter

@final
class DirectWriter(TransportWriter): ...

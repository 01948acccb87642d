# DirectWriter: corked output that goes straight into the socket while the transport holds none.

from kito._core.writer import TransportWriter

class DirectWriter(TransportWriter): ...

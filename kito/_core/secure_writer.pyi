# SecureWriter: corked output of a connection of TLS, handed over in slices.

from kito._core.writer import TransportWriter

class SecureWriter(TransportWriter): ...

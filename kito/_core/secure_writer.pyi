# SecureWriter: corked output of a connection of TLS, handed over in slices.

from typing import final

from kito._core.writer import TransportWriter

@final
class SecureWriter(TransportWriter): ...

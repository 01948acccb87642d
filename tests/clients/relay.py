"""A relay in front of a server that counts the requests which reach it, whoever sends them."""

import contextlib
import re
import selectors
import socket
import socketserver
import threading
from collections.abc import Iterator

RECEIVE_BYTES = 65536
POLL_INTERVAL = 0.05  # seconds until the accepting thread notices that it shall stop
REQUEST = re.compile(rb"^[A-Z]+ (\S+) HTTP/1\.1\r$", re.MULTILINE)


class Relay(socketserver.ThreadingTCPServer):
    """Copies bytes between its own port and a server, and remembers the target of every request.

    The requests carry no body, so every request line among the bytes is one.
    """

    def __init__(self, upstream: tuple[str, int]) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.upstream = upstream
        self.origin = f"http://127.0.0.1:{self.server_address[1]}"
        self._changed = threading.Condition()
        self._targets: list[str] = []

    def note(self, data: bytes) -> None:
        """Remember the targets of the request lines in `data`."""
        with self._changed:
            self._targets += [target.decode() for target in REQUEST.findall(data)]
            self._changed.notify_all()

    def count(self, target: str) -> int:
        """How many requests for `target` have passed."""
        with self._changed:
            return self._targets.count(target)

    def wait_for(self, target: str, count: int, limit: float) -> bool:
        """Wait at most `limit` seconds until `count` requests for `target` have passed."""
        with self._changed:
            return self._changed.wait_for(lambda: self._targets.count(target) >= count, limit)


class _Connection(socketserver.BaseRequestHandler):
    """One connection of a client, and its own to the server; when either ends, both are closed."""

    server: Relay

    def handle(self) -> None:
        upstream = socket.create_connection(self.server.upstream)
        with upstream, selectors.DefaultSelector() as selector, contextlib.suppress(ConnectionError):
            selector.register(self.request, selectors.EVENT_READ, upstream)
            selector.register(upstream, selectors.EVENT_READ, self.request)
            while all(self._copy(key.fileobj, key.data) for key, _ in selector.select()):
                pass

    def _copy(self, source: socket.socket, sink: socket.socket) -> bool:
        data = source.recv(RECEIVE_BYTES)
        if source is self.request:
            self.server.note(data)
        sink.sendall(data)
        return bool(data)


@contextlib.contextmanager
def running_relay(upstream: tuple[str, int]) -> Iterator[Relay]:
    """A relay for the block. Its clients must have left by the end, for their connections are waited for."""
    with Relay(upstream) as relay:
        accepting = threading.Thread(target=relay.serve_forever, args=(POLL_INTERVAL,))
        accepting.start()
        try:
            yield relay
        finally:
            relay.shutdown()
            accepting.join()

"""What the tests of handlers in threads share."""

import threading
from typing import Any

from kito import Server

PATIENCE_S = 10.0  # how long a thread waits for what has to happen


class Gate(threading.Event):
    """What a thread waits for, never for ever."""

    def passed(self) -> None:
        assert self.wait(PATIENCE_S), "nobody opened the gate"


def blocking(app: Server, handler: Any, path: str = "/", method: str = "get", **options: Any) -> None:
    """Register a handler that runs in a thread."""
    getattr(app, method)(path, handler, blocking=True, **options)

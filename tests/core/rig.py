"""Real connections of the core on a loop whose turns and time a test controls."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from kito._core.http1 import Http1Connection
from kito._core.state import ServerState
from kito.app import App
from kito.config import Limits, Timeouts

from .transport import FakeTransport

MAX_TURNS = 100_000  # of a loop that should come to rest


class ManualLoop(asyncio.SelectorEventLoop):
    """A loop that turns when it is told to, with a time of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0  # seconds
        self._busy = False

    def time(self) -> float:
        return self.now

    def call_soon(self, *args: Any, **kwargs: Any) -> asyncio.Handle:
        self._busy = True
        return super().call_soon(*args, **kwargs)

    def turn(self) -> bool:
        """Run what is ready now; True when it made something else ready."""
        self._busy = False
        super().call_soon(self.stop)
        self.run_forever()
        return self._busy

    def settle(self) -> None:
        """Turn until nothing is ready."""
        for _ in range(MAX_TURNS):
            if not self.turn():
                return
        raise AssertionError("the loop does not come to rest")


class Log(logging.Handler):
    """What was logged at WARNING and above."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def take(self, text: str) -> logging.LogRecord:
        """The one record whose message holds `text`; it counts as expected."""
        found = [record for record in self.records if text in record.getMessage()]
        assert len(found) == 1, [record.getMessage() for record in self.records]
        self.records.remove(found[0])
        return found[0]


class Rig:
    """An app behind the core, without sockets; made by `serving`."""

    def __init__(self, app: App, limits: Limits, timeouts: Timeouts, tick_s: float) -> None:
        self.app = app
        self.loop = ManualLoop()
        self.log = Log()
        self.state = ServerState(self.loop, app.make_dispatcher(self.loop), limits, timeouts, tick_s=tick_s)
        self.state.cork.open(self.loop)  # its clock is turned by hand

    def call(self, fn: Callable[..., Any], *args: Any) -> Any:
        """Call `fn(*args)` in one turn of the loop, let the loop come to rest, and return what it returned."""
        outcome: list[Any] = []
        error: list[Exception] = []

        def step() -> None:
            try:
                outcome.append(fn(*args))
            except Exception as caught:  # noqa: BLE001 - raised again below
                error.append(caught)

        self.loop.call_soon(step)
        self.loop.settle()
        if error:
            raise error[0]
        return outcome[0]

    def connect(self) -> "Peer":
        """A new client's connection."""
        return Peer(self)

    def tick(self, ticks: int = 1) -> None:
        """Let `ticks` of the core's clock go by, one turn of the loop each."""
        for _ in range(ticks):
            self.call(self.state.clock.advance, 1)

    def sleep(self, seconds: float) -> None:
        """Let the loop's own time go by: for its timers, not for the core's deadlines."""
        self.loop.now += seconds
        self.loop.settle()

    def future(self) -> asyncio.Future[Any]:
        """What a handler may wait for; `call(future.set_result, value)` lets it go on."""
        return self.loop.create_future()

    def close(self) -> None:
        """Drop every connection and cancel every handler."""
        for connection in list(self.state.connections):
            connection.abort()
        for task in list(self.state.dispatcher.tasks):
            task.cancel()
        self.loop.settle()
        self.state.stop()
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()


class Peer:
    """One connection: what its client sends, and what it gets."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._taken = 0
        self.protocol = Http1Connection(rig.state)
        self.transport = FakeTransport(rig.loop, self.protocol)
        rig.call(self.protocol.connection_made, self.transport)

    def send(self, *pieces: bytes) -> bytes:
        """Deliver each piece in a read of its own; returns what came in answer, as `take`."""
        for piece in pieces:
            self._rig.call(self.transport.deliver, piece)
        return self.take()

    def send_eof(self) -> bytes:
        """Shut the client's write side."""
        self._rig.call(self.transport.deliver_eof)
        return self.take()

    def leave(self, error: Exception | None = None) -> None:
        """Close the client's end: nothing it gets any more is read."""
        self._rig.call(self.transport.drop, error)

    def stall(self) -> None:
        """Read nothing any more."""
        self.transport.stalled = True

    def read(self, size: int | None = None) -> bytes:
        """Read `size` bytes of what waits, or all of it."""
        self._rig.call(self.transport.read, size)
        return self.take()

    def take(self) -> bytes:
        """What arrived since it was asked for last."""
        data = bytes(self.transport.received[self._taken :])
        self._taken += len(data)
        return data

    @property
    def received(self) -> bytes:
        """Everything that arrived."""
        return bytes(self.transport.received)

    @property
    def end(self) -> str | None:
        """How the server ended its output, "fin" or "rst"; None while it has not."""
        return self.transport.end

    @property
    def gone(self) -> bool:
        """True once the core has let go of the connection."""
        return self.protocol not in self._rig.state.connections


@contextmanager
def serving(
    app: App, limits: Limits | None = None, timeouts: Timeouts | None = None, tick_s: float = 1.0
) -> Iterator[Rig]:
    """A rig for a block; nothing may be logged in it, and no callback fail, but what the block has taken."""
    rig = Rig(app, limits or Limits(), timeouts or Timeouts(), tick_s)
    loggers = [logging.getLogger("kito"), logging.getLogger("asyncio")]
    for logger in loggers:
        logger.addHandler(rig.log)
    try:
        yield rig
        rig.loop.settle()
    finally:
        rig.close()
        for logger in loggers:
            logger.removeHandler(rig.log)
    assert [record.getMessage() for record in rig.log.records] == []

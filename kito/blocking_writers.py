"""Writers for handlers in threads: each write waits for slow readers there, and is carried to the loop in batches."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

import msgspec

from ._core.event import Event
from ._core.stream import SSEWriter, StreamWriter
from ._core.waits import Gone
from ._core.writer import Drain, Patience
from .errors import ConnectionClosed, InvalidEvent, ResponseEnded

if TYPE_CHECKING:
    from types import TracebackType

    from ._core.tally import StreamEnd

__all__ = ("BlockingSSEWriter", "BlockingStreamWriter", "Crossing", "carry")

BATCH_BYTES: Final = 64 * 1024  # what a thread may be ahead of the loop; then its next write waits
BATCH_WRITES: Final = 1024
LOOK_S: Final = 1.0  # how often a waiting thread looks whether its loop still runs

Data = str | bytes | bytearray | memoryview
Result = TypeVar("Result")
_OnClose = TypeVar("_OnClose", bound=Callable[["StreamEnd"], object])
_OnClosing = TypeVar("_OnClosing", bound=Callable[[], object])


def carry(loop: asyncio.AbstractEventLoop, fn: Callable[[], Result]) -> Result:
    """Call `fn` on the loop from another thread and return or raise what it does; `ConnectionClosed` without a loop."""
    answered = threading.Event()
    outcome: list[Any] = []

    def step() -> None:
        try:
            outcome.extend((fn(), None))
        except Exception as error:  # noqa: BLE001 - it is raised where it belongs
            outcome.extend((None, error))
        answered.set()

    if not post(loop, step):
        raise ConnectionClosed("the server has stopped")
    while not answered.wait(LOOK_S):
        if loop.is_closed():
            raise ConnectionClosed("the server has stopped")
    result, error = outcome
    outcome.clear()  # the error holds this frame, and must not be held by it
    if error is not None:
        try:
            raise error
        finally:
            del error
    return result  # type: ignore[no-any-return]


def post(loop: asyncio.AbstractEventLoop, step: Callable[[], object]) -> bool:
    """Have the loop call `step`; False when there is no loop any more."""
    try:
        loop.call_soon_threadsafe(step)
    except RuntimeError:
        return False
    return True


class Crossing:
    """The way of one stream from threads to its loop, which owns the writer.

    Threads put calls on a queue under `changed`; the first one wakes the loop, which makes all that are there.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, writer: StreamWriter) -> None:
        self.loop = loop
        self.writer = writer
        self.changed = threading.Condition()
        self.error: Exception | None = None  # raised by every further write
        self._thread = threading.get_ident()  # of the loop, which must not wait
        self._calls: deque[tuple[Callable[[Any], Any], Any]] = deque()
        self._bytes = 0
        self._woken = False
        self._paused = False
        self._released = False
        self._draining: asyncio.Task[None] | None = None
        self._watch: weakref.ref[BlockingStreamWriter] | None = None
        writer.on_close(self._over)
        writer.on_closing(self.notify)

    # === in any thread ===

    def put(self, call: Callable[[Any], Any], argument: Any, size: int) -> None:
        """Have `call(argument)` made on the loop, behind everything before it; waits while there is no room."""
        with self.changed:
            while self._is_full() and threading.get_ident() != self._thread:
                self.changed.wait(LOOK_S)
                if self.loop.is_closed():
                    raise ConnectionClosed("the server has stopped")
            if self.error is not None:
                raise copy.copy(self.error)  # which holds the frames that it passes, and they hold this
            self._calls.append((call, argument))
            self._bytes += size
            woken, self._woken = self._woken, True
        if not woken and not post(self.loop, self.make_calls):
            raise ConnectionClosed("the server has stopped")

    def carry(self, fn: Callable[[], Result]) -> Result:
        """Call `fn` on the loop behind all that was put, and return what it returns."""
        if threading.get_ident() == self._thread:
            self.make_calls()
            return fn()

        def step() -> Result:
            self.make_calls()
            return fn()

        return carry(self.loop, step)

    def _is_full(self) -> bool:
        behind = self._paused or self._bytes >= BATCH_BYTES or len(self._calls) >= BATCH_WRITES
        return behind and self.error is None

    # === on the loop ===

    def make_calls(self) -> None:
        """Make the calls that have been put, and let who waits go on unless the client is behind."""
        with self.changed:
            calls, self._calls = self._calls, deque()
            self._bytes = 0
            self._woken = False
        outcome: Any = None
        try:
            for call, argument in calls:
                outcome = call(argument)
        except Exception as error:  # noqa: BLE001 - the thread's next write raises it
            self._fail(error)
        if isinstance(outcome, Gone):
            self._fail(ConnectionClosed())
        elif isinstance(outcome, Drain | Patience):
            self._paused = True
            self._draining = self.loop.create_task(self._drain(outcome))
        self.notify()

    def notify(self) -> None:
        """Let waiting threads look again."""
        with self.changed:
            self.changed.notify_all()

    async def _drain(self, outcome: Drain | Patience) -> None:
        with contextlib.suppress(ConnectionClosed):
            await outcome
        self._paused = False
        self.notify()

    def _fail(self, error: Exception) -> None:
        if self.error is None:
            self.error = error.with_traceback(None)

    def _over(self, end: StreamEnd) -> None:
        """The stream has ended: a producer that is to be told is told by its next write."""
        if self._released:
            return
        try:
            if isinstance(self.writer.write(b""), Gone):
                self._fail(ConnectionClosed(f"the stream is over: {end.reason}"))
        except ResponseEnded as error:
            self._fail(error)
        self._watch = None
        self.notify()

    def watch(self, held: BlockingStreamWriter) -> None:
        """Let go of the loop's writer, there, when `held` is lost, in whichever thread that happens."""
        self._watch = weakref.ref(held, lambda _: post(self.loop, self._release))

    def _release(self) -> None:
        self._watch = None
        self._released = True
        self.make_calls()
        del self.writer


class BlockingStreamWriter:
    """An open response body for a handler in a thread: one `write` is one HTTP chunk.

    Made by `res.stream()` under `blocking=True`. It may be used in any thread; on the loop's own it never waits.
    """

    __slots__ = ("__weakref__", "_crossing")

    def __init__(self, crossing: Crossing) -> None:
        self._crossing = crossing
        crossing.watch(self)

    @property
    def _writer(self) -> StreamWriter:
        return self._crossing.writer

    def write(self, data: Data) -> None:
        """Send `data` as one chunk; an empty one is ignored.

        Waits while the client is behind. Raises `ConnectionClosed` once it has left, and what `StreamWriter.write`
        raises; what only the loop finds out, such as `BodyLengthMismatch`, is raised by a later call.
        """
        if isinstance(data, str):
            data = data.encode()
        elif not isinstance(data, bytes | bytearray | memoryview):
            raise TypeError(f"write() takes str, bytes or a buffer, not {type(data).__name__}")
        piece = bytes(data)
        self._crossing.put(self._writer.write, piece, len(piece))

    def writelines(self, pieces: Iterable[Data]) -> None:
        """Write every piece as a chunk of its own."""
        for piece in pieces:
            self.write(piece)

    def flush(self) -> None:
        """Hand over what has been written, and wait until the loop has done so."""
        self._crossing.carry(self._writer.flush)

    def end(self, data: Data | None = None) -> None:
        """End the body, after a last chunk `data` if given. Raises `ResponseEnded`, `BodyLengthMismatch`."""
        if data is not None:
            self.write(data)
        self._crossing.carry(self._writer.end)

    def abort(self) -> None:
        """Cut the connection: the client sees that the body is not whole."""
        self._crossing.carry(self._writer.abort)

    @property
    def closed(self) -> bool:
        """True once nothing can be written any more, whoever ended it."""
        return self._writer.closed

    @property
    def closing(self) -> bool:
        """True once the server stops."""
        return self._writer.closing

    @property
    def bytes_sent(self) -> int:
        """Body bytes that the loop has written so far, framing not counted."""
        return self._writer.bytes_sent

    def on_close(self, callback: _OnClose) -> _OnClose:
        """Call `callback(end)` once when the stream is over, on the loop."""
        return self._crossing.carry(lambda: self._writer.on_close(callback))

    def on_closing(self, callback: _OnClosing) -> _OnClosing:
        """Call `callback()` once when the server begins to stop, on the loop."""
        return self._crossing.carry(lambda: self._writer.on_closing(callback))

    def wait_closing(self, timeout: float | None = None) -> bool:
        """Wait until the server begins to stop or the stream is over, at most `timeout` seconds; returns `closing`.

        In place of a `sleep` between two writes it keeps a thread from sleeping through its end.
        """
        with self._crossing.changed:
            self._crossing.changed.wait_for(lambda: self.closing or self.closed, timeout)
        return self.closing

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        crossing = self._crossing
        if crossing.carry(lambda: self.closed):
            return
        if kind is None:
            self.end()
        else:
            leave = self._writer.__aexit__(kind, error, None)
            asyncio.run_coroutine_threadsafe(leave, crossing.loop).result()


class BlockingSSEWriter(BlockingStreamWriter):
    """An open event stream for a handler in a thread; made by `res.sse()` under `blocking=True`."""

    __slots__ = ()

    @property
    def _writer(self) -> SSEWriter:
        return self._crossing.writer  # type: ignore[return-value]

    def send(
        self,
        data: Any,
        event: str | bytes | None = None,
        id: str | bytes | int | None = None,
        retry: int | None = None,
    ) -> None:
        """Send one event, as `SSEWriter.send` does; it is encoded in this thread. Waits and raises like `write`."""
        plain = event is None and id is None and retry is None
        if isinstance(data, Event) and not plain:
            raise TypeError("an Event carries its own event, id and retry")
        if plain and isinstance(data, str | bytes):
            self._crossing.put(self._writer.send, data, len(data))
            return
        made = data if isinstance(data, Event) else Event(data, event, id, retry)
        self._crossing.put(self._writer.send, made, len(made.payload))

    def send_json(
        self,
        data: Any,
        event: str | bytes | None = None,
        id: str | bytes | int | None = None,
        retry: int | None = None,
    ) -> None:
        """Send one event whose data is always JSON, a string included; else like `send`."""
        self.send(Event(msgspec.json.encode(data), event, id, retry))

    def comment(self, text: str | bytes) -> None:
        """Send a comment, which clients ignore."""
        if not isinstance(text, str | bytes):
            raise InvalidEvent(f"a comment is text, not {type(text).__name__}")
        self._crossing.put(self._writer.comment, text, len(text))

    def close(self, data: Any = None, event: str | bytes | None = None, id: str | bytes | int | None = None) -> None:
        """End the event stream, behind a last event if one is given; twice is no error."""
        self._crossing.carry(lambda: self._writer.close(data, event, id))

    @property
    def last_event_id(self) -> str | None:
        """What a reconnecting client saw last, or None."""
        return self._writer.last_event_id

    @property
    def events_sent(self) -> int:
        """Events that the loop has written so far."""
        return self._writer.events_sent

    @property
    def dropped(self) -> int:
        """Events dropped so far, because the client was too far behind."""
        return self._writer.dropped

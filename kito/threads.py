"""Threads: how a handler that blocks runs in one, and the response that it answers with from there."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable, Coroutine, Generator, Iterable, Mapping
from typing import IO, TYPE_CHECKING, Any, TypeVar, Unpack, overload

from ._core.stream import SSEWriter, StreamWriter
from .binding import CALL_CTX, CALL_NONE, CALL_REQ, CALL_RES, CALL_RES_REQ, Binding
from .blocking_writers import BlockingSSEWriter, BlockingStreamWriter, Crossing, carry, post
from .errors import ConnectionClosed
from .pacing import EventOptions, StreamOptions
from .response import Response
from .streaming import FILE_BYTES, GeneratorBody
from .thread_pool import ThreadPool

if TYPE_CHECKING:
    from ._core.endpoint import Endpoint
    from .request import Request

__all__ = ("BlockingResponse", "in_thread", "response_class")

Result = TypeVar("Result")

_NOTHING: Any = object()
_here = threading.local()  # `run`: what this thread works on


class Run:
    """One handler in a thread, and the coroutine that waits for it on the loop."""

    def __init__(self, pool: ThreadPool, work: Callable[[], Any]) -> None:
        self._pool = pool
        self.loop = asyncio.get_running_loop()
        self._work: Callable[[], Any] | None = work
        self._context = contextvars.copy_context()
        self._lock = threading.Lock()
        self._begun = False
        self._left = False  # nobody wants its answer any more
        self._outcome: tuple[Any, BaseException | None] = None, None  # until the loop takes it
        self._done: asyncio.Future[None] = self.loop.create_future()

    # === in the thread ===

    def execute(self) -> None:
        """Run the handler, unless nobody waits any more."""
        with self._lock:
            if self._left:
                return
            self._begun = True
        work, self._work = self._work, None
        assert work is not None  # it is executed once
        self._pool.count_busy(1)
        _here.run = self
        try:
            self._outcome = self._context.run(work), None
        except BaseException as error:  # noqa: BLE001 - it is raised on the loop
            self._outcome = None, error
        finally:
            _here.run = None
            self._pool.count_busy(-1)
        post(self.loop, self._finish)

    def carry(self, fn: Callable[[], Result]) -> Result:
        """Call `fn` on the loop and return what it returns; `ConnectionClosed` where nobody wants an answer."""
        if self._left:
            raise ConnectionClosed("nobody waits for this handler any more")
        return carry(self.loop, fn)

    def open(self, fn: Callable[[], StreamWriter]) -> BlockingStreamWriter:
        """Open a stream on the loop, and return its writer for this thread."""

        def step() -> Crossing:
            return Crossing(self.loop, fn())

        crossing = self.carry(step)
        kind = BlockingSSEWriter if isinstance(crossing.writer, SSEWriter) else BlockingStreamWriter
        return kind(crossing)

    # === on the loop ===

    def _finish(self) -> None:
        self._done.set_result(None)

    def _take(self) -> tuple[Any, BaseException | None]:
        """The outcome, which holds the frames that hold this."""
        outcome, self._outcome = self._outcome, (None, None)
        return outcome

    async def wait(self) -> Any:
        """Wait for the handler; once cancelled for its end all the same, which its next write brings about.

        Cancelled again it is left to itself.
        """
        try:
            await asyncio.shield(self._done)
        except asyncio.CancelledError:
            with self._lock:
                self._left = True
            if not self._begun:
                raise
            await asyncio.shield(self._done)
            if self._outcome[1] is None or isinstance(self._outcome[1], ConnectionClosed):
                self._take()
                raise
        result, error = self._take()
        if error is None:
            return result
        try:
            raise error
        finally:
            del error

    @property
    def is_over(self) -> bool:
        """Whether no thread works on it, nor will."""
        return self._done.done() or not self._begun


class BlockingResponse(Response):
    """The response as a handler under `blocking=True` has it: every way to answer works from its thread.

    `stream()` and `sse()` give writers whose writes wait in the thread.
    """

    __slots__ = ()

    def send(self, body: Any = b"") -> None:
        """Answer with str, bytes or any other value as JSON; terminal."""
        _on_loop(lambda: super(BlockingResponse, self).send(body))

    def text(self, body: str) -> None:
        """Answer with text/plain in UTF-8; terminal."""
        _on_loop(lambda: super(BlockingResponse, self).text(body))

    def html(self, body: str) -> None:
        """Answer with text/html in UTF-8; terminal."""
        _on_loop(lambda: super(BlockingResponse, self).html(body))

    def json(self, value: Any) -> None:
        """Answer with `value` as application/json; terminal."""
        _on_loop(lambda: super(BlockingResponse, self).json(value))

    def end(self) -> None:
        """Answer without a body; terminal."""
        _on_loop(super().end)

    @overload  # type: ignore[override]
    def stream(self, **options: Unpack[StreamOptions]) -> BlockingStreamWriter: ...
    @overload
    def stream(self, source: Iterable[Any] | IO[Any], **options: Unpack[StreamOptions]) -> None: ...
    def stream(self, source: Any = None, **options: Any) -> Any:
        """Begin a streamed body and return its writer; or send every item of `source`, an iterable or a file."""
        run = _current()
        if run is None:
            return super().stream(source, **options)
        items = None if source is None else _items(source)
        writer = run.open(lambda: super(BlockingResponse, self).stream(**options))
        if items is None:
            return writer
        _feed(writer, items, source)
        return None

    def sse(  # type: ignore[override]
        self,
        *,
        retry: int | None = None,
        heartbeat: float = 15,
        headers: Mapping[str, str] | None = None,
        **options: Unpack[EventOptions],
    ) -> BlockingSSEWriter:
        """Begin an event stream and return its writer; options as for `Response.sse`."""

        def begin() -> SSEWriter:
            return super(BlockingResponse, self).sse(retry=retry, heartbeat=heartbeat, headers=headers, **options)

        run = _current()
        writer: Any = begin() if run is None else run.open(begin)
        return writer  # type: ignore[no-any-return]


def response_class(pool: ThreadPool) -> type[Response]:
    """Return the class of the responses of one server, by which a handler finds its threads."""
    return type("Response", (Response,), {"__slots__": (), "threads": pool})


def in_thread(binding: Binding, endpoint: Endpoint) -> Callable[[Any, Any], Any]:
    """Return the caller of `(req, res)` that runs a handler in a thread of its server; `TypeError` for an async one."""
    if binding.is_async or binding.is_async_generator:
        raise TypeError("blocking=True runs a plain def in a thread: leave it out for an async handler")
    call = _caller(binding)

    def run_blocking(req: Request, res: Response) -> Coroutine[Any, Any, Any]:
        if binding.is_generator:
            return _run_generator(endpoint, res, lambda: call(req, res))
        return _run(res, lambda: call(req, res))

    return run_blocking


def _caller(binding: Binding) -> Callable[[Any, Any], Any]:
    """Return a function of `(req, res)` for any kind of call."""
    handler = binding.call
    calls: dict[int, Callable[[Any, Any], Any]] = {
        CALL_NONE: lambda _req, _res: handler(),
        CALL_RES: lambda _req, res: handler(res),
        CALL_REQ: lambda req, _res: handler(req),
        CALL_RES_REQ: lambda req, res: handler(res, req),
        CALL_CTX: lambda req, _res: handler(req.ctx),
    }
    return calls.get(binding.kind, handler)


async def _run(res: Response, work: Callable[[], Any]) -> Any:
    """Do `work` in a thread, `res` being a `BlockingResponse` meanwhile."""
    pool: ThreadPool | None = getattr(res, "threads", None)
    if pool is None:
        raise RuntimeError("blocking=True needs the threads of a server: run the app by listen(), serve() or running()")
    run = Run(pool, work)
    kind = type(res)
    res.__class__ = BlockingResponse
    pool.submit(run.execute)
    try:
        return await run.wait()
    finally:
        if run.is_over:
            res.__class__ = kind  # else the thread goes on with it


async def _run_generator(endpoint: Endpoint, res: Response, make: Callable[[], Generator[Any]]) -> None:
    """Feed what a generator yields in a thread; its head is committed like that of any generator."""
    body = GeneratorBody(endpoint, res)
    timer = None
    if endpoint.commit_after >= 0:
        timer = asyncio.get_running_loop().call_later(endpoint.commit_after, body.commit)

    def begin() -> StreamWriter:
        if timer is not None:
            timer.cancel()
        return body.open()

    try:
        await _run(res, lambda: _produce(res, make(), body, begin))
    finally:
        if timer is not None:
            timer.cancel()


def _produce(res: Response, source: Generator[Any], body: GeneratorBody, begin: Callable[[], StreamWriter]) -> None:
    """In the thread: send what a generator yields, and close it."""
    run = _current()
    assert run is not None  # `_run` has begun it
    try:
        first = _NOTHING if res.head_only else next(source, _NOTHING)
        if first is _NOTHING and body.writer is None and res.headers_sent:
            return  # it has answered by itself
        with run.open(begin) as writer:
            put = writer.send if isinstance(writer, BlockingSSEWriter) else writer.write
            if first is not _NOTHING:
                put(first)
                for item in source:
                    put(item)
    finally:
        source.close()


def _current() -> Run | None:
    """What this thread works on; None on the loop's."""
    run: Run | None = getattr(_here, "run", None)
    return run


def _on_loop(fn: Callable[[], None]) -> None:
    run = _current()
    if run is None:
        fn()
    else:
        run.carry(fn)


def _items(source: Any) -> Iterable[Any]:
    """The items of what a thread streams; `TypeError` for what it cannot wait for."""
    if callable(getattr(source, "read", None)):
        return iter(lambda: source.read(FILE_BYTES) or None, None)
    if isinstance(source, Iterable) and not isinstance(source, str | bytes | bytearray | memoryview):
        return source
    raise TypeError(f"in a thread res.stream() takes a plain iterable or a file, not {type(source).__name__}")


def _feed(writer: BlockingStreamWriter, items: Iterable[Any], source: Any) -> None:
    """Send every item, and close the source."""
    try:
        with writer:
            if not writer.closed:  # HEAD: the head was all
                writer.writelines(items)
    finally:
        close = getattr(source, "close", None)
        if close is not None:
            close()

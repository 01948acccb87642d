"""Portal: a thread with an event loop of its own, on which coroutines are run for a caller elsewhere."""

from __future__ import annotations

import asyncio
import concurrent.futures
import sys
import threading
import traceback
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from ..serving.loops import new_loop
from .failures import LeakError, ResponseTimeout

__all__ = ("Portal",)

STUCK_S: Final = 1.0  # that a coroutine may be over its own time before its loop is taken for blocked
CANCEL_S: Final = 1.0  # that what is left on the loop may take to be cancelled

_Result = TypeVar("_Result")


class Portal:
    """The thread begins with the portal and ends with `close`; `run` may be called from one thread at a time."""

    def __init__(self) -> None:
        self._loop = new_loop()
        self._blocked = False  # once: further work waits no longer than STUCK_S
        self._thread = threading.Thread(target=self._run, name="kito-testing", daemon=True)
        self._thread.start()

    def run(self, work: Callable[[], Coroutine[Any, Any, _Result]], seconds: float) -> _Result:
        """Run `work()` on the loop; it keeps its own time of so many seconds. Raises what it raises.

        A loop that is blocked cannot keep time: then `ResponseTimeout` says where its thread is.
        """
        if threading.current_thread() is self._thread:
            raise RuntimeError("this would wait for itself: a handler cannot use the client that runs its app")
        future = asyncio.run_coroutine_threadsafe(work(), self._loop)
        try:
            return future.result(STUCK_S if self._blocked else seconds + STUCK_S)
        except concurrent.futures.TimeoutError:
            if future.done():
                raise  # its own
            future.cancel()
            self._blocked = True
            raise ResponseTimeout(f"the app blocks its event loop: {self._where()}") from None

    def close(self) -> None:
        """Cancel what is left, stop the loop and end the thread; raises `LeakError` when it does not end."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CANCEL_S + STUCK_S)
        if self._thread.is_alive():
            raise LeakError([f"the app blocks its event loop: {self._where()}"])

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
            self._loop.run_until_complete(_cancel_all())
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        finally:
            asyncio.set_event_loop(None)
            self._loop.close()

    def _where(self) -> str:
        frame = sys._current_frames().get(self._thread.ident or 0)
        if frame is None:
            return "its thread has ended"
        line = traceback.extract_stack(frame)[-1]
        return f"{line.name} at {line.filename}:{line.lineno}"


async def _cancel_all() -> None:
    """Cancel every task, and wait a bounded time: one that refuses has been named already."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=CANCEL_S)

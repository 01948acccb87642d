"""What a test leaves behind: tasks, streams and connections that are still there after their time to end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .._core.state import ServerState

__all__ = ("LeakWatch",)

POLL_S: Final = 0.002  # between two looks at what nobody announces

_Task = asyncio.Task[Any]


class LeakWatch:
    """Knows which tasks ran when a test began, and names what is more than that at its end.

    `patience` is in seconds: how long each look waits for things to come to their end.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._before = asyncio.all_tasks()

    async def of_server(self, state: ServerState) -> list[str]:
        """What a server has open, its own clients gone: handlers' tasks, streams, connections with a request."""
        tasks = state.dispatcher.tasks
        connections: list[object] = []

        def settled() -> bool:
            connections[:] = [one for one in list(state.connections) if not one.close_if_idle()]
            return not tasks and not connections and not state.tally.streams_open

        if await self._until(settled):
            return []
        found = [describe(task) for task in tasks]
        if state.tally.streams_open:
            found.append(_count(state.tally.streams_open, "stream is", "streams are") + " open on the server")
        if connections:
            found.append(_count(len(connections), "connection is", "connections are") + " busy on the server")
        return found

    async def of_loop(self) -> list[str]:
        """Tasks that have begun since the test did, and run although the server has stopped."""
        current = asyncio.current_task()
        left: list[_Task] = []

        def settled() -> bool:
            left[:] = [task for task in asyncio.all_tasks() - self._before if task is not current]
            return not left

        return [] if await self._until(settled) else [describe(task) for task in left]

    async def _until(self, condition: Callable[[], bool]) -> bool:
        try:
            async with asyncio.timeout(self._patience):
                while not condition():  # noqa: ASYNC110 - there is no event for it
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            return condition()
        return True


def describe(task: _Task) -> str:
    """Name a task by what runs in it, and where it waits."""
    work = task.get_coro()
    name = getattr(work, "__qualname__", repr(work))
    stack = task.get_stack()
    where = f" at {Path(stack[-1].f_code.co_filename).name}:{stack[-1].f_lineno}" if stack else ""
    return f"task {task.get_name()} runs {name}{where}"


def _count(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"

"""Connections of every kind leave nothing behind in a server's own process, nor anything for its collector."""

import ast
import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvloop

from tests.support.wire import Wire, request, until

ROOT = Path(__file__).parents[2]
START_S = 20.0  # seconds until the server listens, on a busy machine
SETTLE_S = 10.0  # seconds until everything of the last cycle is gone
WORKERS = 8  # connections at a time
ROUNDS = 50  # connections of each kind whose garbage is counted
CYCLES = 3_000
GROWTH_BYTES = 2 * 1024 * 1024  # of resident memory, from the end of the warm-up to the end

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc, which tells descriptors and memory, is Linux'")

Cycle = Callable[[Wire], Awaitable[None]]


# === One connection of each kind ===


async def keep_alive(wire: Wire) -> None:
    for data in (
        request("/plain"),
        request("/views/a?b=c", "cookie: d=e"),
        request("/echo", method="POST", body=b"x" * 99),
    ):
        await wire.send(data)
        assert (await wire.answer()).status == 200
    wire.close()


async def pipelined(wire: Wire) -> None:
    await wire.send(request("/plain") * 3 + request("/whole") + request("/plain", "connection: close"))
    for _ in range(5):
        assert (await wire.answer()).status == 200
    await wire.ended()
    wire.close()


async def pipelined_and_left(wire: Wire) -> None:
    await wire.send(request("/idle") + request("/plain") * 3)
    await wire.head()
    wire.reset()


async def refused(wire: Wire) -> None:
    await wire.send(b"GET / HTTP/1.1\r\n\r\n")
    assert (await wire.answer()).status == 400
    await wire.ended()
    wire.close()


async def half_a_request(wire: Wire) -> None:
    await wire.send(request("/echo", method="POST", body=b"x" * 99)[:-50])
    wire.close()


async def overflow(wire: Wire) -> None:
    await wire.get("/overflow")
    await until(wire.arrived)  # and nothing is read
    await wire.head()
    await wire.truncated()
    wire.close()


async def failing(wire: Wire) -> None:
    await wire.get("/fail")
    assert (await wire.answer()).status == 500
    await wire.get("/thread-fails")
    assert (await wire.answer()).status == 500
    await wire.get("/fail-late")
    await wire.head()
    await wire.truncated()
    wire.close()


def whole(path: str, *, method: str = "GET", version: str = "1.1") -> Cycle:
    """A stream that is read to its end."""

    async def cycle(wire: Wire) -> None:
        await wire.get(path, method=method, version=version)
        assert (await wire.answer(head_only=method == "HEAD")).status == 200
        wire.close()

    return cycle


def left(path: str, how: str) -> Cycle:
    """A stream whose client leaves after the first bytes."""

    async def cycle(wire: Wire) -> None:
        await wire.get(path)
        await wire.head()
        if how == "finish":
            wire.finish()
            await wire.gone()
            wire.close()
        else:
            getattr(wire, how)()

    return cycle


AROUND = tuple(f"/around/{name}" for name in ("plain", "session", "fail", "whole", "kept"))
PLAIN = ("/plain", "/views/a?b=c", "/context", "/whole", "/dropped", "/generator", "/sync-generator", "/thread")
WHOLE = (*AROUND, *PLAIN)
LEFT = ("/around/idle", "/idle", "/busy", "/timer", "/detached", "/endless", "/generator", "/thread-endless")
CYCLE: dict[str, Cycle] = {
    "keep-alive": keep_alive,
    "pipelined": pipelined,
    "pipelined and left": pipelined_and_left,
    "refused": refused,
    "half a request": half_a_request,
    "failing": failing,
    **{f"whole {path}": whole(path) for path in WHOLE},
    **{f"HEAD {path}": whole(path, method="HEAD") for path in ("/plain", "/idle", "/endless")},
    "whole HTTP/1.0": whole("/whole", version="1.0"),
    **{f"{path} {how}": left(path, how) for path in LEFT for how in ("reset", "finish", "close")},
}
SLOW: dict[str, Cycle] = {
    "paused": left("/paused", "reset"),
    "overflow": left("/overflow", "finish"),
}  # fill the kernel


# === The server's process ===


class Served:
    """A running server and the connection on which it is asked how it is."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.address = address
        self._control: Wire | None = None

    async def ask(self, path: str) -> Any:
        """Ask for a JSON document."""
        if self._control is None:
            self._control = await Wire.connect(self.address)
        await self._control.get(path)
        return json.loads((await self._control.answer()).body)

    async def alone(self) -> None:
        """Wait until this control connection is all there is."""
        async with asyncio.timeout(SETTLE_S):
            while await self.ask("/open") != [1, 0]:  # noqa: ASYNC110 - the other process has no event for us
                await asyncio.sleep(0.002)

    async def settled(self) -> dict[str, Any]:
        """The state once this control connection is all there is."""
        await self.alone()
        return await self.ask("/state")

    async def run(self, cycles: dict[str, Cycle], count: int) -> None:
        """Run `count` cycles, the kinds in turn, several at a time."""
        kinds = list(cycles.items())
        numbers = iter(range(count))

        async def worker() -> None:
            for number in numbers:
                name, cycle = kinds[number % len(kinds)]
                wire = await Wire.connect(self.address)
                try:
                    await cycle(wire)
                except Exception as error:
                    error.add_note(f"in a cycle of {name!r}")
                    raise
                finally:
                    wire.close()

        async with asyncio.TaskGroup() as group:
            for _ in range(WORKERS):
                group.create_task(worker())

    def hang_up(self) -> None:
        """Close the control connection."""
        if self._control is not None:
            self._control.close()


@asynccontextmanager
async def served(*arguments: str) -> AsyncIterator[Served]:
    """A server in a process of its own; in the end it stops, and nothing of the core is alive in it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.leaks.served", *arguments, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        port = int(await asyncio.wait_for(process.stdout.readline(), START_S))
        server = Served(("127.0.0.1", port))
        try:
            yield server
        finally:
            server.hang_up()
        process.send_signal(signal.SIGTERM)
        rest = await asyncio.wait_for(process.stdout.read(), SETTLE_S)
        assert await process.wait() == 0
        assert set(ast.literal_eval(rest.decode()).values()) == {0}, rest
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def run(test: Callable[[], Awaitable[None]]) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(test())


# === The tests ===


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_nothing_is_left_of_any_kind(loop: str) -> None:
    async def test() -> None:
        async with served(loop) as server:
            await server.run(CYCLE | SLOW, CYCLES)
            warm = await server.settled()
            await server.run(CYCLE, CYCLES)
            await server.run(SLOW, 20)
            after = await server.settled()
            grown = after["resident"] - warm["resident"]
            sys.stdout.write(f"{loop}: {grown // 1024} KiB more behind {CYCLES} connections\n")
            for state in (warm, after):
                live = state["live"]
                assert (live["connections"], live["exchanges"], live["writers"]) == (1, 1, 0), state
                assert state["garbage"] == 0
            assert after["tasks"] == warm["tasks"]
            assert after["descriptors"] == warm["descriptors"]
            assert grown < GROWTH_BYTES, (warm, after)

    run(test)


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_nothing_is_left_for_the_collector(loop: str) -> None:
    """What a kind of connection leaves behind in reference cycles, counted in a process that does not collect."""

    async def test() -> None:
        async with served(loop, "hoard") as server:
            await server.run(CYCLE, 2 * len(CYCLE))
            await server.settled()
            found = {}
            for name, cycle in CYCLE.items():
                await server.run({name: cycle}, ROUNDS)
                await server.alone()
                count, ours = await server.ask("/collect")
                if ours or (loop == "uvloop" and count >= ROUNDS):  # a transport of asyncio is a cycle of its own
                    found[name] = (count / ROUNDS, ours)
            assert found == {}

    run(test)


def test_a_leak_would_be_seen() -> None:
    async def test() -> None:
        async with served("uvloop") as server:
            await server.run({"keep": left("/keep", "reset")}, 5)
            await server.alone()
            live = (await server.ask("/state"))["live"]
            assert (live["exchanges"], live["writers"]) == (6, 5)
            await server.run({"forget": whole("/forget")}, 1)
            live = (await server.settled())["live"]
            assert (live["exchanges"], live["writers"]) == (1, 0)

    run(test)

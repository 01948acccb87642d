"""One client that reads a huge stream at 64 KiB/s, beside many that are served events: what it costs, and whom.

The server's events carry the time when they were sent, by the clock that all processes of the machine share.
"""

import asyncio
import json
import statistics
import time
from typing import NamedTuple

from tests.clients.processes import Process, running_server
from tests.support.wire import Address, Wire

from .field import MIB, resident

STEP = 64 * 1024  # bytes that the slow one reads in a second
EXTRA_BYTES = 2 * MIB  # that it may cost
NOISE_S = 0.05  # by which a percentile may move on a machine that does other things as well


class Finding(NamedTuple):
    """The 99th percentile of the neighbours' waits without and with the slow one, in seconds, and its bytes."""

    alone: float
    beside: float
    growth: int

    def __str__(self) -> str:
        return (
            f"neighbours' p99 {self.alone * 1e3:.1f} ms, beside the slow reader {self.beside * 1e3:.1f} ms; "
            f"its memory {self.growth / MIB:+.2f} MiB of {EXTRA_BYTES / MIB:.0f} MiB"
        )


def watch(neighbours: int, seconds: float) -> Finding:
    """Measure on a server of its own."""

    def port_of(process: Process) -> tuple[int, int]:
        return process.pid, int(process.stdout.readline())

    with running_server("-m", "tests.abuse.served", "long", until=port_of) as (pid, port):
        return asyncio.run(_watch(("127.0.0.1", port), pid, neighbours, seconds))


async def _watch(address: Address, pid: int, neighbours: int, seconds: float) -> Finding:
    waits: list[float] = []
    wires = [await _open(address, "/ticks") for _ in range(neighbours)]
    readers = [asyncio.create_task(_note(wire, waits)) for wire in wires]
    slow = None
    try:
        alone = await _percentile(waits, seconds)
        base = resident(pid)
        slow = await _open(address, "/gibibyte", receive_buffer=STEP)
        dripping = asyncio.create_task(_drip(slow, seconds))
        beside = await _percentile(waits, seconds)
        growth = resident(pid) - base
        await dripping
    finally:
        for reader in readers:
            reader.cancel()
        for wire in [*wires, *([slow] if slow else [])]:
            wire.close()
    return Finding(alone, beside, growth)


async def _open(address: Address, path: str, receive_buffer: int | None = None) -> Wire:
    wire = await Wire.connect(address, receive_buffer=receive_buffer)
    await wire.get(path)
    await wire.head()
    return wire


async def _note(wire: Wire, waits: list[float]) -> None:
    while True:
        chunk = await wire.chunk()
        waits.append(time.monotonic() - json.loads(chunk.removeprefix(b"data: ")))


async def _percentile(waits: list[float], seconds: float) -> float:
    """The 99th percentile of what is noted in the next `seconds`."""
    waits.clear()
    await asyncio.sleep(seconds)
    return statistics.quantiles(waits, n=100)[98]


async def _drip(wire: Wire, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        await wire.exactly(STEP)
        await asyncio.sleep(1)

"""The field: a server, a well-behaved client and an attack, each where it belongs, and what was measured."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.clients.processes import ROOT, Process, running_server
from tests.support.wire import Wire

from .attacks import Attack, Battle
from .bounds import SCALES, Scale

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
SAMPLE_S = 0.02
SETTLE_S = 15.0  # beyond the server's timeouts, on a busy machine
HONEST_ANSWERS = 5  # the least that a well-behaved client must get, however busy the machine is
WARM_UP = ("/plain", "/big", "/state")
MIB = 1024 * 1024

State = dict[str, int]


class Report(NamedTuple):
    """What an attack has cost, in seconds and bytes; `before` and `after` are the server's counters."""

    attack: Attack
    scale: Scale
    answers: int
    p50: float
    p99: float
    growth: int
    bound: int
    before: State
    after: State
    statuses: set[int]

    def complaints(self) -> list[str]:
        """Every promise that was broken."""
        found = []
        if self.answers < HONEST_ANSWERS:
            found.append(f"the well-behaved client got {self.answers} answers")
        if self.growth > self.bound:
            found.append(f"memory grew by {self.growth} bytes, the bound is {self.bound}")
        if self.after != self.before:
            found.append(f"what was {self.before} is {self.after}")
        if not self.statuses <= self.attack.statuses or bool(self.statuses) < bool(self.attack.statuses):
            found.append(f"refused with {self.statuses}, not with {set(self.attack.statuses)}")
        return found

    def __str__(self) -> str:
        return (
            f"{self.attack.name:34} others: {self.answers:5} answers, p50 {self.p50 * 1e3:6.2f} ms, p99 "
            f"{self.p99 * 1e3:7.2f} ms; memory {self.growth / MIB:+6.1f} MiB of {self.bound / MIB:6.1f} MiB"
        )


def fight(attack: Attack, scale_name: str) -> Report:
    """Start a server of its own, attack it, and tell how it went."""
    scale = SCALES[scale_name]

    def port_of(process: Process) -> tuple[int, int]:
        return process.pid, int(process.stdout.readline())

    with running_server("-m", "tests.abuse.served", scale_name, until=port_of) as (pid, port):
        return asyncio.run(_fight(attack, scale, pid, port))


async def _fight(attack: Attack, scale: Scale, pid: int, port: int) -> Report:
    address = ("127.0.0.1", port)
    before = await _state(address)
    battle = Battle(address, scale)
    base = resident(pid)
    peak = [base]
    sampler = asyncio.create_task(_sample(pid, peak))
    try:
        with honest_client(port) as honest:
            # Some attacks are refused at once; the client is there for as long as all of them.
            await asyncio.gather(attack.run(battle), asyncio.sleep(scale.seconds))
            found = await asyncio.to_thread(honest)
        after = await _settled(address, before, _patience(scale))
    finally:
        sampler.cancel()
        battle.close()
    return Report(
        attack, scale, found["answers"], found["p50"], found["p99"], peak[0] - base, attack.bound(scale),
        before, after, battle.statuses,
    )  # fmt: skip


@contextmanager
def honest_client(port: int) -> Iterator[object]:
    """A well-behaved client in a process of its own; what is yielded ends it and returns what it found."""
    command = [sys.executable, "-m", "tests.abuse.honest", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def finish() -> dict[str, float]:
        written, _ = process.communicate("over\n", SETTLE_S)
        assert process.returncode == 0, "the well-behaved client was not served"
        return json.loads(written)

    try:
        yield finish
    finally:
        process.kill()
        process.wait()


async def _settled(address: tuple[str, int], before: State, patience_s: float) -> State:
    """The server's counters once they are what they were; or what they are when patience ends."""
    end = time.monotonic() + patience_s
    while (state := await _state(address)) != before and time.monotonic() < end:  # noqa: ASYNC110 - another process
        await asyncio.sleep(SAMPLE_S)
    return state


def _patience(scale: Scale) -> float:
    times = scale.timeouts
    return SETTLE_S + max(times.head, times.body, times.keep_alive, times.write)


async def _state(address: tuple[str, int]) -> State:
    for path in WARM_UP:
        wire = await Wire.connect(address)
        await wire.get(path, "connection: close")
        body = (await wire.answer()).body
        wire.close()
    return json.loads(body)


async def _sample(pid: int, peak: list[int]) -> None:
    while True:
        peak[0] = max(peak[0], resident(pid))
        await asyncio.sleep(SAMPLE_S)


def resident(pid: int) -> int:
    """Bytes of memory that a process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES

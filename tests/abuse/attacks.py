"""The attacks. Each is bounded by its scale, in time, connections and bytes, and ends with its connections open.

What the server does not end by itself within its timeouts is a failure of the server: nobody here hangs up.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import Random
from typing import NamedTuple

from tests.oracle import mutations
from tests.support.wire import Address, Truncated, Wire, request

from . import bounds
from .bounds import Scale

SEED = 6265
DRIP_S = 0.05
SMALL_BUFFER = 4096  # bytes; of a client that reads nothing
PIECE = 16384  # bytes
PIPELINES = 10  # each costs the attacker as much as many others
STUCK_S = 0.2  # a send that takes longer is one that is not read

GONE = (Truncated, ConnectionError, BrokenPipeError, TimeoutError)


class Battle:
    """Who attacks whom, how hard; the connections are kept until the end."""

    def __init__(self, address: Address, scale: Scale) -> None:
        self.address = address
        self.scale = scale
        self.wires: list[Wire] = []
        self.statuses: set[int] = set()  # of the refusals that arrived

    async def wire(self, *, small: bool = False) -> Wire:
        """A new connection."""
        wire = await Wire.connect(self.address, receive_buffer=SMALL_BUFFER if small else None)
        self.wires.append(wire)
        return wire

    async def instead_of(self, wire: Wire) -> Wire:
        """A new connection in the place of one that is closed."""
        self.wires.remove(wire)
        return await self.wire()

    async def everybody(
        self, attacker: Callable[["Battle", Wire], Awaitable[None]], *, small: bool = False, one_of: int = 1
    ) -> None:
        """Let every connection, or one of so many, do the same, until it is cut or the time is over."""

        async def one() -> None:
            wire = await self.wire(small=small)
            with suppress(*GONE):
                async with asyncio.timeout(self.scale.seconds):
                    await attacker(self, wire)

        await asyncio.gather(*(one() for _ in range(self.scale.connections // one_of)))

    async def pour(self, wire: Wire, first: bytes, piece: bytes) -> None:
        """Send `first`, then `piece` over and over, until the bytes are used up or nobody takes them."""
        await wire.send(first)
        with suppress(*GONE):
            for _ in range(self.scale.bytes_each // len(piece)):
                async with asyncio.timeout(STUCK_S):
                    await wire.send(piece)

    async def refusal(self, wire: Wire) -> None:
        """Note the status of the answer; a reset may have destroyed it."""
        with suppress(*GONE):
            self.statuses.add((await wire.answer()).status)

    def close(self) -> None:
        """Leave the field."""
        for wire in self.wires:
            wire.close()


async def _drip(battle: Battle, beginning: bytes) -> None:
    async def drip(_: Battle, wire: Wire) -> None:
        await wire.send(beginning)
        while True:
            await wire.send(b"a")
            await asyncio.sleep(DRIP_S)

    await battle.everybody(drip)


async def slow_heads(battle: Battle) -> None:
    await _drip(battle, b"GET /plain HTTP/1.1\r\nhost: kito.test\r\nx: ")


async def slow_bodies(battle: Battle) -> None:
    await _drip(battle, b"POST /length HTTP/1.1\r\nhost: kito.test\r\ncontent-length: 4000000\r\n\r\n")


async def slow_readers(battle: Battle) -> None:
    await battle.everybody(lambda _, wire: wire.get("/waits"), small=True)
    await asyncio.sleep(battle.scale.seconds)


async def readers_behind(battle: Battle) -> None:
    await battle.everybody(lambda _, wire: wire.get("/floods"), small=True)
    await asyncio.sleep(battle.scale.seconds)


async def idle_hoard(battle: Battle) -> None:
    for number in range(battle.scale.hoard):
        wire = await battle.wire()
        if number % 2:  # every other one has been served once
            await wire.get("/plain")
    await asyncio.sleep(battle.scale.seconds)


async def unread_pipeline(battle: Battle) -> None:
    async def pipeline(_: Battle, wire: Wire) -> None:
        await battle.pour(wire, b"", request("/big") * 100)

    await battle.everybody(pipeline, small=True, one_of=PIPELINES)


async def resets(battle: Battle) -> None:
    beginnings = (
        b"",
        request("/plain"),
        request("/waits"),
        request("/events"),
        request("/events") + request("/plain") * 3,
        b"GET /pl",
        b"POST /length HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n",
    )

    async def storm(_: Battle, wire: Wire) -> None:
        number = 0
        while True:
            await wire.send(beginnings[number % len(beginnings)])
            await asyncio.sleep(DRIP_S * (number % 3))
            wire.reset()
            number += 1
            wire = await battle.instead_of(wire)

    await battle.everybody(storm)
    for wire in battle.wires:
        wire.reset()


async def header_bombs(battle: Battle) -> None:
    field = b"x-field: " + b"a" * 80 + b"\r\n"

    async def bomb(_: Battle, wire: Wire) -> None:
        endless_value = battle.wires.index(wire) % 2
        piece = b"a" * PIECE if endless_value else field * 100
        await battle.pour(
            wire, b"GET /plain HTTP/1.1\r\nhost: kito.test\r\nx: " + (b"" if endless_value else b"\r\n"), piece
        )
        await battle.refusal(wire)

    await battle.everybody(bomb)


async def extension_bombs(battle: Battle) -> None:
    head = b"POST /length HTTP/1.1\r\nhost: kito.test\r\ntransfer-encoding: chunked\r\n\r\n"
    bombs = ((b"1;a=", b"a" * PIECE), (b"", b"1;" + b"a" * 1000 + b"\r\nx\r\n"), (b"0\r\nx: ", b"a" * PIECE))

    async def bomb(_: Battle, wire: Wire) -> None:
        first, piece = bombs[battle.wires.index(wire) % len(bombs)]
        await battle.pour(wire, head + first, piece)
        await battle.refusal(wire)

    await battle.everybody(bomb)


async def garbage(battle: Battle) -> None:
    random = Random(SEED)

    async def noise(_: Battle, wire: Wire) -> None:
        while True:
            seed = random.choice(mutations.SEEDS)
            mutated = mutations.apply(seed, mutations.random_changes(random, 4))
            await wire.send(random.choice([mutated, random.randbytes(200)]))
            wire.finish()
            await wire.rest()
            wire.close()
            wire = await battle.instead_of(wire)

    await battle.everybody(noise)


class Attack(NamedTuple):
    """An attack, how much memory each of its connections may cost, and how the server refuses it."""

    name: str
    run: Callable[[Battle], Awaitable[None]]
    bytes_each: int
    statuses: frozenset[int] = frozenset()
    hoard: bool = False
    one_of: int = 1  # so many connections attacks

    def bound(self, scale: Scale) -> int:
        """Bytes by which the server's memory may grow."""
        return bounds.SLACK + self.bytes_each * (scale.hoard if self.hoard else scale.connections // self.one_of)


ATTACKS = (
    Attack("slow heads", slow_heads, bounds.IN_HEAD),
    Attack("slow bodies", slow_bodies, bounds.IN_BODY),
    Attack("slow readers", slow_readers, bounds.UNREAD),
    Attack("readers that fall behind", readers_behind, bounds.BEHIND),
    Attack("idle hoard", idle_hoard, bounds.IDLE, hoard=True),
    Attack("pipelines that nobody reads", unread_pipeline, bounds.PIPELINED, one_of=PIPELINES),
    Attack("resets", resets, bounds.UNREAD),
    Attack("header bombs", header_bombs, bounds.IN_HEAD, frozenset({431})),
    Attack("chunk extension and trailer bombs", extension_bombs, bounds.IN_BODY, frozenset({400, 431})),
    Attack("garbage", garbage, bounds.IN_HEAD),
)

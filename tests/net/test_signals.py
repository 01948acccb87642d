"""SIGTERM and SIGINT to a process of its own: a graceful stop, and no waiting when it is said twice."""

import asyncio
import signal
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support.wire import Wire, soon

ROOT = Path(__file__).parents[2]
START_S = 20.0  # seconds until the process listens, on a busy machine

pytestmark = pytest.mark.wirings("uvloop-tcp")  # the loop of the client; the server makes its own

ways = pytest.mark.parametrize("way", ["listen", "serve"])
signals = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])


class Program:
    """The running process."""

    def __init__(self, process):
        self.process = process
        self.address = None

    async def says(self, word):
        """Read the next line, which has to begin with that word; return the rest of it."""
        line = (await asyncio.wait_for(self.process.stdout.readline(), START_S)).decode()
        assert line.split()[:1] == [word], line
        return line.split()[1:]

    async def ended(self):
        """Wait for the end of the process; return its exit status and what else it wrote to stdout and stderr."""
        rest, errors = await soon(self.process.communicate())
        return self.process.returncode, rest.decode(), errors.decode()


@asynccontextmanager
async def running(way, grace):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.net.stoppable", way, str(grace),
        cwd=ROOT, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    program = Program(process)
    try:
        (port,) = await program.says("ready")
        program.address = ("127.0.0.1", int(port))
        yield program
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@ways
@signals
async def test_one_signal_is_a_graceful_stop(net, way, number):
    async with running(way, 0.5) as program:
        streaming, waiting, idle = [await Wire.connect(program.address) for _ in range(3)]
        await streaming.get("/events")
        await streaming.head()
        await waiting.get("/plain")
        await program.says("asked")
        program.process.send_signal(number)
        assert (await streaming.chunk()).startswith(b"retry: ")
        await idle.ended()
        answer = await waiting.answer()
        assert answer.body == b"answered"
        assert answer.head.get("connection") == "close"
        await streaming.truncated()
        await program.says("stream")
        await program.says("cleaned")
        await program.says("shutdown")
        await program.says("returned")
        code, rest, errors = await program.ended()
        assert (code, rest) == (0, "")
        assert "Traceback" not in errors
        for wire in (streaming, waiting, idle):
            wire.close()


@ways
async def test_a_second_signal_skips_the_wait_and_nothing_else(net, way):
    async with running(way, 600) as program:
        wire = await Wire.connect(program.address)
        await wire.get("/events")
        await wire.head()
        program.process.send_signal(signal.SIGTERM)
        assert (await wire.chunk()).startswith(b"retry: ")
        program.process.send_signal(signal.SIGINT)
        await wire.truncated()
        assert await program.says("stream") == ["shutdown"]
        await program.says("cleaned")
        await program.says("shutdown")
        await program.says("returned")
        code, _, errors = await program.ended()
        assert code == 0
        assert "Traceback" not in errors
        wire.close()


async def test_the_log_says_how_many_were_cut(net):
    async with running("listen", 0) as program:
        wires = [await Wire.connect(program.address) for _ in range(3)]
        for wire in wires:
            await wire.get("/events")
            await wire.head()
        program.process.send_signal(signal.SIGTERM)
        for wire in wires:
            await wire.truncated()
            wire.close()
        for _ in wires:
            await program.says("stream")
        code, _, errors = await program.ended()
        assert code == 0
        assert "3 exchanges were cut" in errors


async def test_an_idle_server_stops_at_once(net):
    async with running("listen", 600) as program:
        program.process.send_signal(signal.SIGTERM)
        await program.says("shutdown")
        await program.says("returned")
        assert await program.ended() == (0, "", "")

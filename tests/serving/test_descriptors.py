"""A process that has no descriptors left: it goes on serving whom it has, and accepts again as soon as it can."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.wire import Truncated, Wire, request

ROOT = Path(__file__).parents[2]
PROCESS_S = 20.0  # seconds for a process to end
SPARE = 20  # descriptors for connections
RETRIES_S = 3.0  # seconds in which asyncio's own loop has tried again

PROGRAM = """
import asyncio, os, resource, sys
import uvloop
from kito import Limits, server

app = server(limits=Limits(connections=1000))
app.get("/", lambda: "hello")

def ready():
    used = len(os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (used + int(sys.argv[2]),) * 2)
    print(app.address[1], flush=True)

run = uvloop.run if sys.argv[1] == "uvloop" else asyncio.run
run(app.serve(port=0, on_ready=ready))
"""


async def is_served(wire):
    """True when a request on this connection is answered, False when it was dropped or waits."""
    try:
        await wire.send(request("/"))
        async with asyncio.timeout(0.2):
            return (await wire.answer()).body == b"hello"
    except (TimeoutError, Truncated, ConnectionError):
        return False


async def starve(port):
    """Take every descriptor, see who is served, and give them back; then everybody is."""
    wires = [await Wire.connect(("127.0.0.1", port)) for _ in range(SPARE)]
    late = []
    while not late or await is_served(late[-1]):
        assert len(late) < 2 * SPARE
        late.append(await Wire.connect(("127.0.0.1", port)))
    assert len(late) <= SPARE
    for wire in wires:
        assert await is_served(wire)  # those that are there are not disturbed
    for wire in (*wires, *late):
        wire.close()

    async def accepts_again():
        while True:
            wire = await Wire.connect(("127.0.0.1", port))
            served = await is_served(wire)
            wire.close()
            if served:
                return

    async with asyncio.timeout(RETRIES_S + PROCESS_S):
        await accepts_again()


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="descriptors are counted in /proc")
@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_no_descriptors_are_no_end_of_accepting(tmp_path, loop):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    errors = tmp_path / "errors.txt"
    with (
        errors.open("w") as sink,
        subprocess.Popen(
            [sys.executable, str(program), loop, str(SPARE)], cwd=ROOT, stdout=subprocess.PIPE, stderr=sink, text=True
        ) as process,
    ):
        try:
            port = int(process.stdout.readline())
            asyncio.run(starve(port))
            process.terminate()
            assert process.wait(PROCESS_S) == 0
        finally:
            process.kill()
    # One complaint for each try of asyncio's, one a second; not one for each connection that might wait.
    assert errors.read_text().count("Traceback") < 60

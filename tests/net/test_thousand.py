"""A graceful stop with a thousand open streams: each is told, each ends one way or the other, each is counted."""

import asyncio
import json
import re
import resource
import signal
import sys
from pathlib import Path

import pytest

from tests.support.wire import Truncated, Wire, soon

ROOT = Path(__file__).parents[2]
STREAMS = 1000
AT_ONCE = 100  # connections that are opened at the same time
START_S = 20.0  # seconds until the process listens, on a busy machine

pytestmark = pytest.mark.wirings("uvloop-tcp")  # the loop of the clients; the server makes its own


@pytest.fixture(autouse=True)
def descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(soft, STREAMS + 500)
    if wanted > hard:
        pytest.fail(f"{wanted} descriptors are needed, and {hard} are allowed: raise the hard limit (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def open_stream(address, path):
    wire = await Wire.connect(address)
    await wire.get(path)
    await wire.head()
    return wire


async def last_words(wire):
    """What a stream was told, and whether it came to a clean end."""
    chunks = []
    try:
        while (chunk := await wire.chunk()) is not None:
            chunks.append(chunk)
    except Truncated:
        return chunks, False
    return chunks, True


async def stop(process, address, how):
    if how == "code":
        wire = await Wire.connect(address)
        await wire.get("/stop", method="POST")
        await wire.gone()  # the handler answers nothing
        wire.close()
    else:
        process.send_signal(getattr(signal, how))


@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT", "code"])
async def test_each_is_told_and_each_is_counted(net, how):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.net.thousand",
        cwd=ROOT, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        line = await asyncio.wait_for(process.stdout.readline(), START_S)
        address = ("127.0.0.1", json.loads(line)["port"])
        wires = []
        for start in range(0, STREAMS, AT_ONCE):
            paths = ["/polite" if number % 2 else "/deaf" for number in range(start, start + AT_ONCE)]
            wires += await asyncio.gather(*(open_stream(address, path) for path in paths))
        await stop(process, address, how)
        words = await asyncio.gather(*map(last_words, wires))
        rest, errors = await soon(process.communicate())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        for wire in wires:
            wire.close()
    waits = [re.fullmatch(rb"retry: (\d{4})\n\n", chunks[0])[1] for chunks, _ in words]
    assert len(set(waits)) > STREAMS // 10  # spread, lest all come back at once
    for number, (chunks, whole) in enumerate(words):
        polite = bool(number % 2)
        assert whole == polite
        assert chunks[1:] == ([b"event: pause\ndata: bye\n\n"] if polite else [])
    assert json.loads(rest) == {
        "told": STREAMS,
        "cleaned": STREAMS,
        "ends": {"ended": STREAMS // 2, "shutdown": STREAMS // 2},
        "open": 0,
    }
    assert f"stopping: {STREAMS} open streams were told" in errors.decode()
    assert f"stopped: {STREAMS // 2} exchanges were cut" in errors.decode()
    assert process.returncode == 0

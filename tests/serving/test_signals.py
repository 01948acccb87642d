"""SIGHUP: certificates are read again by a process that owns its loop; without any the signal is left alone."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kito import server
from tests.serving.certificates import Pair
from tests.support.wire import soon, until

ROOT = Path(__file__).parents[2]
PROCESS_S = 20.0  # seconds for a process to start, serve and end

PROGRAM = """
import sys
from kito import server

app = server()
app.get("/", lambda: "hello")
tls = (sys.argv[1], sys.argv[2]) if len(sys.argv) > 1 else None
app.listen(0, "127.0.0.1", lambda: print(app.address[1], flush=True), tls=tls)
"""


def copy(source, target):
    for one, other in zip(source, target, strict=True):
        shutil.copy(one, other)


async def test_a_hangup_renews_the_certificate_and_keeps_connections(net, clients, tmp_path, certificates):
    first, second = certificates
    live = Pair(str(tmp_path / "live.pem"), str(tmp_path / "live.key"))
    copy(first, live)
    app = server()
    app.get("/", lambda: "hello")
    ready = asyncio.Event()
    serving = asyncio.ensure_future(app.serve(on_ready=ready.set, port=0, tls=live))
    await soon(ready.wait())
    old = await clients.secured(app.address, first.trusted())
    copy(second, live)
    reloaded = app._runner.listeners._tls.context
    assert reloaded.sni_callback is None
    os.kill(os.getpid(), signal.SIGHUP)
    await until(lambda: reloaded.sni_callback is not None)
    new = await clients.secured(app.address, second.trusted())
    assert new.issued_to() == "second"
    for wire in (old, new):
        await wire.get("/")
        assert (await wire.answer()).body == b"hello"
    app.close()
    await soon(serving)
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_DFL


@pytest.mark.parametrize("kind", ["no tls", "tls"])
async def test_a_process(net, clients, pair, kind):
    """With files to read it survives a hangup; without, the signal does what it does to any process."""
    files = pair if kind == "tls" else ()
    with started(*files) as process:
        try:
            address = ("127.0.0.1", int(process.stdout.readline()))
            process.send_signal(signal.SIGHUP)
            if kind == "tls":
                wire = await clients.secured(address, pair.trusted())
                await wire.get("/")
                assert (await wire.answer()).body == b"hello"
                wire.close()
                await asyncio.sleep(0)  # nothing is read here while the process is waited for
                process.send_signal(signal.SIGTERM)
            assert process.wait(PROCESS_S) == (0 if kind == "tls" else -signal.SIGHUP)
        finally:
            process.kill()


def started(*files):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", PROGRAM, *files]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)

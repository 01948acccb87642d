"""The servers under test: how each is started in its best documented configuration, and how it is stopped.

A peer is data. Its process is pinned to the server's core before it starts, so that every thread it makes stays there.
"""

import contextlib
import dataclasses
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.accounting import Account
from benchmarks.environment import BUILD, CERTIFICATE, KEY, ROOT
from benchmarks.machine import on_core

HOST = "127.0.0.1"
PORTS = range(18000, 19000)  # below the kernel's own range, so that no client socket is in the way
START_SECONDS = 20.0
IDLE_CONNECTIONS_MAX = 16384
UVICORN = (
    "{python} -m uvicorn --host {host} --port {port} --loop uvloop --http httptools --ws none --backlog 4096"
    " --no-access-log --log-level warning --no-proxy-headers --no-server-header --timeout-keep-alive 75"
)
GRANIAN = (
    "{python} -m granian --host {host} --port {port} --workers 1 --runtime-threads 1 --http 1 --no-ws --loop uvloop"
    f" --log-level warning --backlog 4096 --backpressure {IDLE_CONNECTIONS_MAX}"
)


@dataclasses.dataclass(frozen=True, slots=True)
class Peer:
    """One server: `packages` are the distributions whose versions belong to its figures; `tls` makes it serve TLS."""

    name: str
    title: str
    command: str
    packages: tuple[str, ...] = ()
    needs: str = "python"
    tls: str = ""
    lacks: tuple[tuple[str, str], ...] = ()

    def missing(self, scenario: str) -> str | None:
        """Why this server has no such scenario, or None."""
        return dict(self.lacks).get(scenario)


FILES = "{certificate} {key}"
UVICORN_TLS = "--ssl-certfile {certificate} --ssl-keyfile {key}"
GRANIAN_TLS = "--ssl-certificate {certificate} --ssl-keyfile {key}"
NO_TLS = ("tls", "a floor without TLS: the plaintext row says what the rest costs")
PEERS = (
    Peer(
        "kito",
        "kito",
        "{python} kito_app.py {port}",
        ("kito-server", "httptools", "uvloop", "msgspec"),
        tls=FILES,
    ),
    Peer("floor", "floor (C, epoll)", "{build}/floor {port}", needs="native", lacks=(NO_TLS,)),
    Peer("stario", "Stario", "{python} stario_app.py {port}", ("stario", "uvloop", "msgspec"), tls=FILES),
    Peer(
        "uvicorn",
        "uvicorn, bare ASGI",
        f"{UVICORN} --lifespan off asgi_bare:app",
        ("uvicorn", "httptools", "uvloop", "msgspec"),
        tls=UVICORN_TLS,
    ),
    Peer(
        "granian-rsgi",
        "Granian RSGI",
        f"{GRANIAN} --interface rsgi granian_rsgi:app",
        ("granian", "uvloop"),
        tls=GRANIAN_TLS,
    ),
    # Granian calls this flag experimental; it is measured beside the ordinary configuration, not instead of it.
    Peer(
        "granian-flush",
        "Granian RSGI, pipeline flush",
        f"{GRANIAN} --interface rsgi --http1-pipeline-flush granian_rsgi:app",
        ("granian", "uvloop"),
        tls=GRANIAN_TLS,
    ),
    Peer(
        "granian-asgi",
        "Granian ASGI",
        f"{GRANIAN} --interface asginl asgi_bare:app",
        ("granian", "uvloop"),
        tls=GRANIAN_TLS,
    ),
    Peer("socketify", "socketify", "{python} socketify_app.py {port}", ("socketify",), tls=FILES),
    Peer("node", "Node http", "{node} node_http.js {port}", needs="node", tls=FILES),
    Peer("aiohttp", "aiohttp", "{python} aiohttp_app.py {port}", ("aiohttp", "uvloop"), tls=FILES),
    Peer(
        "starlette",
        "Starlette + sse-starlette",
        f"{UVICORN} --lifespan off starlette_app:app",
        ("starlette", "sse-starlette", "uvicorn"),
        tls=UVICORN_TLS,
    ),
    Peer(
        "fastapi",
        "FastAPI",
        f"{UVICORN} --lifespan off fastapi_app:app",
        ("fastapi", "uvicorn", "pydantic"),
        tls=UVICORN_TLS,
    ),
)
BY_NAME = {peer.name: peer for peer in PEERS}


class ServerFailed(RuntimeError):
    """A server did not start or died; the message ends with what it wrote to standard error."""


def select(names: tuple[str, ...]) -> list[Peer]:
    """The peers of these names, all of them when none is named; KeyError names an unknown one."""
    return [BY_NAME[name] for name in names] if names else list(PEERS)


def free_ports() -> Iterator[int]:
    """Ports on which nothing listens now, in turn, so that two runs do not meet old connections."""
    while True:
        for port in PORTS:
            with socket.socket() as probe:
                try:
                    probe.bind((HOST, port))
                except OSError:
                    continue
            yield port


ports = free_ports()


class Server:
    """One running server, as a context manager; `account` reads its clocks."""

    def __init__(self, peer: Peer, python: Path, core: int, *, tls: bool = False) -> None:
        self.peer, self.core = peer, core
        self.address = (HOST, next(ports))
        places = {"python": python, "build": BUILD, "host": HOST, "port": self.address[1], "node": shutil.which("node")}
        places |= {"certificate": CERTIFICATE, "key": KEY}
        command = f"{peer.command} {peer.tls}" if tls else peer.command
        self.command = [part.format(**places) for part in command.split()]
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115  (lives as long as the server)

    def __enter__(self) -> Self:
        with on_core(self.core):
            self.process = subprocess.Popen(
                self.command, cwd=ROOT / "apps", stdout=self.errors, stderr=self.errors, start_new_session=True
            )
        self.account = Account(self.process.pid, self.core)
        try:
            self._wait_until_it_accepts()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _wait_until_it_accepts(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise ServerFailed(f"{self.peer.name} ended with {self.process.returncode}: {self.said()}")
            try:
                socket.create_connection(self.address, timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise ServerFailed(f"{self.peer.name} did not listen within {START_SECONDS:.0f} s: {self.said()}")

    def _stop(self) -> None:
        """Ends the whole group at once: the figures are in, and nobody waits for a farewell."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.errors.close()

    def said(self) -> str:
        """The end of what the server wrote to its standard output and error."""
        self.errors.seek(0)
        return self.errors.read()[-1500:].decode(errors="replace").strip()

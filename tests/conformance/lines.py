"""Connections to a site: over real sockets on each loop and transport, and in memory, where each read is certain."""

import asyncio
import itertools
import logging
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import uvloop

from tests.conftest import require_tool
from tests.core.rig import Peer, Rig, serving

from .app import LIMITS, AskedForError, Site
from .client import ResetError, ResponseError

SILENCE_S = 5.0  # seconds without a byte before a read fails
START_S = 10.0  # seconds for a server to start or to stop
STOP_GRACE_S = 0.5  # seconds for connections that a case has left open
READ_BYTES = 65536

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "uvloop": uvloop.new_event_loop,
    "asyncio": asyncio.SelectorEventLoop,
}
TRANSPORTS = ("tcp", "unix", "tls")
WIRINGS = tuple(f"{transport}-{loop}" for transport in TRANSPORTS for loop in LOOPS)

_numbers = itertools.count(1)


def new_key() -> str:
    """A word for `\\{key}` that no other run has; always of the same length."""
    return f"{next(_numbers):08}"


class Log(logging.Handler):
    """What a server logged at WARNING and above, but for the failures that cases ask for."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if not (record.exc_info and isinstance(record.exc_info[1], AskedForError)):
            self.messages.append(self.format(record))


class SocketLine:
    """A client on a socket."""

    def __init__(self, server: "SocketServer", sock: socket.socket) -> None:
        self.site = server.site
        self._server = server
        self._sock = sock

    def send(self, pieces: Sequence[bytes]) -> None:
        with suppress(BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
            for piece in pieces:
                self._sock.sendall(piece)

    def receive(self) -> bytes:
        try:
            return self._sock.recv(READ_BYTES)
        except TimeoutError:
            raise ResponseError(f"silence for {SILENCE_S:.0f} s") from None
        except (ConnectionResetError, ssl.SSLEOFError) as error:
            raise ResetError from error

    def half_close(self) -> None:
        self._sock.shutdown(socket.SHUT_WR)

    def call(self, fn: Callable[..., Any], *args: Any) -> Any:
        return self._server.call(fn, *args)


class SocketServer:
    """A site, anything with an `app`, that a thread serves on a loop of its own."""

    def __init__(self, wiring: str, folder: Path, site: Any = None) -> None:
        transport, loop = wiring.split("-")
        self.site = Site() if site is None else site
        self._options: dict[str, Any] = {"port": 0}
        self._client_tls: ssl.SSLContext | None = None
        if transport == "unix":
            self._options = {"unix_socket": str(folder / "kito.sock")}
        elif transport == "tls":
            self._options["tls"], self._client_tls = _contexts(folder)
        self._loop = LOOPS[loop]()
        self._address: Future[Any] = Future()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name=wiring)

    def __enter__(self) -> Self:
        self._thread.start()
        self._address.result(START_S)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(START_S)
        assert not self._thread.is_alive(), "the server does not stop"

    @contextmanager
    def connect(self) -> Iterator[SocketLine]:
        """A new connection, which is closed with the block."""
        address = self._address.result()
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        with socket.socket(family) as sock:
            sock.settimeout(SILENCE_S)
            sock.connect(address)
            if family == socket.AF_INET:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._client_tls is None:
                yield SocketLine(self, sock)
                return
            with self._client_tls.wrap_socket(sock, server_hostname="kito.test", suppress_ragged_eofs=False) as secured:
                yield SocketLine(self, secured)

    def call(self, fn: Callable[..., Any], *args: Any) -> Any:
        """Call `fn(*args)` in the server's loop and return what it returns."""
        outcome: Future[Any] = Future()
        self._loop.call_soon_threadsafe(lambda: outcome.set_result(fn(*args)))
        return outcome.result(START_S)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        try:
            async with self.site.app.running(**self._options) as address:
                self._address.set_result(address)
                await self._stop.wait()
                await self.site.app.aclose(STOP_GRACE_S)
        except BaseException as error:
            if not self._address.done():
                self._address.set_exception(error)
            raise


class Servers:
    """Servers by wiring, each started when it is first asked for and stopped with the stack."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._running: dict[str, SocketServer] = {}

    def on(self, wiring: str) -> SocketServer:
        """The server of this wiring."""
        if wiring not in self._running:
            folder = self._folder / wiring
            folder.mkdir()
            self._running[wiring] = self._stack.enter_context(SocketServer(wiring, folder))
        return self._running[wiring]


class MemoryLine:
    """A client on the core's own rig: each piece that is sent is a read of its own."""

    def __init__(self, site: Site, rig: Rig, *, grouped: bool) -> None:
        self.site = site
        self._rig = rig
        self._peer = Peer(rig)
        self._grouped = grouped

    def send(self, pieces: Sequence[bytes]) -> None:
        size = 64 if self._grouped else 1  # reads in one turn of the loop
        for start in range(0, len(pieces), size):
            self._rig.call(self._deliver, pieces[start : start + size])

    def _deliver(self, pieces: Sequence[bytes]) -> None:
        for piece in pieces:
            self._peer.transport.deliver(piece)

    def receive(self) -> bytes:
        data = self._peer.take()
        if not data and self._peer.end == "rst":
            raise ResetError
        if not data and self._peer.end is None:
            raise ResponseError("nothing comes, and nothing is left to be done")
        return data

    def half_close(self) -> None:
        self._rig.call(self._peer.transport.deliver_eof)

    def call(self, fn: Callable[..., Any], *args: Any) -> Any:
        return self._rig.call(fn, *args)

    def close(self) -> None:
        """Leave, as a client does that has read all it wants."""
        self._peer.leave()


class MemoryServer:
    """A site on the core's own rig."""

    def __init__(self, site: Site, rig: Rig) -> None:
        self._site = site
        self._rig = rig

    @contextmanager
    def connect(self, *, grouped: bool = False) -> Iterator[MemoryLine]:
        """A new connection; `grouped`: reads follow each other without a turn of the loop between them."""
        line = MemoryLine(self._site, self._rig, grouped=grouped)
        try:
            yield line
        finally:
            line.close()


@contextmanager
def in_memory() -> Iterator[MemoryServer]:
    """A site without sockets."""
    site = Site()
    with serving(site.app, LIMITS) as rig:
        for logger in (logging.getLogger("kito"), logging.getLogger("asyncio")):
            logger.removeHandler(rig.log)
        yield MemoryServer(site, rig)


@contextmanager
def quiet() -> Iterator[None]:
    """Nothing is logged in the block but what cases ask for."""
    log = Log()
    loggers = [logging.getLogger("kito"), logging.getLogger("asyncio")]
    for logger in loggers:
        logger.addHandler(log)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(log)
    assert log.messages == []


def _contexts(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """TLS for a server with a certificate of its own, and for a client that trusts it."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subject = ["-subj", "/CN=kito.test", "-addext", "subjectAltName=DNS:kito.test"]
    algorithm = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    command = [require_tool("openssl"), "req", "-x509", *algorithm, *files, *subject]
    subprocess.run(command, check=True, capture_output=True, timeout=START_S)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    return server, ssl.create_default_context(cafile=str(certificate))

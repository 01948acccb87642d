"""Runs each coroutine test on every loop and transport, and fails it for what it left running or logged unasked."""

import asyncio
import inspect
import logging
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvloop

from kito import Server
from tests.support.wire import Address, Answer, Wire

TEST_S = 15.0  # seconds that a test may take
LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "uvloop": uvloop.new_event_loop,
    "asyncio": asyncio.SelectorEventLoop,
}
WIRINGS = tuple(f"{loop}-{transport}" for loop in LOOPS for transport in ("tcp", "unix"))


class Site:
    """A running app and the clients of one test."""

    def __init__(self, app: Server, address: Address) -> None:
        self.app = app
        self.address = address
        self._wires: list[Wire] = []

    async def connect(self, **options: Any) -> Wire:
        """Open a connection; it is closed with the site."""
        wire = await Wire.connect(self.address, **options)
        self._wires.append(wire)
        return wire

    async def get(self, path: str, *fields: str, method: str = "GET", version: str = "1.1") -> Answer:
        """Ask once, on a connection of its own."""
        wire = await self.connect()
        await wire.get(path, *fields, method=method, version=version)
        answer = await wire.answer(head_only=method == "HEAD")
        wire.close()
        return answer

    def close(self) -> None:
        """Close every connection."""
        for wire in self._wires:
            wire.close()


class Net:
    """The loop and the transport of a test, and what the server logged."""

    def __init__(self, wiring: str, folder: Path) -> None:
        self.loop_name, self.transport = wiring.split("-")
        self.folder = folder
        self.records: list[logging.LogRecord] = []

    @asynccontextmanager
    async def serving(self, app: Server, **options: Any) -> AsyncIterator[Site]:
        """Serve `app` over the transport of this test."""
        if self.transport == "unix":
            options["unix_socket"] = str(self.folder / f"{id(app)}.sock")
        else:
            options["port"] = 0
        async with app.running(**options) as address:
            site = Site(app, address)
            try:
                yield site
            finally:
                site.close()

    def logged(self, text: str) -> logging.LogRecord:
        """Take the one warning or error that contains `text` out of what was logged."""
        found = [record for record in self.records if text in record.getMessage()]
        assert len(found) == 1, (text, [record.getMessage() for record in self.records])
        self.records.remove(found[0])
        return found[0]

    def run(self, test: Coroutine[Any, Any, None]) -> None:
        """Run a test to its end, and check that it leaves no task and no log entry behind."""
        with asyncio.Runner(loop_factory=LOOPS[self.loop_name]) as runner:
            runner.run(self._run(test))
        assert not self.records, [record.getMessage() for record in self.records]

    async def _run(self, test: Coroutine[Any, Any, None]) -> None:
        async with asyncio.timeout(TEST_S):
            await test
            await asyncio.sleep(0)  # what was cancelled last has a turn to end
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, left


class _Collector(logging.Handler):
    def __init__(self, records: list[logging.LogRecord]) -> None:
        super().__init__(logging.WARNING)
        self._records = records

    def emit(self, record: logging.LogRecord) -> None:
        self._records.append(record)


@pytest.fixture(autouse=True)
def net(request: pytest.FixtureRequest) -> Iterator[Net]:
    """The wiring of this test."""
    with tempfile.TemporaryDirectory(prefix="kito-") as folder:
        made = Net(getattr(request, "param", WIRINGS[0]), Path(folder))
        collector = _Collector(made.records)
        loggers = [logging.getLogger(name) for name in ("kito", "asyncio")]
        for logger in loggers:
            logger.addHandler(collector)
        try:
            yield made
        finally:
            for logger in loggers:
                logger.removeHandler(collector)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"wirings(*names): run on these of {', '.join(WIRINGS)} only")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if inspect.iscoroutinefunction(metafunc.function):
        marker = metafunc.definition.get_closest_marker("wirings")
        metafunc.parametrize("net", marker.args if marker else WIRINGS, indirect=True)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.obj).parameters}
    pyfuncitem.funcargs["net"].run(pyfuncitem.obj(**arguments))
    return True

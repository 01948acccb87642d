"""Runs each coroutine test on both loops, with the checks of tests/net, and makes the certificates."""

import asyncio
import inspect
import ssl
from collections.abc import Coroutine, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.net.conftest import net  # noqa: F401 - the same machinery
from tests.serving.certificates import Pair, SecureWire, make_pair
from tests.support.wire import Address, Wire, until

LOOPS = ("uvloop-tcp", "asyncio-tcp")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if inspect.iscoroutinefunction(metafunc.function):
        metafunc.parametrize("net", LOOPS, indirect=True)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.obj).parameters}
    pyfuncitem.funcargs["net"].run(settled(pyfuncitem.obj(**arguments), arguments.get("clients")))
    return True


class Clients:
    """The connections of one test; they are closed with it."""

    def __init__(self) -> None:
        self._wires: list[Wire] = []

    async def plain(self, address: Address, **options: Any) -> Wire:
        """Connect, with options of `Wire.connect`."""
        self._wires.append(await Wire.connect(address, **options))
        return self._wires[-1]

    async def secured(
        self, address: Address, context: ssl.SSLContext, *, before: bytes = b"", **options: Any
    ) -> SecureWire:
        """Connect and shake hands; `before` is sent in the clear ahead of it."""
        wire = await SecureWire.upgrade(await self.plain(address, **options), context, before)
        self._wires.append(wire)
        return wire

    async def get(self, address: Address, path: str, *fields: str) -> str:
        """Ask once, on a connection of its own; returns the text of the answer."""
        wire = await self.plain(address)
        await wire.get(path, *fields)
        return (await wire.answer()).body.decode()

    def close(self) -> None:
        """Drop every connection."""
        for wire in reversed(self._wires):
            wire.close()


@pytest.fixture
def clients() -> Clients:
    """Who connects in this test."""
    return Clients()


async def settled(test: Coroutine[Any, Any, None], clients: Clients | None) -> None:
    """Run a test, close its clients, and let asyncio's own tasks of handshakes come to their end."""
    try:
        await test
    finally:
        if clients is not None:
            clients.close()
    await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Pair, Pair]:
    """Two certificates for localhost, issued to "first" and "second"."""
    folder = tmp_path_factory.mktemp("certificates")
    return make_pair(folder, "first"), make_pair(folder, "second")


@pytest.fixture
def pair(certificates: tuple[Pair, Pair]) -> Pair:
    """The first of them."""
    return certificates[0]


@pytest.fixture
def closing() -> Iterator[ExitStack]:
    """What is entered here is left with the test."""
    with ExitStack() as stack:
        yield stack

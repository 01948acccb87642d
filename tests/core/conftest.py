"""The app and the connection that most tests of the core begin with."""

from collections.abc import Iterator

import pytest

from kito import Limits, Timeouts
from kito.app import App

from .rig import Peer, Rig, serving
from .uploads import Consumer


@pytest.fixture
def app() -> App:
    """An app without routes."""
    return App()


@pytest.fixture
def bounds() -> tuple[Limits, Timeouts]:
    """The limits and timeouts of `rig`; a module with others has a fixture of this name."""
    return Limits(), Timeouts()


@pytest.fixture
def rig(app: App, bounds: tuple[Limits, Timeouts]) -> Iterator[Rig]:
    """The app behind the core."""
    with serving(app, *bounds) as rig:
        yield rig


@pytest.fixture
def peer(rig: Rig) -> Peer:
    """A client's connection to the rig."""
    return rig.connect()


@pytest.fixture
def consumer(app: App) -> Consumer:
    """The app's handler of streamed bodies."""
    return Consumer(app)

"""The app and the connection that most tests of the core begin with."""

from collections.abc import Iterator

import pytest

from kito.app import App

from .rig import Peer, Rig, serving


@pytest.fixture
def app() -> App:
    """An app without routes."""
    return App()


@pytest.fixture
def rig(app: App) -> Iterator[Rig]:
    """The app behind the core, with default limits and timeouts."""
    with serving(app) as rig:
        yield rig


@pytest.fixture
def peer(rig: Rig) -> Peer:
    """A client's connection to the rig."""
    return rig.connect()

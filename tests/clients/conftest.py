"""Fixtures of this folder: the running program, and a browser."""

from collections.abc import Iterator

import pytest

from tests.clients.chromium import chromium
from tests.clients.program import running_program

__all__ = ["chromium", "program"]


@pytest.fixture(scope="module")
def program() -> Iterator[None]:
    """The published program, listening on its port."""
    with running_program():
        yield

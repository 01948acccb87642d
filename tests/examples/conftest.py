"""Fixtures of this folder: the live page as a running server, a client for it, and a browser."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.clients.chromium import chromium
from tests.clients.processes import Process, running_server
from tests.conftest import require_module

if TYPE_CHECKING:
    import httpx2

__all__ = ["chromium", "client", "origin"]

SILENCE_LIMIT = 10.0  # seconds without a byte before a read fails


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    """The origin of ``python -m examples``, on a port of its own choice."""
    with running_server("-m", "examples", "--port", "0", until=_announced) as address:
        yield address


def _announced(process: Process) -> str:
    said = process.stdout.readline()
    address = re.search(r"http://127\.0\.0\.1:[1-9]\d*", said)
    assert address, said
    return address[0]


@pytest.fixture
def client(origin: str) -> "Iterator[httpx2.Client]":
    """An HTTP client of the live page."""
    httpx2 = require_module("httpx2")
    with httpx2.Client(base_url=origin, timeout=SILENCE_LIMIT, trust_env=False) as opened:
        yield opened

"""Fixtures of this folder: the running program, a browser, and a page of it for an app of the test."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from kito import Server
from kito.testing import TestClient
from tests.clients.chromium import chromium
from tests.clients.program import running_program

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["chromium", "program", "visit"]


@pytest.fixture(scope="module")
def program() -> Iterator[None]:
    """The published program, listening on its port."""
    with running_program():
        yield


@pytest.fixture
def visit(chromium: "Browser") -> "Iterator[Callable[[Server], Page]]":
    """`visit(app)` serves the app, which must answer at "/", and returns a page of it; again: another tab."""
    context = chromium.new_context()
    running: dict[Server, TestClient] = {}

    def open_page(app: Server) -> "Page":
        if app not in running:
            running[app] = TestClient(app).__enter__()
        page = context.new_page()
        page.goto(running[app].origin + "/")
        return page

    yield open_page
    context.close()  # first: an open stream of the browser would be a leak
    for client in running.values():
        client.__exit__(None, None, None)

"""Headless Chromium of the machine, driven through Playwright without a browser of its own."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.conftest import require_module, require_tool

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FLAGS = [
    "--no-sandbox",  # the suite may run as root
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="module")
def chromium() -> "Iterator[Browser]":
    """A running browser; skips by name when Chromium or Playwright is missing."""
    executable = require_tool("chromium")
    sync_api = require_module("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()

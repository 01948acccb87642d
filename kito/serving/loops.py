"""The event loop kito makes when it owns one: uvloop, and asyncio's own where uvloop does not run."""

from __future__ import annotations

import asyncio
import sys

__all__ = ("new_loop",)


def new_loop() -> asyncio.AbstractEventLoop:
    """Return a new event loop; uvloop is a dependency everywhere but on Windows."""
    if sys.platform == "win32":
        return asyncio.new_event_loop()
    import uvloop  # noqa: PLC0415 - not there on Windows

    return uvloop.new_event_loop()

"""What every test may need: a tool outside the project, asked for by name and reported when it is absent."""

import importlib
import os
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import pytest

REQUIRED = os.environ.get("KITO_REQUIRE_TOOLS") == "1"

# Programs that go by several names.
ALIASES = {"chromium": ("chromium", "chromium-browser", "google-chrome")}

_absent: dict[str, int] = {}


def require_tool(name: str) -> str:
    """The path of a program; without it the test is skipped, or fails where every tool was promised.

    The environment that runs the tests is searched first, so that a tool installed with them wins over the machine's.
    """
    scripts = str(Path(sys.executable).parent)
    for candidate in ALIASES.get(name, (name,)):
        found = shutil.which(candidate, path=scripts) or shutil.which(candidate)
        if found:
            return found
    return _report_absent(name)


def require_module(name: str) -> ModuleType:
    """An importable module of that name; without it the test is skipped, or fails where every tool was promised."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name.partition(".")[0]:
            raise
        return _report_absent(name)


def _report_absent(name: str) -> NoReturn:
    _absent[name] = _absent.get(name, 0) + 1
    message = f"{name} is absent"
    if REQUIRED:
        pytest.fail(f"{message}, and KITO_REQUIRE_TOOLS=1 promises every tool", pytrace=False)
    pytest.skip(message)


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Names the tools that were absent, with the number of times that one of them was asked for."""
    if not _absent:
        return
    terminalreporter.section("absent tools")
    for name, asked in sorted(_absent.items()):
        terminalreporter.line(f"{name}: wanted {asked} time{'s' if asked > 1 else ''}, not found")

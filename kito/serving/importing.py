"""Importing: from "module:name" to the server that is meant, with errors that say what is there instead."""

from __future__ import annotations

import difflib
import importlib
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from ..errors import ConfigError

if TYPE_CHECKING:
    from .lifecycle import Server

__all__ = ("import_server", "is_importing")

DEFAULT_NAME: Final = "app"
_TARGET: Final = re.compile(r"(?P<module>[^:]+)(?::(?P<name>[^():]*)(?P<call>\(\))?)?")
_MODULE: Final = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")

_imports = 0  # that run right now


def is_importing() -> bool:
    """Return whether a program is being imported for its server: then it is not the program that listens."""
    return _imports > 0


@contextmanager
def _importing() -> Iterator[None]:
    global _imports  # noqa: PLW0603 - `listen()` of any server of the program asks for it
    _imports += 1
    try:
        yield
    finally:
        _imports -= 1


def import_server(target: str, server_class: type[Server]) -> Server:
    """Return the server at "module:name", "module" (its `app`), or "module:make()", which is called.

    Modules are looked for in the working directory first. Raises `ConfigError` for what is not there, or no
    server; what the program itself raises passes.
    """
    parts = _TARGET.fullmatch(target)
    if parts is None or parts["name"] == "":
        raise ConfigError(f"{target!r} names no server: write 'module:name', such as 'main:app', or 'main:make()'")
    folder = os.getcwd()
    if folder not in sys.path:
        sys.path.insert(0, folder)
    with _importing():
        module = _import(parts["module"], folder)
        found = _find(module, parts["name"] or DEFAULT_NAME, server_class)
        if parts["call"]:
            found = _call(found, target)
    if not isinstance(found, server_class):
        hint = f"write {target + '()'!r} if it makes one" if callable(found) else "write the name of a kito.server()"
        raise ConfigError(f"{target!r} is {type(found).__name__} and not a server: {hint}")
    return found


def _import(name: str, folder: str) -> ModuleType:
    if name.endswith(".py") or os.sep in name:
        dotted = name.removesuffix(".py").strip("./").replace(os.sep, ".")
        raise ConfigError(f"{name!r} is a file, and a module is wanted: write '{dotted}:{DEFAULT_NAME}'")
    if not _MODULE.fullmatch(name):
        raise ConfigError(f"{name!r} is no module: write a name such as 'main' or 'package.main'")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise  # something that the program wants
        raise ConfigError(f"there is no module {error.name!r} in {folder}, nor is one installed") from None


def _find(module: ModuleType, path: str, server_class: type[Server]) -> Any:
    found: Any = module
    for name in path.split("."):
        if not hasattr(found, name):
            servers = sorted(key for key, value in vars(module).items() if isinstance(value, server_class))
            near = servers or difflib.get_close_matches(name, vars(module))
            hint = f": did you mean {' or '.join(f'{module.__name__}:{key}' for key in near)}?" if near else ""
            raise ConfigError(f"{module.__name__} has no {path!r}{hint}")
        found = getattr(found, name)
    return found


def _call(factory: Any, target: str) -> Any:
    if not callable(factory):
        raise ConfigError(f"{target!r} is no function: leave the parentheses out")
    return factory()

"""What a function says of itself: what runs when it is called, its parameters, and the types of their annotations."""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
import typing
from collections.abc import Callable
from typing import Any, Final

__all__ = ("describe", "resolve_annotation", "routine_of", "signature_of")

Handler = Callable[..., Any]

# From 3.14 on, annotations are evaluated when they are asked for: names that exist for type checkers only
# must not fail where nobody needs them.
_SIGNATURE_OPTIONS: Final[dict[str, Any]] = {}
if sys.version_info >= (3, 14):
    import annotationlib

    _SIGNATURE_OPTIONS["annotation_format"] = annotationlib.Format.FORWARDREF


def routine_of(handler: Any) -> Any:
    """Return the function or method that runs when a handler is called."""
    inner: Any = handler.func if isinstance(handler, functools.partial) else handler
    return inner if inspect.isroutine(inner) else inner.__call__


def signature_of(handler: Handler) -> inspect.Signature:
    """Return the signature of a handler; `TypeError` for what is none."""
    if isinstance(handler, type):
        raise TypeError(f"{handler.__qualname__} is a class: register a function or an instance's method")
    if not callable(handler):
        raise TypeError(f"a handler is a function or another callable, not {handler!r}")
    try:
        return inspect.signature(handler, **_SIGNATURE_OPTIONS)
    except ValueError:
        raise TypeError(f"{handler!r} does not tell its parameters: write a def around it") from None


def describe(handler: Handler) -> str:
    """Return the name by which to speak of a handler in a message."""
    inner = handler.func if isinstance(handler, functools.partial) else handler
    return f"the handler {getattr(inner, '__qualname__', type(inner).__qualname__)}"


def resolve_annotation(handler: Handler, parameter: inspect.Parameter) -> Any:
    """Return the annotation of a parameter as a type, also when it was written as a string.

    Each is resolved by itself: those that nobody needs may name what exists for type checkers only.
    """
    function = inspect.unwrap(routine_of(handler))
    function = inspect.unwrap(getattr(function, "__func__", function))

    def carrier() -> None: ...

    carrier.__annotations__ = {"type": parameter.annotation}
    space = getattr(function, "__globals__", {})
    try:
        return typing.get_type_hints(carrier, space, _closure(function), include_extras=True)["type"]
    except Exception as error:
        problem = f"{describe(handler)} annotates {parameter.name!r} with {parameter.annotation!r}"
        raise TypeError(
            f"{problem}, which cannot be resolved ({error}): "
            "define or import the type at module level, not for type checkers only"
        ) from error


def _closure(function: Any) -> dict[str, Any]:
    """Return the variables of the enclosing functions that a function uses, as far as they have a value yet."""
    variables = {}
    names = getattr(function, "__code__", None) and function.__code__.co_freevars
    for name, cell in zip(names or (), getattr(function, "__closure__", None) or (), strict=True):
        with contextlib.suppress(ValueError):
            variables[name] = cell.cell_contents
    return variables

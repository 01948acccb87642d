"""What is public has a name of its own, says what it is, and, where it is compiled, has a stub."""

import ast
import inspect
from pathlib import Path
from types import FunctionType, MethodDescriptorType
from typing import Any

import pytest

import kito
from tests.checks.sources import PACKAGE, ROOT, core_modules, python_modules

CORE = [path for path in core_modules() if path.suffix == ".pyx"]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def is_ours(thing: Any) -> bool:
    return (getattr(thing, "__module__", None) or "").partition(".")[0] == "kito"


def public_classes() -> list[type]:
    return [thing for name in kito.__all__ if isinstance(thing := getattr(kito, name), type)]


def members(cls: type) -> dict[str, Any]:
    """Public methods and properties that a class or one of its bases in this package defines.

    An override without words of its own is described by what it overrides, as `help()` does.
    """
    found: dict[str, Any] = {}
    for base in filter(is_ours, reversed(cls.__mro__)):
        for name, bound in vars(base).items():
            thing = bound.__func__ if isinstance(bound, classmethod | staticmethod) else bound
            described = (
                isinstance(thing, property | FunctionType | MethodDescriptorType)
                or type(thing).__name__ == "cython_function_or_method"
            )
            if described and not name.startswith("_"):
                found[name] = getattr(cls, name)
    return found


def module_docstring(path: Path) -> str | None:
    """The docstring of a Python or Cython file; the latter is no Python, but its first statement is."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return ast.get_docstring(ast.parse(text))
    body = "\n".join(line for line in text.splitlines() if not line.startswith("#")).lstrip()
    return body.partition('"""')[2].partition('"""')[0] if body.startswith('"""') else None


def stub_names(path: Path) -> set[str]:
    """The public names that a stub defines."""
    names = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return names


@pytest.mark.parametrize("name", kito.__all__)
def test_a_public_name_says_what_it_is(name):
    assert (inspect.getdoc(getattr(kito, name)) or "").strip()


@pytest.mark.parametrize("cls", public_classes(), ids=lambda cls: cls.__name__)
def test_a_public_method_says_what_it_does(cls):
    silent = [name for name, thing in members(cls).items() if not (inspect.getdoc(thing) or "").strip()]
    assert silent == []


def test_the_list_of_public_names_is_in_order_and_whole():
    assert list(kito.__all__) == sorted(set(kito.__all__))
    kept_back = {name for name, thing in vars(kito).items() if not name.startswith("_") and is_ours(thing)}
    assert kept_back <= set(kito.__all__)


@pytest.mark.parametrize("path", [*python_modules(), *core_modules()], ids=name_of)
def test_a_file_opens_with_its_purpose(path):
    assert (module_docstring(path) or "").strip()


def test_no_module_bears_the_name_of_a_public_function():
    functions = {name for name in kito.__all__ if not isinstance(getattr(kito, name), type)}
    modules = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert functions & modules == set()


@pytest.mark.parametrize("path", CORE, ids=name_of)
def test_a_module_of_the_core_has_a_contract_and_a_stub(path):
    assert path.with_suffix(".pxd").is_file()
    assert path.with_suffix(".pyi").is_file()


@pytest.mark.parametrize("path", CORE, ids=name_of)
def test_what_the_facade_takes_from_the_core_is_in_the_stub(path):
    module = f"kito._core.{path.stem}"
    taken = {thing.__name__ for thing in vars(kito).values() if getattr(thing, "__module__", None) == module}
    assert taken <= stub_names(path.with_suffix(".pyi"))

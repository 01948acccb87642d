"""The source distribution holds every source and nothing that a build makes: old generated C breaks on a new Python."""

import subprocess
import sys
import tarfile

import pytest

from tests.checks.sources import PACKAGE, ROOT
from tests.conftest import require_module

SOURCES = (".py", ".pyi", ".pyx", ".pxd", ".js")
PRODUCTS = (".c", ".cpp", ".h", ".so", ".pyd", ".pyc", ".html", ".o")


@pytest.fixture(scope="module")
def held(tmp_path_factory) -> set[str]:
    """The names of the files in a fresh source distribution, without the folder that holds them all."""
    require_module("build")
    folder = tmp_path_factory.mktemp("sdist")
    command = [sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=55)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    (archive,) = folder.glob("kito_server-*.tar.gz")
    with tarfile.open(archive) as opened:
        return {member.name.partition("/")[2] for member in opened.getmembers() if member.isfile()}


def test_it_holds_every_source_of_the_package(held):
    sources = {str(path.relative_to(ROOT)) for path in PACKAGE.rglob("*") if path.suffix in SOURCES}
    assert {"kito/__init__.py", "kito/_version.py", "kito/client.js"} <= sources
    assert sources <= held
    assert "kito/py.typed" in held


def test_it_holds_what_a_build_the_fast_tests_and_the_benchmark_need(held):
    needed = {
        "LICENSE",
        "README.md",
        "pyproject.toml",
        "setup.py",
        "tests/conftest.py",
        "tests/checks/sources.py",
        "benchmarks/__main__.py",
        "benchmarks/native/floor.c",
        "docs/index.md",
    }
    assert needed <= held


def test_it_holds_no_product_of_a_build(held):
    products = {name for name in held if name.startswith("kito/") and name.endswith(PRODUCTS)}
    foreign = {name for name in held if name.partition("/")[0] in ("build", "dist", "wheelhouse", ".venv")}
    assert products | foreign == set()

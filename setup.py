"""The extension table, and the four switches of a build: KITO_DEBUG, KITO_COVERAGE, KITO_SANITIZE, KITO_ANNOTATE.

A switch is on when its environment variable is "1". Switches change the generated C, so each combination has its own
folder for it and none can pick up the output of another. Everything else about the project is in pyproject.toml.
"""

import os
import sys
from pathlib import Path

from Cython.Build import cythonize
from Cython.Compiler.Errors import CompileError
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).resolve().parent
CORE = Path("kito", "_core")  # relative: setuptools refuses absolute paths of sources

SWITCHES = {name: os.environ.get(f"KITO_{name}") == "1" for name in ("DEBUG", "COVERAGE", "SANITIZE", "ANNOTATE")}
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]
SOURCES = sorted((ROOT / CORE).glob("*.pyx"))
JOBS = os.cpu_count() or 1

DIRECTIVES = {
    "language_level": 3,
    "binding": True,  # real signatures: the stub checker and help() read them
    "embedsignature": False,
    "embedsignature.format": "clinic",  # what @cython.embedsignature writes is read as __text_signature__
    "boundscheck": SWITCHES["DEBUG"],
    "wraparound": SWITCHES["DEBUG"],
    "initializedcheck": SWITCHES["DEBUG"],
    "nonecheck": SWITCHES["DEBUG"],
    "cdivision": True,
    "linetrace": SWITCHES["COVERAGE"],
    # Objects belong to one loop and so to one thread; nothing is shared between loops. Subinterpreters are not
    # declared: they would need Cython's module state, and uvloop has none.
    "freethreading_compatible": True,
}


def macros() -> list[tuple[str, str | None]]:
    """C macros: KITO_DEBUG is always defined, as 0 or 1, so that the core can read it as a constant."""
    found: list[tuple[str, str | None]] = [("KITO_DEBUG", str(int(SWITCHES["DEBUG"])))]
    if not SWITCHES["DEBUG"]:
        found.append(("CYTHON_WITHOUT_ASSERTIONS", None))
    if SWITCHES["COVERAGE"]:
        # sys.monitoring, the default from 3.13 on, is not seen by coverage's plugin for Cython.
        found += [("CYTHON_TRACE", "1"), ("CYTHON_TRACE_NOGIL", "1"), ("CYTHON_USE_SYS_MONITORING", "0")]
    return found


def compile_flags() -> list[str]:
    """Flags behind the interpreter's own, hence stronger. No -march: a wheel runs on every machine of its tag."""
    if sys.platform == "win32":
        return []
    flags = ["-Wall", "-Wno-unused-function", "-fvisibility=hidden"]  # Cython leaves helpers that nothing calls
    if sys.platform == "linux":
        flags.append("-fno-plt")  # calls of the interpreter, which every line makes, take one jump less
    if SWITCHES["SANITIZE"]:
        return [*flags, "-O1", "-g", "-fno-omit-frame-pointer", *SANITIZERS]
    if SWITCHES["DEBUG"] or SWITCHES["COVERAGE"]:
        return [*flags, "-O1", "-g"]
    return [*flags, "-O3", "-g0"]


def extension(source: Path) -> Extension:
    """One extension module for one file of the core; which contracts it depends on, Cython finds out by itself."""
    return Extension(
        f"kito._core.{source.stem}",
        [str(CORE / source.name)],
        define_macros=macros(),
        undef_macros=["NDEBUG"] if SWITCHES["DEBUG"] else [],
        extra_compile_args=compile_flags(),
        extra_link_args=SANITIZERS if SWITCHES["SANITIZE"] else [],
    )


class BuildCore(build_ext):
    """Turns Cython into C when, and only when, extensions are really built; on every processor the machine has."""

    def finalize_options(self) -> None:
        super().finalize_options()
        self.parallel = self.parallel or JOBS

    def run(self) -> None:
        variant = "-".join(["cython", *(name.lower() for name, on in SWITCHES.items() if on)])
        # Coverage's plugin looks for the C beside its source; any other build keeps the tree clean of it.
        generated = None if SWITCHES["COVERAGE"] else str(ROOT / "build" / variant)
        try:
            built = cythonize(
                [extension(source) for source in SOURCES],
                nthreads=JOBS,
                build_dir=generated,
                annotate=SWITCHES["ANNOTATE"],
                compiler_directives=DIRECTIVES,
            )
        except CompileError as error:
            sys.exit(f"error: Cython refused {error}")  # it has already said why
        sources = {module.name: module.sources for module in built}
        for module in self.extensions:
            module.sources = sources[module.name]
        if self.inplace or self.editable_mode:
            self.build_lib = str(ROOT / "build" / "inplace")  # one place for both, so that neither repeats the other
        super().run()


if __name__ == "__main__":  # cythonize starts processes, and with some start methods they import this file
    setup(ext_modules=[extension(source) for source in SOURCES], cmdclass={"build_ext": BuildCore})

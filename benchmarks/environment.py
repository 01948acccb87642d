"""What a run needs before it can measure: a CPython, a virtual environment with the peers, kito itself, the C tools."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
PROJECT = ROOT.parent
BUILD = ROOT / "build"
CERTIFICATE, KEY = BUILD / "certificate.pem", BUILD / "key.pem"
CERTIFICATE_DAYS = 3650
OLDEST = (3, 12)
NATIVE = {
    "floor": ("floor.c", "floor_answers.c", "floor_streams.c"),
    "sseload": ("sseload.c", "sseload_stream.c", "sseload_net.c", "sseload_modes.c"),
}
CFLAGS = ("-O2", "-g0", "-Wall", "-Wextra", "-Werror")
PROBE = "import sys; print(sys.implementation.name, *sys.version_info[:3])"
INSTALL_LINES = {
    "wrk": "apt-get install wrk",
    "oha": "cargo install oha",
    "cc": "apt-get install build-essential",
    "node": "apt-get install nodejs",
    "valgrind": "apt-get install valgrind",
    "openssl": "apt-get install openssl",
}


class SetupError(RuntimeError):
    """Something that a run needs is missing or cannot be built; the message says what to do."""


def need_tool(name: str) -> str:
    """The path of a program on the PATH; raises SetupError with the line that installs it."""
    found = shutil.which(name)
    if found is None:
        raise SetupError(f"{name} is not on the PATH; install it with: {INSTALL_LINES[name]}")
    return found


def run(command: list[str], what: str) -> None:
    """Runs one set-up step; raises SetupError with the end of its output when it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        tail = (done.stdout + done.stderr)[-2000:]
        raise SetupError(f"{what} failed ({' '.join(command)}):\n{tail}")


def version_of(python: str) -> tuple[int, ...] | None:
    """The version of a CPython, or None when the program is none or does not run."""
    try:
        done = subprocess.run([python, "-c", PROBE], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    name, *numbers = done.stdout.split()
    return tuple(int(number) for number in numbers) if name == "cpython" else None


def candidates() -> list[str]:
    """Every Python that is likely to be a CPython: on the PATH, under pyenv, and the running one."""
    found = {sys.executable}
    for minor in range(OLDEST[1], 20):
        path = shutil.which(f"python3.{minor}")
        if path:
            found.add(path)
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found.update(str(path) for path in versions.glob("3.*/bin/python3") if "t" not in path.parts[-3])
    return sorted(found)


def find_python(wanted: str | None = None) -> str:
    """The newest CPython from 3.12 up that the machine has; the running one when there is none."""
    if wanted:
        if version_of(wanted) is None:
            raise SetupError(f"{wanted} is no CPython that runs")
        return wanted
    versions = {path: version for path in candidates() if (version := version_of(path))}
    fit = [path for path, version in versions.items() if version >= OLDEST]
    return max(fit, key=versions.__getitem__) if fit else sys.executable


def fingerprint(paths: list[Path]) -> str:
    """A digest of files' contents: what decides whether something is built again."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def stamped(stamp: Path, mark: str) -> bool:
    """Whether `stamp` says that this very state has been built before."""
    return stamp.exists() and stamp.read_text() == mark


def ensure_peers(python: str) -> Path:
    """A virtual environment with every peer at its pinned version; returns its Python.

    A peer that does not install here is left out; the run says so in its results.
    """
    version = version_of(python)
    folder = ROOT / (".venv-" + ".".join(str(part) for part in version or ()))
    interpreter = folder / "bin" / "python"
    requirements = ROOT / "requirements.txt"
    stamp, mark = folder / "peers.stamp", fingerprint([requirements])
    if stamped(stamp, mark):
        return interpreter
    if not interpreter.exists():
        run([python, "-m", "venv", str(folder)], "making the virtual environment")
    lines = [line for line in requirements.read_text().splitlines() if line and not line.startswith("#")]
    pip = [str(interpreter), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    failures = []
    for line in lines:
        try:
            run([*pip, line], f"installing {line}")
        except SetupError as error:
            failures.append(str(error))
    (folder / "failures.txt").write_text("\n".join(failures))
    stamp.write_text(mark)
    return interpreter


def kito_sources() -> list[Path]:
    """The files of this checkout that a build of kito reads."""
    suffixes = {".py", ".pyi", ".pyx", ".pxd", ".js", ".typed"}
    package = [path for path in (PROJECT / "kito").rglob("*") if path.suffix in suffixes or path.name == "py.typed"]
    top = [PROJECT / name for name in ("setup.py", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE")]
    return sorted(package) + [path for path in top if path.exists()]


def ensure_kito(interpreter: Path) -> None:
    """Builds this checkout into the peers' environment, again whenever a source of it has changed.

    The build works on a copy, so that it neither uses nor disturbs what a developer has built in place.
    """
    sources = kito_sources()
    stamp, mark = interpreter.parent.parent / "kito.stamp", fingerprint(sources)
    if stamped(stamp, mark):
        return
    copy = BUILD / "kito-source"
    shutil.rmtree(copy, ignore_errors=True)
    for source in sources:
        target = copy / source.relative_to(PROJECT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    pip = [str(interpreter), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run([*pip, "--force-reinstall", "--no-deps", str(copy)], "building kito")
    run([*pip, str(copy)], "installing what kito needs")
    stamp.write_text(mark)


def ensure_native() -> None:
    """Compiles the C tools into `benchmarks/build`, again whenever a source of them has changed."""
    compiler = need_tool("cc")
    native = ROOT / "native"
    BUILD.mkdir(exist_ok=True)
    mark = fingerprint(list(native.glob("*.[ch]"))) + " ".join(CFLAGS)
    for name, sources in NATIVE.items():
        stamp, target = BUILD / f"{name}.stamp", BUILD / name
        if target.exists() and stamped(stamp, mark):
            continue
        files = [str(native / source) for source in sources]
        run([compiler, *CFLAGS, "-o", str(target), *files], f"compiling {name}")
        stamp.write_text(mark)


def ensure_certificate() -> None:
    """Makes the certificate of the TLS scenario, signed by itself, with a key that every server here can read."""
    if CERTIFICATE.exists() and KEY.exists():
        return
    command = [need_tool("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-keyout", str(KEY), "-out", str(CERTIFICATE), "-days", str(CERTIFICATE_DAYS)]
    BUILD.mkdir(exist_ok=True)
    run([*command, "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"], "making the certificate")

"""Node, with the packages that the lock file names, installed once into build/."""

import fcntl
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.conftest import require_tool

HERE = Path(__file__).parent
MANIFESTS = ("package.json", "package-lock.json")
PLACE = HERE.parents[2] / "build" / "node"
INSTALL_LIMIT = 50.0  # seconds
RUN_LIMIT = 30.0  # seconds


def run_node(program: str, *arguments: str) -> Any:
    """Run a program of this folder; returns what it prints, which is JSON."""
    node = require_tool("node")
    _install()
    script = shutil.copy(HERE / program, PLACE)
    ended = subprocess.run([node, script, *arguments], capture_output=True, text=True, timeout=RUN_LIMIT, check=False)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def _install() -> None:
    """Install what the lock file names, unless it is there; another run of the suite waits meanwhile."""
    wanted = "".join((HERE / name).read_text("utf-8") for name in MANIFESTS)
    PLACE.mkdir(parents=True, exist_ok=True)
    stamp = PLACE / "installed"
    with (PLACE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text("utf-8") == wanted:
            return
        for name in MANIFESTS:
            shutil.copy(HERE / name, PLACE)
        command = [require_tool("npm"), "ci", "--no-audit", "--no-fund"]
        ended = subprocess.run(command, cwd=PLACE, capture_output=True, text=True, timeout=INSTALL_LIMIT, check=False)
        assert ended.returncode == 0, ended.stderr
        stamp.write_text(wanted, "utf-8")

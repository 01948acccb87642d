"""`python -m benchmarks.micro [--update]`: counts, prints, compares with the budget; 1 when a figure is over it."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import environment
from benchmarks.micro import figures, subject
from benchmarks.scenarios import BROWSER_HEAD

BUDGET = Path(__file__).with_name("budget.json")
TIMEOUT_SECONDS = 900
PYTHON = f"cpython-{sys.version_info.major}.{sys.version_info.minor}"


def build_marks() -> Path:
    """The library through which the subject speaks to callgrind."""
    target = environment.BUILD / "callgrind_marks.so"
    environment.BUILD.mkdir(exist_ok=True)
    source = environment.ROOT / "native" / "callgrind_marks.c"
    environment.run(
        [environment.need_tool("cc"), "-O2", "-shared", "-fPIC", "-o", str(target), str(source)], "compiling marks"
    )
    return target


def count(marks: Path) -> dict[str, float]:
    """Runs the subject under callgrind in a fixed environment; returns instructions per turn of each case."""
    fixed = {"PYTHONHASHSEED": "0", "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
    with tempfile.TemporaryDirectory() as folder:
        command = [environment.need_tool("valgrind"), "--tool=callgrind", "--instr-atstart=no"]
        command += [f"--callgrind-out-file={folder}/callgrind.out", sys.executable, "-m", subject.__name__, str(marks)]
        done = subprocess.run(
            command,
            cwd=environment.PROJECT,
            env=fixed,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
        if done.returncode:
            raise environment.SetupError(f"the subject failed under callgrind:\n{done.stderr[-3000:]}")
        return figures.per_turn(figures.read_sections(Path(folder)), subject.TURNS)


def update(found: dict[str, float]) -> None:
    """Writes the figures as this interpreter's budget."""
    budgets = json.loads(BUDGET.read_text()) if BUDGET.exists() else {}
    budgets[PYTHON] = {name: round(value, 1) for name, value in found.items()}
    BUDGET.write_text(json.dumps(budgets, indent=1, sort_keys=True) + "\n")


def verdict(found: dict[str, float]) -> int:
    """Prints the figures beside their budget; 1 when one is over it or none is set for this interpreter."""
    budgets = json.loads(BUDGET.read_text()) if BUDGET.exists() else {}
    if PYTHON not in budgets:
        print(figures.table(figures.compare(found, {})))
        print(f"{BUDGET.name} has no budget for {PYTHON}; --update writes one", file=sys.stderr)
        return 1
    lines = figures.compare(found, budgets[PYTHON])
    print(figures.table(lines))
    return int(any(line.over or line.budget is None for line in lines))


def main() -> int:
    """Counts and judges."""
    parse = argparse.ArgumentParser(prog="python -m benchmarks.micro")
    parse.add_argument("--update", action="store_true", help="make the present figures the budget")
    options = parse.parse_args()
    try:
        turn = count(build_marks())
    except environment.SetupError as error:
        print(f"benchmarks.micro: {error}", file=sys.stderr)
        return 1
    found = figures.figures(
        turn,
        pipeline=subject.PIPELINE,
        pieces=subject.PIECES,
        subscribers=subject.SUBSCRIBERS,
        fields=len(BROWSER_HEAD),
    )
    if options.update:
        update(found)
    return verdict(found)


if __name__ == "__main__":
    sys.exit(main())

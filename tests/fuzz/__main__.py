"""`python -m tests.fuzz adapter|encoder [--seconds S]`: a target under atheris, from the committed corpus on.

Inputs that reach something new are kept in build/fuzz/<target>/, for the next run and to choose from for the committed
corpus; one that breaks the target lies beside them, as crash-*.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from tests.oracle.mutations import ENDS, LINES

from .corpus import FOLDER, TARGETS

ROOT = Path(__file__).parents[2]
LONGEST_INPUT = 1024  # bytes
SLOWEST_INPUT_S = 20  # then it counts as a hang
MEMORY_MB = 1024


def main() -> int:
    """Run libFuzzer, which ends the process that it is in; returns its status."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=60)
    options = parser.parse_args()
    found, committed = ROOT / "build" / "fuzz" / options.target, FOLDER / options.target
    found.mkdir(parents=True, exist_ok=True)
    arguments = [f"-max_len={LONGEST_INPUT}", f"-timeout={SLOWEST_INPUT_S}", f"-rss_limit_mb={MEMORY_MB}"]
    arguments += [f"-artifact_prefix={found}/", f"-dict={write_words(found.parent)}", "-print_final_stats=1"]
    arguments += [f"-max_total_time={options.seconds}", str(found), str(committed)]
    command = [sys.executable, "-m", "tests.fuzz.guided", options.target, *arguments]
    return subprocess.run(command, cwd=ROOT).returncode


def write_words(folder: Path) -> Path:
    """Write what the fuzzer may put in as a whole: framing in every disguise, in libFuzzer's form."""
    path = folder / "words"
    words = [line + b"\r\n" for line in LINES] + list(ENDS)
    quoted = ["".join(f"\\x{byte:02x}" for byte in word) for word in words if word]
    path.write_text("".join(f'"{word}"\n' for word in quoted))
    return path


if __name__ == "__main__":
    sys.exit(main())

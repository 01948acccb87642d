"""`python -m tests.abuse [part of a name]`: every attack at length, a line for each; the status tells of failures."""

import sys

from .attacks import ATTACKS
from .field import fight
from .slow_reader import EXTRA_BYTES, watch

NEIGHBOURS = 1000
SECONDS = 20.0


def main() -> int:
    """Fight every battle whose name was asked for."""
    wanted = " ".join(sys.argv[1:])
    failed = 0
    for attack in ATTACKS:
        if wanted in attack.name:
            report = fight(attack, "long")
            complaints = report.complaints()
            failed += bool(complaints)
            sys.stdout.write("\n    ".join([str(report), *complaints]) + "\n")
            sys.stdout.flush()
    if wanted in "a slow reader of a gibibyte":
        found = watch(NEIGHBOURS, SECONDS)
        failed += found.growth >= EXTRA_BYTES
        sys.stdout.write(f"a slow reader of a gibibyte: {found}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

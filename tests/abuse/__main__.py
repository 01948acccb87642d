"""`python -m tests.abuse [part of a name]`: every attack at length, a line for each; the status tells of failures."""

import sys

from .attacks import ATTACKS
from .field import fight


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
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

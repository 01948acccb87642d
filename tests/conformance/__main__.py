"""`python -m tests.conformance`: play every case over TCP on uvloop, and write the page with the results."""

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from .cases import all_cases, load
from .lines import WIRINGS, Servers, new_key, quiet
from .page import PAGE, render
from .play import failures, whole


def main() -> int:
    """Play and write; the status is 1 when a case failed."""
    topics = load()
    with tempfile.TemporaryDirectory() as folder, quiet(), ExitStack() as stack:
        server = Servers(Path(folder), stack).on(WIRINGS[0])
        failed = failures(all_cases(topics), server.connect, whole, new_key)
    PAGE.write_text(render(topics, failed), "utf-8")
    sys.stdout.write("".join(f"{case}: {why}\n" for case, why in failed.items()))
    sys.stdout.write(f"{len(list(all_cases(topics)))} cases, {len(failed)} failed\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

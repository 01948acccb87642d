"""`python -m tests.conformance`: play every case once, over TCP where that can be, and write the page."""

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
        servers = Servers(Path(folder), stack)
        left = list(all_cases(topics))
        failed: dict[str, str] = {}
        for wiring in WIRINGS:
            here = [case for case in left if case.plays_on(wiring.partition("-")[0])]
            failed |= failures(here, servers.on(wiring).connect, whole, new_key)
            left = [case for case in left if case not in here]
    PAGE.write_text(render(topics, failed), "utf-8")
    sys.stdout.write("".join(f"{case}: {why}\n" for case, why in failed.items()))
    sys.stdout.write(f"{len(list(all_cases(topics)))} cases, {len(failed)} failed\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

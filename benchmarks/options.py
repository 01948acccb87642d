"""The command line of the benchmark, and the few numbers that `--quick` changes."""

import argparse
import dataclasses
from collections.abc import Sequence

QUICK_PEERS = ("kito", "floor", "stario", "uvicorn")


@dataclasses.dataclass(frozen=True, slots=True)
class Options:
    """What one run does. Durations are seconds."""

    quick: bool = False
    only: tuple[str, ...] = ()
    peers: tuple[str, ...] = ()
    tool: str = "wrk"
    rounds: int = 3
    duration: float = 2.0
    warm_up: float = 1.0
    idle_window: float = 30.0
    idle_steps: tuple[int, int] = (1000, 10000)
    python: str | None = None
    setup_only: bool = False
    render_only: bool = False
    update: bool = False


def names(text: str) -> tuple[str, ...]:
    """Splits a comma-separated list of names."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def parser() -> argparse.ArgumentParser:
    """The options as `python -m benchmarks --help` shows them."""
    parse = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure kito beside its peers.")
    parse.add_argument("--quick", action="store_true", help="one short round of a few peers, under 3 minutes")
    parse.add_argument("--only", type=names, default=(), metavar="SCENARIO,…", help="measure these scenarios only")
    parse.add_argument("--peers", type=names, default=(), metavar="PEER,…", help="measure these servers only")
    parse.add_argument("--tool", choices=("wrk", "oha"), default="wrk", help="load tool of the plain scenarios")
    parse.add_argument("--rounds", type=int, help="rounds in alternation between the servers (3)")
    parse.add_argument("--duration", type=float, help="seconds of one timed run (2)")
    parse.add_argument("--python", metavar="PATH", help="the CPython for the peers (the newest >= 3.12 found)")
    parse.add_argument("--setup-only", action="store_true", help="prepare the environment and the tools, then stop")
    parse.add_argument("--render-only", action="store_true", help="draw table, plots and page from the last results")
    parse.add_argument(
        "--update",
        action="store_true",
        help="with --only: renew these scenarios, for all servers, in the committed results",
    )
    return parse


def parse_options(arguments: Sequence[str] | None = None) -> Options:
    """Reads the command line; exits with a message when a number is out of its bounds."""
    parse = parser()
    given = parse.parse_args(arguments)
    options = Options(
        quick=given.quick,
        only=given.only,
        peers=given.peers,
        tool=given.tool,
        python=given.python,
        setup_only=given.setup_only,
        render_only=given.render_only,
        update=given.update,
    )
    if given.quick:
        options = dataclasses.replace(
            options,
            peers=given.peers or QUICK_PEERS,
            rounds=1,
            duration=0.5,
            warm_up=0.1,
            idle_window=0.5,
            idle_steps=(200, 1000),
        )
    if given.rounds is not None:
        options = dataclasses.replace(options, rounds=given.rounds)
    if given.duration is not None:
        options = dataclasses.replace(options, duration=given.duration)
    if not 1 <= options.rounds <= 20 or not 0.2 <= options.duration <= 60:
        parse.error("--rounds goes from 1 to 20 and --duration from 0.2 to 60 seconds")
    if options.update and (options.quick or options.peers):
        parse.error("--update keeps the record of the machine: it goes with neither --quick nor --peers")
    return options

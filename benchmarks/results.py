"""The results file: what it holds, and the medians and spreads that every page is made from.

Layout: `machine`, `versions`, and for each scenario when and how it was measured and, for each server, either its
rounds or the reason why it has none.
"""

import dataclasses
import json
import statistics
from pathlib import Path

SCHEMA = 1
LOAD_BOUND_BELOW = 0.90
QUIET_BELOW = 0.03  # share of the server's core that something else may take before a row is marked
Round = dict[str, object]


@dataclasses.dataclass(frozen=True, slots=True)
class Spread:
    """A figure over the rounds: its median and its extremes."""

    median: float
    low: float
    high: float

    @property
    def percent(self) -> float:
        """Distance of the extremes in percent of the median."""
        return 100 * (self.high - self.low) / self.median if self.median else 0.0

    def overlaps(self, other: "Spread") -> bool:
        """Whether the rounds of two figures cannot be told apart."""
        return self.low <= other.high and other.low <= self.high


def new(machine: dict[str, object], versions: dict[str, object]) -> dict[str, object]:
    """An empty results document."""
    return {"schema": SCHEMA, "machine": machine, "versions": versions, "scenarios": {}}


def load(path: Path) -> dict[str, object]:
    """Reads a results file; raises ValueError when another version of the suite wrote it."""
    document = json.loads(path.read_text())
    if document.get("schema") != SCHEMA:
        raise ValueError(f"{path.name} has schema {document.get('schema')}, not {SCHEMA}")
    return document


def layout(value: object, indent: int = 0) -> str:
    """JSON with a line for every round and every name: a file that is compact and whose differences can be read."""
    inner, outer = "\n" + " " * (indent + 1), "\n" + " " * indent
    if (
        isinstance(value, dict)
        and any(isinstance(each, dict | list) for each in value.values())
        and "units" not in value
    ):
        items = [f"{json.dumps(key)}: {layout(each, indent + 1)}" for key, each in sorted(value.items())]
        return "{" + inner + f",{inner}".join(items) + outer + "}"
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[" + inner + f",{inner}".join(layout(each, indent + 1) for each in value) + outer + "]"
    return json.dumps(value, sort_keys=True, separators=(",", ": "))


def save(path: Path, document: dict[str, object]) -> None:
    """Writes a results file in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(layout(document) + "\n")
    temporary.replace(path)


def merge(record: dict[str, object], update: dict[str, object]) -> dict[str, object]:
    """The record of a machine with the scenarios of a later run in place of its own."""
    if record["machine"] != update["machine"]:
        raise ValueError("results of different machines cannot be put together")
    return {**update, "scenarios": {**record["scenarios"], **update["scenarios"]}}


class Table:
    """Read access to a results document, by scenario, server and figure."""

    def __init__(self, document: dict[str, object]) -> None:
        self.document = document
        self.scenarios: dict[str, dict] = document["scenarios"]

    def peers(self, scenario: str) -> dict[str, dict]:
        """The servers of a scenario with their rounds or reasons; none when it was not measured."""
        return self.scenarios.get(scenario, {}).get("peers", {})

    def rounds(self, scenario: str, peer: str) -> list[Round]:
        """The rounds of one server; empty when it has none."""
        return self.peers(scenario).get(peer, {}).get("rounds", [])

    def reason(self, scenario: str, peer: str) -> str | None:
        """Why a server has no figures in a scenario."""
        return self.peers(scenario).get(peer, {}).get("reason")

    def spread(self, scenario: str, peer: str, figure: str) -> Spread | None:
        """The median and the extremes of a figure, or None when there is no such figure."""
        values = [each[figure] for each in self.rounds(scenario, peer) if each.get(figure) is not None]
        return Spread(statistics.median(values), min(values), max(values)) if values else None

    def median(self, scenario: str, peer: str, figure: str) -> float | None:
        """The median of a figure alone."""
        spread = self.spread(scenario, peer, figure)
        return spread.median if spread else None

    def load_bound(self, scenario: str, peer: str) -> bool:
        """Whether the server's core had time left, so that requests per second say nothing about the server."""
        busy = self.median(scenario, peer, "busy")
        return busy is not None and busy < LOAD_BOUND_BELOW

    def noisy(self, scenario: str, peer: str) -> bool:
        """Whether something else used the server's core during half of the rounds or more."""
        foreign = self.median(scenario, peer, "foreign")
        return foreign is not None and foreign > QUIET_BELOW

    def best(self, scenario: str, peers: tuple[str, ...], figure: str) -> tuple[str, float] | None:
        """The server with the lowest median of a figure among some, and that median."""
        found = {peer: value for peer in peers if (value := self.median(scenario, peer, figure)) is not None}
        return min(found.items(), key=lambda item: item[1]) if found else None

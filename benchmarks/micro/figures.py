"""From callgrind's sections to figures, and from figures to a verdict against the budget."""

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path

TOLERANCE = 0.03
TRIGGER = re.compile(r"^desc: Trigger: Client Request: (\S+)$", re.MULTILINE)
TOTALS = re.compile(r"^(?:totals|summary): (\d+)", re.MULTILINE)


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """One printed figure: instructions now, what the budget allows, and whether that was exceeded."""

    name: str
    instructions: float
    budget: float | None

    @property
    def over(self) -> bool:
        """More than the tolerance above the budget."""
        return self.budget is not None and self.instructions > self.budget * (1 + TOLERANCE)


def read_sections(folder: Path) -> dict[str, int]:
    """The instructions of every section that callgrind dumped into a folder; ValueError when one has no total."""
    sections: dict[str, int] = {}
    for path in folder.glob("callgrind.out.*"):
        text = path.read_text(errors="replace")
        trigger = TRIGGER.search(text)
        if trigger is None:
            continue
        totals = TOTALS.search(text)
        if totals is None:
            raise ValueError(f"{path.name} has no total")
        sections[trigger[1]] = int(totals[1])
    return sections


def per_turn(sections: Mapping[str, int], turns: int) -> dict[str, float]:
    """Instructions per turn of each case: the longer run minus the shorter one."""
    names = {name.rpartition("/")[0] for name in sections if name.endswith("/1")}
    return {name: (sections[f"{name}/2"] - sections[f"{name}/1"]) / turns for name in sorted(names)}


def figures(
    turn: Mapping[str, float], *, pipeline: int, pieces: int, subscribers: int, fields: int
) -> dict[str, float]:
    """The published figures; differences of two cases where a part cannot be run alone."""
    return {
        "request, one field": turn["plain"],
        "request, three fields": turn["three-fields"],
        "request, browser head": turn["browser"],
        "request, 16 pipelined": turn["pipelined"] / pipeline,
        "request, JSON": turn["json"],
        "request, route with a parameter": turn["param"],
        "head field": (turn["browser"] - turn["plain"]) / fields,
        "chunk": (turn["chunks-twice"] - turn["chunks"]) / pieces,
        "event": (turn["events-twice"] - turn["events"]) / pieces,
        "event, encoded alone": turn["encode"],
        "fan-out delivery": turn["fanout"] / subscribers,
        "route match": turn["route"],
    }


def compare(found: Mapping[str, float], budget: Mapping[str, float]) -> list[Line]:
    """Every figure beside its budget."""
    return [Line(name, value, budget.get(name)) for name, value in found.items()]


def table(lines: list[Line]) -> str:
    """The lines as text."""
    rows = [f"{'instructions per':34} {'now':>10} {'budget':>10} {'change':>8}"]
    for line in lines:
        if line.budget is None:
            rows.append(f"{line.name:34} {line.instructions:10,.0f} {'none':>10}")
            continue
        change = line.instructions / line.budget - 1
        verdict = "  over" if line.over else ""
        rows.append(f"{line.name:34} {line.instructions:10,.0f} {line.budget:10,.0f} {change:+8.1%}{verdict}")
    return "\n".join(rows)

"""Turns a results document into Markdown: the tables of a run and the page `docs/benchmarks.md`."""

import dataclasses
from pathlib import Path

from benchmarks import scenarios, servers, targets
from benchmarks.results import LOAD_BOUND_BELOW, QUIET_BELOW, Spread, Table
from benchmarks.scenarios import Scenario

OURS = targets.OURS
FLOOR = "floor"
KIB = 1024
PAGE = Path(__file__).with_name("page.md")


@dataclasses.dataclass(frozen=True, slots=True)
class Figure:
    """One comparable figure: its name in the results, its heading, and whether more is better."""

    key: str
    heading: str
    more_is_better: bool = False
    divisor: float = 1.0
    digits: int = 1


CPU = Figure("cpu_us", "CPU µs", digits=2)
RATE = Figure("per_second", "per second", more_is_better=True, digits=0)
P50 = Figure("p50_us", "p50 ms", divisor=1000, digits=2)
P99 = Figure("p99_us", "p99 ms", divisor=1000, digits=2)
PEAK = Figure("peak_rss_kib", "peak RSS MiB", divisor=KIB)
PER_CONNECTION = Figure("per_connection_bytes", "KiB per connection", divisor=KIB, digits=2)
CORE = Figure("core_percent", "% of a core", digits=2)
HEARTBEATS = Figure("heartbeats", "heartbeats seen", more_is_better=True, digits=0)
RECOVERY = Figure("recovery_ms", "recovered in ms", digits=0)
AFTER = Figure("after_percent", "% of a core afterwards", digits=2)
COLUMNS = {
    "idle": (PER_CONNECTION, CORE, HEARTBEATS, PEAK),
    "storm": (CPU, RECOVERY, AFTER, PEAK),
}
USUAL = (CPU, RATE, P50, P99, PEAK)
COMPARED = {"idle": (PER_CONNECTION, CORE, PEAK), "storm": (CPU, RECOVERY, PEAK), "paced": (CPU, P99, PEAK)}
USUALLY_COMPARED = (CPU, RATE, PEAK)


def number(value: float | None, figure: Figure) -> str:
    """A figure as the tables print it."""
    return "" if value is None else f"{value / figure.divisor:,.{figure.digits}f}"


def row(cells: list[str]) -> str:
    """One Markdown table row."""
    return "| " + " | ".join(cells) + " |"


def markdown(headings: list[str], rows: list[list[str]]) -> str:
    """A Markdown table whose columns but the first are aligned right."""
    rule = ["---", *["---:"] * (len(headings) - 1)]
    return "\n".join([row(headings), row(rule), *map(row, rows)])


def title(peer: str) -> str:
    """The name of a server as readers know it."""
    return servers.BY_NAME[peer].title if peer in servers.BY_NAME else peer


def ratio(value: float | None, to: float | None) -> str:
    """A value in multiples of another."""
    return f"{value / to:.2f}" if value is not None and to else ""


def scenario_table(table: Table, scenario: Scenario) -> str:
    """All servers of one scenario, cheapest first."""
    columns = COLUMNS.get(scenario.mode, USUAL)
    lead = columns[0]
    medians = {peer: table.median(scenario.name, peer, lead.key) for peer in table.peers(scenario.name)}
    measured = sorted((peer for peer, value in medians.items() if value is not None), key=lambda peer: medians[peer])
    floor = medians.get(FLOOR)
    rows = []
    for peer in measured:
        spread = table.spread(scenario.name, peer, lead.key)
        cells = [f"**{title(peer)}**" if peer == OURS else title(peer), number(spread.median, lead)]
        cells += [f"{spread.percent:.0f} %", ratio(spread.median, floor)]
        cells += [number(table.median(scenario.name, peer, column.key), column) for column in columns[1:]]
        busy = table.median(scenario.name, peer, "busy")
        marks = [" load-bound"] if table.load_bound(scenario.name, peer) else []
        marks += [" noisy"] if table.noisy(scenario.name, peer) else []
        rows.append([*cells, ("" if busy is None else f"{busy:.0%}") + ",".join(marks)])
    headings = [
        "server",
        f"{lead.heading}",
        "spread",
        "x floor",
        *[column.heading for column in columns[1:]],
        "core busy",
    ]
    absent = [
        f"- {title(peer)}: not measured: {reason.splitlines()[0]}"
        for peer in table.peers(scenario.name)
        if (reason := table.reason(scenario.name, peer))
    ]
    parts = [markdown(headings, rows)] if rows else []
    return "\n\n".join(parts + (["\n".join(absent)] if absent else []))


def overview(table: Table) -> str:
    """CPU per unit: scenarios down, servers across."""
    named = [s for s in scenarios.SCENARIOS if table.peers(s.name) and s.mode != "idle"]
    peers = [peer.name for peer in servers.PEERS if any(table.rounds(s.name, peer.name) for s in named)]
    rows = [
        [f"{s.name}, per {s.unit}", *[number(table.median(s.name, peer, CPU.key), CPU) for peer in peers]]
        for s in named
    ]
    return markdown(["CPU µs of the server", *map(title, peers)], rows)


def target_table(table: Table) -> str:
    """The bars that kito sets itself, met or missed."""
    words = {True: "met", False: "**missed**", None: "not measured"}
    rows = []
    for outcome in targets.judge(table):
        measured = "" if outcome.measured is None else f"{outcome.measured:.3g}"
        rows.append([outcome.target.scenario, outcome.target.text, measured, words[outcome.met]])
    return markdown(["scenario", "bar", "measured", "outcome"], rows)


def is_loss(ours: Spread, theirs: Spread, figure: Figure) -> bool:
    """Whether our median is worse than theirs."""
    return ours.median < theirs.median if figure.more_is_better else ours.median > theirs.median


def comparable(table: Table, scenario: str, peer: str, figure: Figure) -> bool:
    """Rates are compared only where both servers, not the load, were the limit."""
    return figure is not RATE or not (table.load_bound(scenario, OURS) or table.load_bound(scenario, peer))


def losses(table: Table) -> list[list[str]]:
    """Every figure in which some other server (the floor aside) has the better median."""
    found = []
    for scenario in scenarios.SCENARIOS:
        for figure in COMPARED.get(scenario.mode, USUALLY_COMPARED):
            ours = table.spread(scenario.name, OURS, figure.key)
            for peer in table.peers(scenario.name):
                theirs = table.spread(scenario.name, peer, figure.key)
                if peer in (OURS, FLOOR) or ours is None or theirs is None:
                    continue
                if comparable(table, scenario.name, peer, figure) and is_loss(ours, theirs, figure):
                    remark = "rounds overlap" if ours.overlaps(theirs) else ""
                    pair = [number(ours.median, figure), number(theirs.median, figure)]
                    found.append([scenario.name, figure.heading, title(peer), *pair, remark])
    return found


def loss_table(table: Table) -> str:
    """The losses as a table, or the statement that there is none."""
    rows = losses(table)
    headings = ["scenario", "figure", "better server", OURS, "that server", "remark"]
    return (
        markdown(headings, rows) if rows else "No server but the floor had a better median in any figure of this run."
    )


def tables(document: dict[str, object]) -> str:
    """The report of a run for the terminal."""
    table = Table(document)
    parts = []
    for scenario in scenarios.SCENARIOS:
        if table.peers(scenario.name):
            parts += [f"### {scenario.name}: {scenario.title}", scenario_table(table, scenario)]
    parts += ["### Bars", target_table(table), "### Losses", loss_table(table)]
    return "\n\n".join(parts)


def machine_lines(document: dict[str, object]) -> str:
    """Machine and versions as a list."""
    machine, versions = document["machine"], document["versions"]
    kind = "virtual machine" if machine["virtual"] else "machine"
    size = f"{machine['cores']} cores, {machine['memory_gib']} GiB"
    known = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
    lines = [
        f"- {kind}: {machine['processor']}, {size}, {machine['kernel']}, {machine['libc']}",
        f"- versions: {known}",
    ]
    return "\n".join(lines)


def page(document: dict[str, object], stem: str) -> str:
    """The whole page, from the template `page.md` beside this file."""
    table = Table(document)
    details = []
    for scenario in scenarios.SCENARIOS:
        if table.peers(scenario.name):
            taken = table.scenarios[scenario.name]
            how = f"{scenario.title}; {taken['connections']} connections, {taken['tool']}, {taken['measured'][:10]}"
            details += [
                f"### {scenario.name}",
                how + f", figures per {scenario.unit}.",
                scenario_table(table, scenario),
            ]
    places = {
        "machine": machine_lines(document),
        "overview": overview(table),
        "targets": target_table(table),
        "losses": loss_table(table),
        "details": "\n\n".join(details),
        "load_bound": f"{LOAD_BOUND_BELOW:.0%}",
        "quiet_below": f"{QUIET_BELOW:.0%}",
        "stem": stem,
        "plots": f"../benchmarks/results/{stem}",
    }
    text = PAGE.read_text()
    for name, value in places.items():
        text = text.replace("{" + name + "}", value)
    return text


def write_page(document: dict[str, object], source: Path, path: Path) -> None:
    """Writes the page where the documentation keeps it."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(page(document, source.stem))

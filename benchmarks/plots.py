"""Draws a results file as SVG beside it; runs in the benchmark's own environment, where matplotlib is.

`python -m benchmarks.plots results/<machine>.json`
"""

import sys
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullLocator

from benchmarks import scenarios, servers
from benchmarks.results import Table, load

STYLE = {
    "svg.hashsalt": "kito",
    "svg.fonttype": "none",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
OURS_COLOUR, FLOOR_COLOUR, PEER_COLOUR = "#c2410c", "#6b7280", "#2563eb"
GUIDE_COLOUR = "#d1d5db"
COLUMNS = 3
KIB = 1024


def colour(peer: str) -> str:
    """Ours, the floor, everybody else."""
    return {"kito": OURS_COLOUR, "floor": FLOOR_COLOUR}.get(peer, PEER_COLOUR)


def save(figure: "plt.Figure", path: Path) -> None:
    """Writes a figure without a date, so that equal results give equal files."""
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def logarithmic(axes: "plt.Axes") -> None:
    """A logarithmic x axis with plain numbers at 1, 2 and 5."""
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FormatStrFormatter("%g"))
    axes.xaxis.set_minor_locator(NullLocator())


def dots(axes: "plt.Axes", values: dict[str, float], heading: str, unit: str) -> None:
    """One dot for each server, the smallest on top, each with its number; a logarithmic axis has no room for bars."""
    ordered = sorted(values, key=values.__getitem__, reverse=True)
    axes.set_axisbelow(True)
    axes.grid(axis="y", color=GUIDE_COLOUR, linestyle=":")
    axes.scatter([values[peer] for peer in ordered], range(len(ordered)), c=[colour(peer) for peer in ordered], s=40)
    axes.set_yticks(range(len(ordered)), [servers.BY_NAME[peer].title for peer in ordered])
    logarithmic(axes)
    axes.margins(x=0.2, y=0.12)
    for place, peer in enumerate(ordered):
        label = (values[peer], place)
        axes.annotate(f"{values[peer]:,.3g}", label, (8, 0), textcoords="offset points", va="center")
    axes.set_title(f"{heading}\n{unit}", loc="left", fontsize=9)


def medians(table: Table, scenario: str, figure: str, divisor: float = 1.0) -> dict[str, float]:
    """The positive medians of a figure for all servers that have it."""
    found = {peer: table.median(scenario, peer, figure) for peer in table.peers(scenario)}
    return {peer: value / divisor for peer, value in found.items() if value is not None and value > 0}


def draw_cpu(table: Table, path: Path) -> None:
    """CPU per unit of every scenario, small multiples."""
    drawn = [(s, values) for s in scenarios.SCENARIOS if (values := medians(table, s.name, "cpu_us"))]
    if not drawn:
        return
    rows = -(-len(drawn) // COLUMNS)
    figure, grid = plt.subplots(rows, COLUMNS, figsize=(15, 2.9 * rows), squeeze=False)
    for axes in grid.flat:
        axes.set_visible(False)
    for axes, (scenario, values) in zip(grid.flat, drawn, strict=False):
        axes.set_visible(True)
        dots(axes, values, f"{scenario.name}: {scenario.title}", f"server CPU µs per {scenario.unit}, log scale")
    save(figure, path)


def draw_memory(table: Table, path: Path) -> None:
    """User-space memory of an idle stream."""
    values = medians(table, "idle", "per_connection_bytes", KIB)
    if values:
        figure, axes = plt.subplots(figsize=(7, 3.5))
        dots(axes, values, "an idle event stream", "KiB of user-space memory per connection, log scale")
        save(figure, path)


def merged_cells(table: Table, scenario: str, peer: str) -> dict[float, int]:
    """The histograms of all rounds as one."""
    merged: dict[float, int] = {}
    for each in table.rounds(scenario, peer):
        for microseconds, count in each.get("cells") or []:
            merged[microseconds] = merged.get(microseconds, 0) + count
    return dict(sorted(merged.items()))


def draw_arrivals(table: Table, scenario: str, heading: str, path: Path, *, wide: bool) -> None:
    """The share of events that had arrived after a time, one line for each server."""
    figure, axes = plt.subplots(figsize=(8, 4.5))
    drawn = False
    for peer in table.peers(scenario):
        cells = merged_cells(table, scenario, peer)
        total, seen, shares = sum(cells.values()), 0, []
        for count in cells.values():
            seen += count
            shares.append(100 * seen / total)
        if cells:
            width = 2.2 if peer == "kito" else 1.0
            known = {"kito": OURS_COLOUR, "floor": FLOOR_COLOUR}.get(peer)
            axes.plot(
                [us / 1000 for us in cells], shares, label=servers.BY_NAME[peer].title, linewidth=width, color=known
            )
            drawn = True
    axes.set(xlabel="milliseconds", ylabel="% of events", title=heading)
    if wide:
        logarithmic(axes)
    if drawn:
        axes.legend(frameon=False, fontsize=8)
        save(figure, path)
    plt.close(figure)


def main(source: Path) -> None:
    """Draws every plot of one results file."""
    mpl.use("svg")
    table = Table(load(source))
    stem = source.with_suffix("")
    with plt.rc_context(STYLE):
        draw_cpu(table, Path(f"{stem}-cpu.svg"))
        draw_memory(table, Path(f"{stem}-memory.svg"))
        published = "one event to 1000 subscribers: time from publishing to arrival"
        draw_arrivals(table, "fanout", published, Path(f"{stem}-fanout.svg"), wide=True)
        gap = "one event every 20 ms on 200 streams: gap between two"
        draw_arrivals(table, "paced", gap, Path(f"{stem}-paced.svg"), wide=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

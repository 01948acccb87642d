"""The bars that kito sets itself, as data, and whether a run met them."""

import dataclasses

from benchmarks.results import Table

KIB = 1024
OURS = "kito"
PYTHON_PEERS = (
    "stario",
    "socketify",
    "uvicorn",
    "granian-rsgi",
    "granian-flush",
    "granian-asgi",
    "aiohttp",
    "starlette",
    "fastapi",
)


@dataclasses.dataclass(frozen=True, slots=True)
class Target:
    """At most `limit` of a figure: absolute in `unit`, or times the best of `peers`."""

    scenario: str
    limit: float
    peers: tuple[str, ...] = ()
    figure: str = "cpu_us"
    unit: str = "µs"
    divisor: float = 1.0

    @property
    def text(self) -> str:
        """The bar in words."""
        if not self.peers:
            return f"at most {self.limit:g} {self.unit}"
        if self.peers == PYTHON_PEERS:
            return f"at most {self.limit:g} x the best Python peer"
        whom = ", ".join(self.peers)
        if len(self.peers) > 1:
            whom = f"the best of {whom}"
        return f"at most {self.limit:g} x {whom}"


TARGETS = (
    Target("plaintext", 1.40, ("floor",)),
    Target("plaintext", 0.85, ("stario",)),
    Target("plaintext", 0.40, ("uvicorn",)),
    Target("pipelined", 0.70, ("stario",)),
    Target("browser", 1.60, ("floor",)),
    Target("async-suspend", 0.50, ("uvicorn",)),
    Target("chunks", 18.0),
    Target("chunks", 0.40, ("stario",)),
    Target("chunks", 0.15, ("uvicorn", "granian-rsgi", "granian-asgi", "node")),
    Target("events", 55.0),
    Target("events", 0.50, ("stario",)),
    Target("events", 0.05, ("starlette",)),
    Target("events", 0.01, ("fastapi",)),
    Target("fanout", 1.30, ("floor",)),
    Target("idle", 5.0, figure="per_connection_bytes", unit="KiB per connection", divisor=KIB),
    Target("idle", 2.0, figure="core_percent", unit="% of a core"),
    Target("down-1m", 1.00, PYTHON_PEERS),
    Target("up-1m", 1.00, PYTHON_PEERS),
    Target("tls", 1.00, ("uvicorn",)),
)


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """A target beside what was measured; `measured` is None when a figure is missing."""

    target: Target
    measured: float | None

    @property
    def met(self) -> bool | None:
        """Whether the bar was met; None when it was not measured."""
        return None if self.measured is None else self.measured <= self.target.limit


def judge(table: Table) -> list[Outcome]:
    """Every target with the ratio or the figure that the run gave."""
    outcomes = []
    for target in TARGETS:
        ours = table.median(target.scenario, OURS, target.figure)
        measured = None if ours is None else ours / target.divisor
        if target.peers and ours is not None:
            best = table.best(target.scenario, target.peers, target.figure)
            measured = ours / best[1] if best else None
        outcomes.append(Outcome(target, measured))
    return outcomes

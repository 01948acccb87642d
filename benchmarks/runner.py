"""The rounds: every scenario, every server in turn, fresh process, contract, measurement, result."""

import datetime as dt
import resource
import subprocess
from pathlib import Path

from benchmarks import contract, machine, results, scenarios, servers
from benchmarks.environment import PROJECT, need_tool
from benchmarks.load import LoadFailed
from benchmarks.measure import Figures, measure
from benchmarks.options import Options
from benchmarks.progress import Progress
from benchmarks.scenarios import Scenario
from benchmarks.servers import Peer, Server, ServerFailed

VERSIONS = """
import importlib.metadata, json, platform, sys
found = {"python": platform.python_version()}
for name in sys.argv[1:]:
    try:
        found[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        found[name] = None
print(json.dumps(found))
"""
ONE_ROUND = ("idle",)  # a memory slope repeats to the page; its heartbeat window is long as it is


def raise_descriptor_limit() -> None:
    """Lets this process, and so the servers and the load, open as many descriptors as the system permits."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def said(command: list[str]) -> str | None:
    """The first line that a program prints, or None when it does not run."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False, cwd=PROJECT)
    except OSError:
        return None
    lines = (done.stdout + done.stderr).strip().splitlines()
    return lines[0].strip() if lines else None


def versions(python: Path, chosen: list[Peer], options: Options) -> dict[str, object]:
    """Versions of everything whose figures are compared."""
    packages = sorted({package for peer in chosen for package in peer.packages})
    found = results.json.loads(said([str(python), "-c", VERSIONS, *packages]) or "{}")
    found["node"] = said(["node", "--version"]) if any(peer.needs == "node" for peer in chosen) else None
    found["cc"] = said(["cc", "--version"])
    found[options.tool] = (said([options.tool, "--version"]) or "").partition("[")[0].strip()
    found["commit"] = said(["git", "describe", "--always", "--dirty", "--exclude", "*"])
    return {name: version for name, version in found.items() if version}


def unavailable(peer: Peer, scenario: Scenario, installed: dict[str, object]) -> str | None:
    """Why a cell cannot be measured at all, or None."""
    reason = peer.missing(scenario.name)
    if reason:
        return reason
    absent = [package for package in peer.packages if package not in installed]
    if absent:
        return f"{', '.join(absent)} could not be installed on this machine"
    if peer.needs == "node" and "node" not in installed:
        return "node is not on the PATH"
    return None


class Run:
    """One run over the chosen scenarios and servers; fills a results document."""

    def __init__(self, options: Options, python: Path) -> None:
        self.options, self.python = options, python
        self.scenarios = scenarios.select(options.only)
        self.peers = servers.select(options.peers)
        self.server_core, self.load_core = machine.cores()
        self.installed = versions(python, self.peers, options)
        self.document = results.new(machine.describe(), self.installed)
        self.progress = Progress(sum(self._rounds(scenario) for scenario in self.scenarios) * len(self.peers))

    def _rounds(self, scenario: Scenario) -> int:
        return 1 if scenario.name in ONE_ROUND else self.options.rounds

    def go(self) -> dict[str, object]:
        """Measures everything; returns the document."""
        raise_descriptor_limit()
        if any(scenario.mode == "wrk" for scenario in self.scenarios):
            need_tool(self.options.tool)
        with machine.on_core(self.load_core):
            for scenario in self.scenarios:
                self._scenario(scenario)
        return self.document

    def _scenario(self, scenario: Scenario) -> None:
        rows: dict[str, dict] = {peer.name: {} for peer in self.peers}
        self.document["scenarios"][scenario.name] = {
            "measured": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            "tool": self.options.tool if scenario.mode == "wrk" else "sseload",
            "duration": self.options.duration,
            "connections": self.options.idle_steps[1] if scenario.mode == "idle" else scenario.connections,
            "commit": self.installed.get("commit"),
            "peers": rows,
        }
        for turn in range(self._rounds(scenario)):
            shift = turn % len(self.peers)
            for peer in self.peers[shift:] + self.peers[:shift]:
                self._cell(scenario, peer, turn, rows[peer.name])

    def _cell(self, scenario: Scenario, peer: Peer, turn: int, row: dict) -> None:
        what = f"{scenario.name} · {peer.name} · round {turn + 1}"
        self.progress.begin(what)
        row["reason"] = row.get("reason") or unavailable(peer, scenario, self.installed)
        if row["reason"]:
            self.progress.end(what, row["reason"].splitlines()[0])
            return
        del row["reason"]
        try:
            found = self._measure(scenario, peer)
        except (ServerFailed, LoadFailed, contract.ContractBroken) as error:
            row["reason"] = f"{type(error).__name__}: {error}"
            row.pop("rounds", None)
            self.progress.end(what, str(row["reason"]))
        else:
            row.setdefault("rounds", []).append(found)
            self.progress.end(what, headline(scenario, found))

    def _measure(self, scenario: Scenario, peer: Peer) -> Figures:
        with Server(peer, self.python, self.server_core, tls=scenario.tls) as server:
            contract.check(server.address, scenario)
            try:
                return measure(server, scenario, self.options)
            except (LoadFailed, contract.ContractBroken) as error:
                raise LoadFailed(f"{error} {server.said()}".strip()) from error


def headline(scenario: Scenario, found: Figures) -> str:
    """The chief figure of a cell in words."""
    if scenario.mode == "idle":
        kib = found["per_connection_bytes"] / 1024
        return f"{kib:.2f} KiB per connection, {found['core_percent']} % of a core for heartbeats"
    if scenario.mode == "storm":
        return f"{found['cpu_us']:.1f} µs per {scenario.unit}, recovered in {found['recovery_ms']:.0f} ms"
    busy = f"{found['per_second']:,.0f}/s, core {found['busy']:.0%} busy"
    return f"{found['cpu_us']:.2f} µs per {scenario.unit}, {busy}"

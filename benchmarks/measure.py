"""Measures one cell: one server, one scenario, one round. The server runs and has passed the contract."""

import dataclasses
import time
from pathlib import Path

from benchmarks import accounting, contract
from benchmarks.accounting import Memory, Reading
from benchmarks.load import PLAIN_TOOLS, Counted, LoadFailed, Mark, sseload
from benchmarks.options import Options
from benchmarks.scenarios import BY_NAME, Scenario
from benchmarks.servers import Server

PRIMER_SECONDS = 0.2
PRIMER_CONNECTIONS = 8
SETTLE_SECONDS = 0.3
RECOVERY_SECONDS = 15.0
AFTER_STORM_SECONDS = 1.0
WITH_HISTOGRAM = ("paced", "fanout")  # whose arrival times are drawn
Figures = dict[str, object]


def reset_peak(server: Server) -> None:
    """Starts the kernel's record of the largest RSS anew (proc_pid_clear_refs(5), value 5)."""
    for pid in accounting.tree(server.account.pid):
        Path(f"/proc/{pid}/clear_refs").write_text("5")


def prime(server: Server, scenario: Scenario, options: Options) -> None:
    """A few requests on few connections, so that nothing is measured for the first time."""
    simple = dataclasses.replace(scenario, mode="requests", counted="responses", connections=PRIMER_CONNECTIONS)
    sseload(simple, server.address[1], PRIMER_SECONDS, lambda name, mark: None)


def figures(counted: Counted, spent: Reading, memory: Memory) -> Figures:
    """The figures of a window: what was counted, what it cost, what it held."""
    return {
        "units": counted.units,
        "seconds": round(counted.seconds, 6),
        "per_second": round(counted.units / counted.seconds, 2),
        "cpu_us": round(accounting.per_unit_us(spent.cpu, counted.units), 4),
        "busy": round(min(1.0, spent.cpu / counted.seconds), 4),
        "p50_us": counted.p50_us,
        "p99_us": counted.p99_us,
        "max_us": counted.max_us,
        "foreign": round(spent.foreign, 4),
        "peak_rss_kib": memory.peak_rss_kib,
        "pss_kib": memory.pss_kib,
    }


def measure_plain(server: Server, scenario: Scenario, options: Options) -> Figures:
    """A run of wrk or oha from start to end: the server idles before and after, so the whole run is the window."""
    tool, port = PLAIN_TOOLS[options.tool], server.address[1]
    if not scenario.tls:  # sseload speaks none; the warm-up is primer enough
        prime(server, scenario, options)
    if options.warm_up >= 1:
        tool(scenario, port, options.warm_up)
    reset_peak(server)
    before = server.account.read()
    counted = tool(scenario, port, options.duration)
    spent = server.account.read().since(before)
    return figures(counted, spent, server.account.memory())


class Window:
    """Reads the server's clocks at the edges that sseload reports."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.readings: dict[str, Reading] = {}

    def on_mark(self, name: str, mark: Mark) -> None:
        """Called while sseload waits at an edge."""
        self.readings[name] = self.server.account.read()

    @property
    def spent(self) -> Reading:
        """The time between the two edges of the window."""
        return self.readings["end"].since(self.readings["begin"])


def measure_window(server: Server, scenario: Scenario, options: Options) -> Figures:
    """A closed or paced loop of sseload: requests, paced, fanout, churn."""
    port = server.address[1]
    if scenario.mode == "requests":
        prime(server, scenario, options)
    if scenario.mode != "paced":
        sseload(scenario, port, options.warm_up, lambda name, mark: None)
        time.sleep(SETTLE_SECONDS)
    reset_peak(server)
    window = Window(server)
    counted = sseload(scenario, port, options.duration, window.on_mark)
    found = figures(counted, window.spent, server.account.memory())
    return {**found, "cells": counted.cells if scenario.mode in WITH_HISTOGRAM else None}


def measure_idle(server: Server, scenario: Scenario, options: Options) -> Figures:
    """Memory at two levels of connections, then the CPU that only heartbeats cost."""
    low, high = options.idle_steps
    window = Window(server)
    levels: list[Memory] = []

    def on_mark(name: str, mark: Mark) -> None:
        if name == "level":
            levels.append(server.account.memory())
        window.on_mark(name, mark)

    reset_peak(server)
    counted = sseload(
        scenario,
        server.address[1],
        options.idle_window,
        on_mark,
        connections=high,
        steps=(low, high),
    )
    spent = window.spent
    return {
        "units": high,
        "seconds": round(counted.seconds, 6),
        "heartbeats": counted.units,
        "per_connection_bytes": round(accounting.slope_bytes(low, levels[0].pss_kib, high, levels[1].pss_kib), 1),
        "core_percent": round(100 * spent.cpu / spent.wall, 3),
        "foreign": round(spent.foreign, 4),
        "pss_kib": levels[1].pss_kib,
        "peak_rss_kib": server.account.memory().peak_rss_kib,
    }


def recover(server: Server, descriptors: int) -> float:
    """Waits until the server has as few descriptors as before the storm; returns the seconds it took."""
    start = time.monotonic()
    while time.monotonic() - start < RECOVERY_SECONDS:
        if server.account.descriptors() <= descriptors:
            return time.monotonic() - start
        time.sleep(0.002)
    raise LoadFailed(f"after {RECOVERY_SECONDS:.0f} s connections of clients that had left were still open")


def measure_storm(server: Server, scenario: Scenario, options: Options) -> Figures:
    """The cost of losing every client at once, how long it takes, and whether producers go on for nobody."""
    prime(server, BY_NAME["plaintext"], options)
    time.sleep(SETTLE_SECONDS)
    descriptors = server.account.descriptors()
    reset_peak(server)
    window = Window(server)
    counted = sseload(scenario, server.address[1], 0, window.on_mark)
    recovery = recover(server, descriptors)
    recovered = server.account.read()
    time.sleep(AFTER_STORM_SECONDS)
    afterwards = server.account.read().since(recovered)
    contract.check(server.address, BY_NAME["plaintext"])
    spent = recovered.since(window.readings["begin"])
    return {
        "units": counted.units,
        "cpu_us": round(accounting.per_unit_us(spent.cpu, counted.units), 4),
        "foreign": round(spent.foreign, 4),
        "recovery_ms": round(recovery * 1000, 2),
        "after_percent": round(100 * afterwards.cpu / afterwards.wall, 3),
        "peak_rss_kib": server.account.memory().peak_rss_kib,
    }


MEASURES = {"wrk": measure_plain, "idle": measure_idle, "storm": measure_storm}


def measure(server: Server, scenario: Scenario, options: Options) -> Figures:
    """The figures of one cell; raises LoadFailed when the load counted a failure."""
    return MEASURES.get(scenario.mode, measure_window)(server, scenario, options)

"""What the tests of the benchmark share: the C tools, running servers, and a small results document."""

import sys
from pathlib import Path

import pytest

from benchmarks import environment, machine
from benchmarks.servers import BY_NAME, Server
from tests.conftest import require_tool

collect_ignore_glob = [] if sys.platform == "linux" else ["test_*.py"]  # the clocks are the Linux kernel's

WINDOW = {
    "units": 1000,
    "seconds": 1.0,
    "p50_us": 100.0,
    "p99_us": 200.0,
    "max_us": 300.0,
    "pss_kib": 900,
    "cells": None,
}


def window(cpu_us: float, per_second: float, busy: float = 0.99, foreign: float = 0.0, peak: int = 1024) -> dict:
    """One round of a throughput scenario."""
    figures = {"cpu_us": cpu_us, "per_second": per_second, "busy": busy, "foreign": foreign, "peak_rss_kib": peak}
    return {**WINDOW, **figures}


def idle(kib: float, percent: float) -> dict:
    """One round of the idle scenario."""
    figures = {"units": 10000, "seconds": 30.0, "heartbeats": 20000, "foreign": 0.0, "pss_kib": 1, "peak_rss_kib": 2048}
    return {**figures, "per_connection_bytes": kib * 1024, "core_percent": percent}


def taken(peers: dict) -> dict:
    """A scenario with its servers."""
    return {"measured": "2030-01-02T03:04:05+00:00", "tool": "wrk", "duration": 4, "connections": 64, "peers": peers}


@pytest.fixture
def document() -> dict:
    """A run in which kito wins, loses, is load-bound, and one server breaks the contract."""
    plaintext = {
        "kito": {"rounds": [window(10.0, 90_000), window(9.0, 95_000), window(11.0, 80_000)]},
        "floor": {"rounds": [window(7.0, 110_000, busy=0.8)]},
        "stario": {"rounds": [window(9.5, 99_000, peak=512)]},
        "uvicorn": {"rounds": [window(30.0, 30_000, foreign=0.2)]},
        "node": {"reason": "ContractBroken: the body differs: 1 byte"},
    }
    machine_facts = {"processor": "P", "cores": 2, "virtual": True, "memory_gib": 4.0, "kernel": "Linux", "libc": "c"}
    return {
        "schema": 1,
        "machine": machine_facts,
        "versions": {"python": "3.13.0", "stario": "5.1.1"},
        "scenarios": {
            "plaintext": taken(plaintext),
            "idle": taken({"kito": {"rounds": [idle(4.5, 0.5)]}, "floor": {"rounds": [idle(0.2, 0.1)]}}),
        },
    }


@pytest.fixture(scope="session")
def native() -> None:
    """The C tools, compiled."""
    require_tool("cc")
    environment.ensure_native()


@pytest.fixture(scope="session")
def core() -> int:
    """The core for servers; two are needed to tell load and server apart."""
    try:
        return machine.cores()[0]
    except machine.NoCores as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def floor(native, core):
    """The C floor, running."""
    with Server(BY_NAME["floor"], Path(sys.executable), core) as server:
        yield server


@pytest.fixture(scope="module")
def secure_kito(core):
    """The same over TLS."""
    require_tool("openssl")
    environment.ensure_certificate()
    with Server(BY_NAME["kito"], Path(sys.executable), core, tls=True) as server:
        yield server


@pytest.fixture(scope="module")
def kito(core):
    """The kito app of the benchmark, running on this interpreter."""
    with Server(BY_NAME["kito"], Path(sys.executable), core) as server:
        yield server

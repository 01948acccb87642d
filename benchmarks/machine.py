"""Where a run took place: processor, kernel, memory, and the two cores it may use."""

import os
import platform
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SERVER_CORE, LOAD_CORE = 0, 1


class NoCores(RuntimeError):
    """Nothing can be pinned here: no Linux, or fewer than two cores for this process."""


def cores() -> tuple[int, int]:
    """The core of the server and the core of the load."""
    if not hasattr(os, "sched_setaffinity"):
        raise NoCores("Linux is needed: servers are pinned to cores and charged by its clocks")
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        raise NoCores("two cores are needed: one for the server, one for the load")
    return allowed[SERVER_CORE], allowed[LOAD_CORE]


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """Moves this process to a core for a while; what it starts meanwhile stays there for good."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def processor() -> str:
    """The model name that the kernel reports."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def memory_gib() -> float:
    """Memory of the machine in GiB."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30


def virtual() -> bool:
    """Whether the processor says that a hypervisor is above it."""
    return "hypervisor" in Path("/proc/cpuinfo").read_text()


def describe() -> dict[str, object]:
    """What a reader must know of the machine to judge the figures."""
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "virtual": virtual(),
        "memory_gib": round(memory_gib(), 1),
        "kernel": f"{platform.system()} {platform.release().split('-')[0]}",
        "libc": " ".join(platform.libc_ver()),
    }


def slug() -> str:
    """The name of the results file: processor and number of cores."""
    model = re.sub(r"\(.*?\)|@.*|\bCPU\b|\bProcessor\b", "", processor())
    return re.sub(r"[^a-z0-9]+", "-", model.lower()).strip("-") + f"-{os.cpu_count()}-cores"

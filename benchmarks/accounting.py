"""What the kernel charges to a server: CPU time of all its processes and threads, and their memory.

CPU time comes from each process's CPU clock (clock_getcpuclockid(3)): nanoseconds, all threads including ended ones,
the running slice included. utime+stime of /proc/PID/stat has steps of 10 ms, and schedstat misses the running slice.
"""

import dataclasses
import os
import time
from pathlib import Path

CPUCLOCK_SCHED = 2
KIB = 1024
IDLE_FIELDS = (3, 4)  # of a cpu line in /proc/stat: idle and iowait
TIME_FIELDS = 8  # user to steal; guest time is part of user


def cpu_clock(pid: int) -> int:
    """The clock id of a process's CPU time, as clock_getcpuclockid(3) composes it on Linux."""
    return (~pid << 3) | CPUCLOCK_SCHED


def cpu_seconds(pid: int) -> float:
    """CPU time of one process in seconds, all threads; 0 once it is gone."""
    try:
        return time.clock_gettime(cpu_clock(pid))
    except OSError:
        return 0.0


def core_seconds(core: int) -> float:
    """Seconds for which a core was not idle, whoever used it, stolen time included; steps of 10 ms."""
    for line in Path("/proc/stat").read_text().splitlines():
        name, *ticks = line.split()
        if name == f"cpu{core}":
            busy = sum(int(tick) for i, tick in enumerate(ticks[:TIME_FIELDS]) if i not in IDLE_FIELDS)
            return busy / os.sysconf("SC_CLK_TCK")
    raise ValueError(f"the kernel knows no core {core}")


def children(pid: int) -> list[int]:
    """The direct children of all threads of a process."""
    found: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(child) for child in path.read_text().split()]
        except OSError:
            continue
    return found


def tree(pid: int) -> list[int]:
    """A process and all its descendants."""
    known = [pid]
    for each in known:
        known += [child for child in children(each) if child not in known]
    return known


def fields_kib(path: Path, names: tuple[str, ...]) -> dict[str, int]:
    """The named `Name:  123 kB` fields of a /proc file, in KiB; a missing file has none."""
    found = dict.fromkeys(names, 0)
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return found
    for line in lines:
        name, _, rest = line.partition(":")
        if name in found:
            found[name] = int(rest.split()[0])
    return found


@dataclasses.dataclass(frozen=True, slots=True)
class Memory:
    """User-space memory of a server in KiB. PSS shares pages that processes have in common."""

    pss_kib: int
    rss_kib: int
    peak_rss_kib: int


@dataclasses.dataclass(frozen=True, slots=True)
class Reading:
    """One look at the clocks, in seconds: wall, CPU of the server, all use of the server's core."""

    wall: float
    cpu: float
    core: float

    def since(self, earlier: "Reading") -> "Reading":
        """The time that has passed on all three clocks."""
        return Reading(self.wall - earlier.wall, self.cpu - earlier.cpu, self.core - earlier.core)

    @property
    def foreign(self) -> float:
        """The share of a window in which something else ran on the server's core: noise, to be judged by the reader."""
        return max(0.0, self.core - self.cpu) / self.wall


class Account:
    """The running account of one server: the process that was started and whatever it started."""

    def __init__(self, pid: int, core: int) -> None:
        self.pid, self.core = pid, core

    def read(self) -> Reading:
        """The server's CPU first, then the others, microseconds apart."""
        cpu = sum(cpu_seconds(pid) for pid in tree(self.pid))
        return Reading(time.monotonic(), cpu, core_seconds(self.core))

    def memory(self) -> Memory:
        """Present PSS and RSS, and the peak of RSS since the last `reset_peak`."""
        pss = rss = peak = 0
        for pid in tree(self.pid):
            rollup = fields_kib(Path(f"/proc/{pid}/smaps_rollup"), ("Pss", "Rss"))
            status = fields_kib(Path(f"/proc/{pid}/status"), ("VmHWM",))
            pss, rss, peak = pss + rollup["Pss"], rss + rollup["Rss"], peak + status["VmHWM"]
        return Memory(pss, rss, peak)

    def descriptors(self) -> int:
        """Open file descriptors of the whole server: its connections, plus a constant."""
        total = 0
        for pid in tree(self.pid):
            try:
                total += sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
            except OSError:
                continue
        return total


def per_unit_us(cpu_seconds: float, units: int) -> float:
    """CPU microseconds per request, event or delivery; infinite when nothing was done."""
    return cpu_seconds * 1e6 / units if units else float("inf")


def slope_bytes(low: int, low_kib: int, high: int, high_kib: int) -> float:
    """Bytes per connection between two levels of connections: what the constant part cancels out of."""
    if high <= low:
        raise ValueError("the second level must have more connections than the first")
    return (high_kib - low_kib) * KIB / (high - low)

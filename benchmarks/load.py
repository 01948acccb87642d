"""The load tools: the commands of wrk, oha and sseload, and what they counted. They run on this process's core."""

import dataclasses
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

from benchmarks.environment import BUILD, ROOT, need_tool
from benchmarks.scenarios import Scenario

SECOND_US = 1e6
GRACE_SECONDS = 90.0


class LoadFailed(RuntimeError):
    """A load tool failed or counted failures, so that its figures mean nothing."""


@dataclasses.dataclass(frozen=True, slots=True)
class Counted:
    """What a tool counted in one window. Latencies are microseconds; `cells` is a histogram of them."""

    units: int
    seconds: float
    p50_us: float | None = None
    p99_us: float | None = None
    max_us: float | None = None
    cells: list[list[float]] | None = None


def capture(command: list[str], seconds: float, cwd: str | None = None) -> str:
    """Runs a tool to its end and returns what it printed; raises LoadFailed."""
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            cwd=cwd,
            timeout=seconds + GRACE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise LoadFailed(f"{command[0]} did not end") from error
    if done.returncode:
        raise LoadFailed(f"{Path(command[0]).name}: {done.stderr.strip()[-500:]}")
    return done.stdout


def url(scenario: Scenario, port: int) -> str:
    """The URL that the plain tools ask for."""
    return f"{'https' if scenario.tls else 'http'}://127.0.0.1:{port}{scenario.path}"


def wrk(scenario: Scenario, port: int, seconds: float) -> Counted:
    """One run of wrk with one thread; whole seconds, because wrk knows no others."""
    script = "pipeline.lua" if scenario.pipeline > 1 else "report.lua"
    whole = max(1, round(seconds))
    command = [need_tool("wrk"), "-t1", f"-c{scenario.connections}", f"-d{whole}s", "-s", script]
    for name, value in scenario.headers:
        command += ["-H", f"{name}: {value}"]
    command += [url(scenario, port), "--", str(scenario.pipeline)]
    return read_wrk(capture(command, whole, str(ROOT / "lua")))


def read_wrk(text: str) -> Counted:
    """Reads the RESULT line of lua/report.lua."""
    line = next((line for line in text.splitlines() if line.startswith("RESULT ")), None)
    if line is None:
        raise LoadFailed(f"wrk printed no result: {text[-300:]}")
    result = json.loads(line.removeprefix("RESULT "))
    if result["failures"]:
        raise LoadFailed(f"wrk counted {result['failures']} failures")
    # wrk corrects its histogram for stalls, and says 0 where no sample is left at a quantile.
    quantiles = (result[name] or None for name in ("p50", "p99", "max"))
    return Counted(result["requests"], result["microseconds"] / SECOND_US, *quantiles)


def oha(scenario: Scenario, port: int, seconds: float) -> Counted:
    """One run of oha; it knows no pipelining."""
    if scenario.pipeline > 1:
        raise LoadFailed("oha cannot pipeline; use --tool wrk")
    command = [
        need_tool("oha"),
        "--no-tui",
        "--output-format",
        "json",
        "-z",
        f"{seconds:g}s",
        "-c",
        str(scenario.connections),
    ]
    for name, value in scenario.headers:
        command += ["-H", f"{name}: {value}"]
    command += ["--insecure"] if scenario.tls else []
    return read_oha(capture([*command, url(scenario, port)], seconds))


def read_oha(text: str) -> Counted:
    """Reads oha's JSON report; requests that the deadline cut are no failures."""
    report = json.loads(text)
    answered = sum(report["statusCodeDistribution"].values())
    wrong = answered - report["statusCodeDistribution"].get("200", 0)
    broken = {name: count for name, count in report.get("errorDistribution", {}).items() if "deadline" not in name}
    if wrong or broken:
        raise LoadFailed(f"oha counted {wrong} wrong answers and {broken}")
    percentiles = report["latencyPercentiles"]
    slowest = report["summary"]["slowest"]
    return Counted(
        answered,
        report["summary"]["total"],
        percentiles["p50"] * SECOND_US,
        percentiles["p99"] * SECOND_US,
        slowest * SECOND_US,
    )


PLAIN_TOOLS = {"wrk": wrk, "oha": oha}
Mark = dict[str, object]


def sseload(
    scenario: Scenario,
    port: int,
    seconds: float,
    on_mark: Callable[[str, Mark], None],
    *,
    connections: int | None = None,
    steps: tuple[int, ...] = (),
) -> Counted:
    """One run of sseload; `on_mark` is called at each edge that it reports, while it waits."""
    count = connections or scenario.connections
    command = [str(BUILD / "sseload"), scenario.mode, str(port), scenario.path, "-c", str(count)]
    command += ["-d", str(round(seconds * 1000)), "-m", scenario.method, "-b", str(scenario.body_bytes)]
    command += ["-s", ",".join(str(step) for step in steps)]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        last = follow_marks(process, on_mark)
        complaint = process.stderr.read() if process.stderr else ""
    if process.returncode or last is None or last["failures"]:
        raise LoadFailed(complaint.strip() or f"sseload counted failures: {last}")
    return read_mark(last, scenario.counted)


def follow_marks(process: "subprocess.Popen[str]", on_mark: Callable[[str, Mark], None]) -> Mark | None:
    """Answers each mark after `on_mark` has seen it; returns the last one."""
    assert process.stdin is not None
    assert process.stdout is not None
    last = None
    for line in process.stdout:
        last = json.loads(line)
        on_mark(last["mark"], last)
        process.stdin.write("go\n")
        process.stdin.flush()
    return last


def read_mark(mark: Mark, counted: str) -> Counted:
    """The figures of sseload's last mark."""
    latency = mark["latency"] or {}
    return Counted(
        mark[counted],
        mark["seconds"],
        latency.get("p50"),
        latency.get("p99"),
        latency.get("max"),
        latency.get("cells"),
    )

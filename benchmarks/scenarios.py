"""The scenarios: what is asked, what must come back, what is counted, and with which tool.

Everything a scenario needs is data; `contract` checks it, `load` turns it into commands, `measure` into figures.
"""

import dataclasses
import json
import sys

from benchmarks.environment import ROOT

sys.path.insert(0, str(ROOT / "apps"))

import payloads

TEXT = "text/plain"
JSON = "application/json"
BINARY = "application/octet-stream"
EVENTS = "text/event-stream"
MIB = 1024 * 1024
UPLOAD_BYTES = MIB
PUBLISH_BYTES = 64
USER = "1234567"

BROWSER_HEAD = (
    ("Connection", "keep-alive"),
    ("sec-ch-ua", '"Chromium";v="140", "Not=A?Brand";v="24", "Google Chrome";v="140"'),
    ("sec-ch-ua-mobile", "?0"),
    ("sec-ch-ua-platform", '"Linux"'),
    ("Upgrade-Insecure-Requests", "1"),
    (
        "User-Agent",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    ),
    ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"),
    ("Sec-Fetch-Site", "same-origin"),
    ("Sec-Fetch-Mode", "navigate"),
    ("Sec-Fetch-User", "?1"),
    ("Sec-Fetch-Dest", "document"),
    ("Referer", "http://127.0.0.1/index.html"),
    ("Accept-Language", "en-GB,en;q=0.9,de;q=0.8"),
    ("Cookie", "session=9f86d081884c7d659a2feaa0c55ad015; theme=dark"),
)


@dataclasses.dataclass(frozen=True, slots=True)
class Expected:
    """The response that every server must send. `pieces` are the promised chunks, one write each."""

    content_type: str
    body: bytes
    pieces: tuple[bytes, ...] | None = None
    endless: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Scenario:
    """One row of the tables.

    `mode` is `wrk` for the plain request tools and otherwise a mode of sseload; `counted` is the number that CPU time
    is divided by, `unit` its name.
    """

    name: str
    title: str
    path: str
    expected: Expected
    mode: str = "wrk"
    counted: str = "requests"
    unit: str = "request"
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body_bytes: int = 0
    connections: int = 64
    pipeline: int = 1
    tls: bool = False


def token_event(number: int) -> bytes:
    """The bytes of event `number` on the wire, without chunk framing."""
    return b"data: " + json.dumps(payloads.token(number), separators=(",", ":")).encode() + b"\n\n"


HELLO = Expected(TEXT, payloads.TEXT_BYTES)
READY = Expected(EVENTS, f"data: {payloads.READY}\n\n".encode(), endless=True)
TOKENS = tuple(token_event(number) for number in range(payloads.PIECES))
PACED = Expected(EVENTS, b"".join(TOKENS[:3]), TOKENS[:3], endless=True)
GREETING = json.dumps(payloads.greeting(), separators=(",", ":")).encode()

SCENARIOS = (
    Scenario("plaintext", "13-byte response, 64 connections", "/plaintext", HELLO),
    Scenario("pipelined", "the same, 16 requests pipelined", "/plaintext", HELLO, pipeline=16),
    Scenario("json", "JSON of a fresh object", "/json", Expected(JSON, GREETING)),
    Scenario("param", "a route with a parameter", f"/users/{USER}", Expected(TEXT, USER.encode())),
    Scenario("browser", "a browser's request head (15 fields)", "/plaintext", HELLO, headers=BROWSER_HEAD),
    Scenario("async-suspend", "async handler that suspends once", "/suspend", HELLO),
    Scenario(
        "down-1m",
        "1 MiB response body",
        "/down",
        Expected(BINARY, payloads.BIG_BODY),
        mode="requests",
        counted="responses",
    ),
    Scenario(
        "up-1m",
        "1 MiB request body",
        "/up",
        Expected(TEXT, str(UPLOAD_BYTES).encode()),
        mode="requests",
        counted="responses",
        method="POST",
        body_bytes=UPLOAD_BYTES,
    ),
    Scenario(
        "chunks",
        "100 chunks of 64 bytes in one response",
        "/chunks",
        Expected(BINARY, payloads.CHUNK * payloads.PIECES, (payloads.CHUNK,) * payloads.PIECES),
        mode="requests",
        counted="responses",
        unit="response",
    ),
    Scenario(
        "events",
        "100 JSON events in one response",
        "/events",
        Expected(EVENTS, b"".join(TOKENS), TOKENS),
        mode="requests",
        counted="responses",
        unit="response",
    ),
    Scenario(
        "paced",
        "200 streams, each one event every 20 ms",
        "/paced",
        PACED,
        mode="paced",
        counted="events",
        unit="event",
        connections=200,
    ),
    Scenario(
        "fanout",
        "one event to 1000 subscribers",
        "/subscribe",
        READY,
        mode="fanout",
        counted="events",
        unit="delivery",
        connections=1000,
        body_bytes=PUBLISH_BYTES,
    ),
    Scenario(
        "idle", "idle event streams with heartbeats", "/idle", READY, mode="idle", counted="comments", unit="connection"
    ),
    Scenario(
        "churn",
        "a new connection for each request",
        "/plaintext",
        HELLO,
        mode="churn",
        counted="responses",
        unit="connection",
    ),
    Scenario(
        "storm",
        "1000 live streams cut at once",
        "/paced",
        PACED,
        mode="storm",
        counted="connections",
        unit="connection",
        connections=1000,
    ),
    Scenario("tls", "13-byte response over TLS", "/plaintext", HELLO, tls=True),
)
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}


def select(names: tuple[str, ...]) -> list[Scenario]:
    """The scenarios of these names, all of them when none is named; KeyError names an unknown one."""
    return [BY_NAME[name] for name in names] if names else list(SCENARIOS)

"""Changed requests, sent to kito on a socket: what it accepts, every other reader reads in the same way."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conformance.lines import SocketServer, quiet

from . import EXAMPLES, THOROUGH, mutations
from .answers import read_answers
from .judge import TOLERANCES, Verdict, judge, tolerated
from .mutations import Change, apply
from .readers import PARTIAL, WHOLE, Reader, Reading, Seen, all_readers, read_h11
from .site import Journal

changes = st.builds(
    Change, st.sampled_from(sorted(mutations.KINDS)), st.integers(0, (1 << 16) - 1), st.integers(0, (1 << 16) - 1)
)


class Bench(NamedTuple):
    """A server and the readers that judge it."""

    server: SocketServer
    readers: dict[str, Reader]

    def play(self, data: bytes) -> Verdict:
        """Send everything, then FIN; every answer is checked, and what was accepted returned."""
        journal = self.server.site.journal
        journal.clear()
        with self.server.connect() as line:
            line.send([data])
            line.half_close()
            return read_answers(line.receive, journal, [request.method for request in read_h11(data).requests])

    def complaints(self, data: bytes) -> list[str]:
        """In which ways readers see something else than kito."""
        verdict = self.play(data)
        found = [judge(verdict, name, read(data)) for name, read in self.readers.items()]
        return [complaint for complaint in found if complaint]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A server on a Unix socket, where a connection costs least."""
    folder: Path = tmp_path_factory.mktemp("oracle")
    with quiet(), SocketServer("unix-uvloop", folder, Journal()) as server, all_readers() as readers:
        yield Bench(server, readers)


@settings(max_examples=EXAMPLES, deadline=None, derandomize=True)
@given(st.sampled_from(mutations.SEEDS), st.lists(changes, min_size=1, max_size=4))
def test_nobody_reads_anything_else(bench: Bench, seed: bytes, mutation: list[Change]) -> None:
    data = apply(seed, mutation)
    assert bench.complaints(data) == [], data


@pytest.mark.parametrize("seed", range(len(mutations.SEEDS)) if THOROUGH else (2, 3))
def test_every_disguise_of_framing(bench: Bench, seed: int) -> None:
    """Each line of the list before each line of the request, and in its place."""
    original = mutations.SEEDS[seed]
    for place in range(original.count(b"\r\n") + 1):
        for choice in range(len(mutations.LINES)):
            for kind in ("insert a line", "replace a line"):
                data = apply(original, [Change(kind, place, choice)])
                assert bench.complaints(data) == [], data


def test_unchanged_requests_are_read_whole_by_all(bench: Bench) -> None:
    for data in mutations.SEEDS:
        verdict = bench.play(data)
        assert verdict.accepted, data
        assert bench.complaints(data) == []


# === the judge itself ===

GOOD = Verdict([Seen(b"GET", b"/", b"")], closed=False)


@pytest.mark.parametrize(
    ("verdict", "reading", "complaint"),
    [
        (GOOD, Reading([Seen(b"GET", b"/", b"")], WHOLE, b""), None),
        (GOOD, Reading([Seen(b"GET", b"/", b"")], "refused", b""), None),
        (GOOD, Reading([Seen(b"GET", b"/a", b"")], WHOLE, b""), "reads request 0 as"),
        (GOOD, Reading([Seen(b"PUT", b"/", b"")], WHOLE, b""), "reads request 0 as"),
        (GOOD, Reading([Seen(b"GET", b"/", b"x")], WHOLE, b""), "reads request 0 as"),
        (GOOD, Reading([], PARTIAL, b"x"), "waits for the rest"),
        (GOOD, Reading([], WHOLE, b""), "everything is read behind 0"),
        (GOOD, Reading([], "refused", b"GET / HTTP/1.1\r\n\r\n"), "but refused"),
        (GOOD, Reading([], "illegal request line", b"GET  / HTTP/1.1\r\n\r\n"), None),
        (GOOD, Reading([], "refused", b"GET  / HTTP/1.1\r\n\r\n"), "but refused"),
        (Verdict([None], closed=False), Reading([], PARTIAL, b"x"), "waits for the rest"),
        (GOOD, Reading([Seen(b"GET", b"/", b"")] * 2, WHOLE, b""), "reads 1 more requests"),
        (GOOD._replace(closed=True), Reading([Seen(b"GET", b"/", b"")] * 2, WHOLE, b""), None),
    ],
)
def test_the_judge(verdict: Verdict, reading: Reading, complaint: str | None) -> None:
    found = judge(verdict, "h11", reading)
    assert found is None if complaint is None else complaint in (found or "")


def test_every_tolerance_is_needed(bench: Bench) -> None:
    """Each is about a message that kito serves and one of its readers refuses; no other one covers it."""
    samples = {
        "several spaces between the words of the request line": b"GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
        "several empty lines before the request line": b"\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "a bare LF before the request line": b"\r\n\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "a tab behind a length": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\t\r\n\r\n.",
        "a tab in a list of connection options": b"GET / HTTP/1.0\r\nConnection: keep-alive\t\r\n\r\n"
        b"GET / HTTP/1.0\r\n\r\n",
        "the same field twice in a trailer section": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"0\r\nHost: x\r\nHost: x\r\n\r\n",
        "an offer to upgrade": b"GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
    }
    assert set(samples) == {known.name for known in TOLERANCES}
    for known in TOLERANCES:
        assert bench.play(samples[known.name]).accepted
        for name in known.readers:
            reading = bench.readers[name](samples[known.name])
            assert reading.refused, (known.name, name)
            assert tolerated(name, reading) is known

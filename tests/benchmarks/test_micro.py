"""The micro benchmark: sections of callgrind, differences, and the verdict against the budget."""

import pytest

from benchmarks.micro import figures, subject


def section(folder, number: int, name: str, total: int) -> None:
    text = f"version: 1\ndesc: Trigger: Client Request: {name}\n\nevents: Ir\nsummary: {total}\n\nfn=(1) x\n1 2\n"
    (folder / f"callgrind.out.{number}").write_text(text)


def test_sections_are_read_and_start_up_cancels_out(tmp_path):
    section(tmp_path, 1, "plain/1", 5_000 + 100 * 70)
    section(tmp_path, 2, "plain/2", 5_000 + 200 * 70)
    section(tmp_path, 3, "between", 1)
    (tmp_path / "callgrind.out.4").write_text("desc: Trigger: Program termination\nsummary: 9\n")
    sections = figures.read_sections(tmp_path)
    assert sections == {"plain/1": 12_000, "plain/2": 19_000, "between": 1}
    assert figures.per_turn(sections, 100) == {"plain": 70.0}


def test_a_section_without_a_total_is_refused(tmp_path):
    (tmp_path / "callgrind.out.1").write_text("desc: Trigger: Client Request: plain/1\n")
    with pytest.raises(ValueError, match="no total"):
        figures.read_sections(tmp_path)


TURN = {
    "plain": 100.0,
    "three-fields": 120.0,
    "browser": 240.0,
    "pipelined": 320.0,
    "json": 110.0,
    "param": 150.0,
    "chunks": 1000.0,
    "chunks-twice": 1500.0,
    "events": 2000.0,
    "events-twice": 4000.0,
    "fanout": 700.0,
    "encode": 60.0,
    "route": 30.0,
}


def test_parts_are_differences_of_cases():
    found = figures.figures(TURN, pipeline=16, pieces=100, subscribers=10, fields=14)
    assert found["request, 16 pipelined"] == 20.0
    assert found["head field"] == 10.0
    assert (found["chunk"], found["event"], found["fan-out delivery"]) == (5.0, 20.0, 70.0)


def test_only_more_than_three_percent_is_over():
    budget = {"a": 100.0, "b": 100.0, "c": 100.0}
    lines = figures.compare({"a": 103.0, "b": 103.1, "c": 50.0, "d": 1.0}, budget)
    assert [line.over for line in lines] == [False, True, False, False]
    text = figures.table(lines)
    assert "+3.1%  over" in text
    assert "-50.0%" in text
    assert text.splitlines()[-1].split() == ["d", "1", "none"]


def test_the_subject_serves_every_case():
    bench = subject.Bench()
    written: list[bytes] = []
    cases = dict(bench.cases())
    bench.connection.connection_lost(None)
    assert set(cases) == set(TURN)

    class Keep(subject.Nowhere):
        def __init__(self) -> None:
            super().__init__()
            self.write = self.writelines = written.append

    connection = subject.Http1Connection(bench.state)
    connection.connection_made(Keep())
    for path, end in (("/plaintext", b"Hello, World!"), ("/chunks/100", b"0\r\n\r\n"), ("/events/200", b"0\r\n\r\n")):
        written.clear()
        connection.data_received(subject.request(path))
        bench.loop.end_turn()
        assert b"".join(written).startswith(b"HTTP/1.1 200 OK\r\n"), path
        assert b"".join(written).endswith(end), path
    bench.state.stop()
    for each in list(bench.state.connections):
        each.connection_lost(None)

"""What the load tools count: wrk and oha by their reports, sseload against the floor."""

import dataclasses
import json
import time

import pytest

from benchmarks import load
from benchmarks.load import LoadFailed, sseload
from benchmarks.scenarios import BY_NAME

NOTICED_S = 10  # within which a server closes what its clients have left
SECONDS = 0.1


def test_wrk_reports_are_read():
    line = '{"requests":200,"microseconds":2000000,"bytes":1,"failures":0,"p50":10.5,"p99":20.0,"max":30.0}'
    counted = load.read_wrk(f"Running 2s test\nRESULT {line}\n")
    assert (counted.units, counted.seconds, counted.p50_us, counted.p99_us) == (200, 2.0, 10.5, 20.0)
    assert load.read_wrk("RESULT " + line.replace("20.0", "0.0")).p99_us is None
    with pytest.raises(LoadFailed, match="no result"):
        load.read_wrk("unable to connect")
    with pytest.raises(LoadFailed, match="3 failures"):
        load.read_wrk("RESULT " + line.replace('"failures":0', '"failures":3'))


OHA = {
    "summary": {"total": 2.5, "slowest": 0.5},
    "latencyPercentiles": {"p50": 0.001, "p99": 0.25},
    "statusCodeDistribution": {"200": 500},
    "errorDistribution": {"aborted due to deadline": 64},
}


def test_oha_reports_are_read():
    counted = load.read_oha(json.dumps(OHA))
    assert (counted.units, counted.seconds, counted.p50_us, counted.p99_us) == (500, 2.5, 1000.0, 250_000.0)
    with pytest.raises(LoadFailed, match="2 wrong answers"):
        load.read_oha(json.dumps({**OHA, "statusCodeDistribution": {"200": 1, "500": 2}}))
    with pytest.raises(LoadFailed, match="refused"):
        load.read_oha(json.dumps({**OHA, "errorDistribution": {"connection refused": 1}}))


def test_oha_cannot_pipeline():
    with pytest.raises(LoadFailed, match="cannot pipeline"):
        load.oha(BY_NAME["pipelined"], 1, 1.0)


def run(floor, name: str, connections: int, **changes) -> tuple[load.Counted, dict[str, dict]]:
    scenario = dataclasses.replace(BY_NAME[name], connections=connections, **changes)
    marks: dict[str, dict] = {}
    steps = (connections // 2, connections) if scenario.mode == "idle" else ()
    counted = sseload(scenario, floor.address[1], SECONDS, lambda mark, found: marks.update({mark: found}), steps=steps)
    return counted, marks


@pytest.mark.parametrize(("name", "chunks"), [("chunks", 100), ("events", 100), ("up-1m", 0), ("down-1m", 0)])
def test_requests_count_whole_responses(floor, name, chunks):
    counted, marks = run(floor, name, 4)
    end = marks["end"]
    assert counted.units == end["responses"] == end["latency"]["count"] >= 4
    assert end["chunks"] == chunks * counted.units
    assert end["bytes"] == len(BY_NAME[name].expected.body) * counted.units
    assert end["failures"] == marks["begin"]["failures"] == 0


def test_fanout_delivers_each_event_to_each_subscriber(floor):
    counted, marks = run(floor, "fanout", 20)
    assert counted.units == 20 * marks["end"]["responses"] > 0
    assert sum(count for _, count in counted.cells) == counted.units


def test_paced_streams_are_heard_at_the_servers_pace(floor):
    counted, _ = run(floor, "paced", 10)
    assert 0 < counted.units <= 10 * (counted.seconds / 0.02 + 2)


def test_idle_reports_both_levels(floor):
    scenario = dataclasses.replace(BY_NAME["idle"], connections=20)
    levels: list[int] = []

    def on_mark(name: str, mark: dict) -> None:
        if name == "level":
            levels.append(mark["connections"])

    sseload(scenario, floor.address[1], SECONDS, on_mark, steps=(10, 20))
    assert levels == [10, 20]


def test_churn_opens_a_connection_for_each_request(floor):
    counted, marks = run(floor, "churn", 4)
    assert counted.units == marks["end"]["latency"]["count"] >= 4


def test_a_storm_leaves_nothing_open(floor):
    before = floor.account.descriptors()
    counted, _ = run(floor, "storm", 50)
    assert counted.units == 50
    give_up = time.monotonic() + NOTICED_S
    while floor.account.descriptors() > before:
        if time.monotonic() > give_up:
            pytest.fail("the floor kept connections of clients that had left")
        time.sleep(0.01)  # another process closes them: there is nothing to await


def test_wrong_answers_fail_the_run(floor):
    with pytest.raises(LoadFailed, match="not every stream was answered"):
        run(floor, "chunks", 4, path="/nothing")

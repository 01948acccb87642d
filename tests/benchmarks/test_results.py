"""Medians and spreads of a results document, its file, and how records are renewed."""

import pytest

from benchmarks import results
from benchmarks.results import Spread, Table


def test_medians_and_spreads(document):
    table = Table(document)
    spread = table.spread("plaintext", "kito", "cpu_us")
    assert spread == Spread(10.0, 9.0, 11.0)
    assert spread.percent == pytest.approx(20.0)
    assert spread.overlaps(Spread(11.5, 10.9, 12.0))
    assert not spread.overlaps(Spread(12.0, 11.5, 12.5))


def test_what_was_not_measured_is_none(document):
    table = Table(document)
    assert table.median("plaintext", "node", "cpu_us") is None
    assert table.median("plaintext", "kito", "per_connection_bytes") is None
    assert table.median("events", "kito", "cpu_us") is None
    assert table.reason("plaintext", "node").startswith("ContractBroken")


def test_marks(document):
    table = Table(document)
    assert table.load_bound("plaintext", "floor")
    assert not table.load_bound("plaintext", "kito")
    assert not table.load_bound("idle", "kito")
    assert table.noisy("plaintext", "uvicorn")
    assert not table.noisy("plaintext", "kito")


def test_the_best_of_some_servers(document):
    table = Table(document)
    assert table.best("plaintext", ("uvicorn", "stario", "node"), "cpu_us") == ("stario", 9.5)
    assert table.best("plaintext", ("node",), "cpu_us") is None


def test_the_file_keeps_everything(document, tmp_path):
    path = tmp_path / "results" / "machine.json"
    results.save(path, document)
    assert results.load(path) == document
    lines = path.read_text().splitlines()
    assert sum('"cpu_us"' in line for line in lines) == 6  # a line for each round
    path.write_text('{"schema": 0}')
    with pytest.raises(ValueError, match="schema 0"):
        results.load(path)


def test_a_later_run_renews_its_scenarios_only(document):
    update = {**document, "versions": {"python": "3.14.0"}, "scenarios": {"idle": {"peers": {}}}}
    merged = results.merge(document, update)
    assert merged["scenarios"]["plaintext"] == document["scenarios"]["plaintext"]
    assert merged["scenarios"]["idle"] == {"peers": {}}
    assert merged["versions"] == {"python": "3.14.0"}
    with pytest.raises(ValueError, match="different machines"):
        results.merge(document, {**update, "machine": {}})

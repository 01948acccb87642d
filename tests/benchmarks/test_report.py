"""The tables and the page: every mark, every absent server, every loss."""

from benchmarks import report, targets
from benchmarks.results import Table
from benchmarks.scenarios import BY_NAME


def lines_of(text: str, start: str) -> list[list[str]]:
    rows = [[cell.strip() for cell in line[1:-1].split("|")] for line in text.splitlines() if line.startswith("|")]
    return [row for row in rows if row[0].startswith(start)]


def test_a_scenario_lists_the_cheapest_first(document):
    text = report.scenario_table(Table(document), BY_NAME["plaintext"])
    names = [line.split(" | ")[0].strip("| ") for line in text.splitlines() if line.startswith("|")][2:]
    assert names == ["floor (C, epoll)", "Stario", "**kito**", "uvicorn, bare ASGI"]
    ((_, cpu, spread, ratio, rate, p50, p99, peak, busy),) = lines_of(text, "**kito**")
    assert (cpu, spread, ratio, rate) == ("10.00", "20 %", "1.43", "90,000")
    assert (p50, p99, peak, busy) == ("0.10", "0.20", "1.0", "99%")
    assert "80% load-bound" in text
    assert "99% noisy" in text
    assert "- Node http: not measured: ContractBroken: the body differs: 1 byte" in text


def test_idle_has_its_own_figures(document):
    text = report.scenario_table(Table(document), BY_NAME["idle"])
    ((_, kib, *_, percent, heartbeats, peak, busy),) = lines_of(text, "**kito**")
    assert (kib, percent, heartbeats, peak, busy) == ("4.50", "0.50", "20,000", "2.0", "")


def test_every_loss_is_listed_and_only_losses(document):
    rows = report.losses(Table(document))
    assert ["plaintext", "CPU µs", "Stario", "10.00", "9.50", "rounds overlap"] in rows
    assert ["plaintext", "per second", "Stario", "90,000", "99,000", ""] in rows
    assert ["plaintext", "peak RSS MiB", "Stario", "1.0", "0.5", ""] in rows
    assert {row[2] for row in rows} == {"Stario"}


def test_rates_of_load_bound_rows_are_no_losses(document):
    for each in document["scenarios"]["plaintext"]["peers"]["stario"]["rounds"]:
        each["busy"] = 0.5
    figures = [row[1] for row in report.losses(Table(document))]
    assert "per second" not in figures
    assert "CPU µs" in figures


def test_without_losses_it_says_so(document):
    document["scenarios"] = {"idle": document["scenarios"]["idle"]}
    assert report.loss_table(Table(document)).startswith("No server but the floor")


def test_bars(document):
    table = Table(document)
    outcomes = {(each.target.scenario, each.target.text): each for each in targets.judge(table)}
    floor = outcomes["plaintext", "at most 1.4 x floor"]
    assert (round(floor.measured, 2), floor.met) == (1.43, False)
    assert outcomes["plaintext", "at most 0.4 x uvicorn"].met is True
    assert outcomes["plaintext", "at most 0.85 x stario"].met is False
    assert outcomes["idle", "at most 5 KiB per connection"].measured == 4.5
    assert outcomes["events", "at most 55 µs"].met is None
    text = report.target_table(table)
    assert "| plaintext | at most 1.4 x floor | 1.43 | **missed** |" in text
    assert "| events | at most 55 µs |  | not measured |" in text


def test_every_bar_is_about_a_scenario_that_exists():
    assert {target.scenario for target in targets.TARGETS} <= set(BY_NAME)


def test_the_page_fills_its_template(document, tmp_path):
    path = tmp_path / "docs" / "benchmarks.md"
    report.write_page(document, tmp_path / "some-machine.json", path)
    text = path.read_text()
    assert "{" not in text
    assert "../benchmarks/results/some-machine-cpu.svg" in text
    assert "virtual machine: P, 2 cores, 4.0 GiB" in text
    assert "stario 5.1.1" in text
    for heading in ("### plaintext", "### idle", "**missed**", "load-bound"):
        assert heading in text


def test_the_terminal_report_covers_what_was_measured(document):
    text = report.tables(document)
    assert "### plaintext: 13-byte response" in text
    assert "### events" not in text

"""The committed page says what the cases say."""

from .cases import load
from .page import PAGE, render


def test_the_page_is_current() -> None:
    assert PAGE.read_text("utf-8") == render(load(), failed=()), "write it anew with `python -m tests.conformance`"


def test_a_failure_stands_on_the_page() -> None:
    topics = load()
    case = topics[0].cases[0]
    page = render(topics, {str(case)})
    assert page.count("| fails |") == 1
    assert f"| {case.name} | {case.rule} | {case.level} | 200, stays open | fails |" in page
    assert "All of them pass" not in page

"""The live page in a real browser: every panel is used, and does what it says."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from examples.showcase.answers import answer_to

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

STEP_LIMIT = 20_000  # milliseconds for one thing to show on the page
LINES = 14  # log entries: more than the panel can show at once
PHONE = {"width": 320, "height": 640}  # pixels

# Feeds readText one byte at a time, so that every character of several bytes is cut.
DECODE_BYTE_BY_BYTE = """\
async (text) => {
  const { readText } = await import("/clients.js");
  const bytes = new TextEncoder().encode(text);
  window.fetch = async () => new Response(new ReadableStream({
    start(controller) {
      for (const byte of bytes) controller.enqueue(new Uint8Array([byte]));
      controller.close();
    },
  }));
  let received = "";
  await readText("/anything", (piece) => { received += piece; });
  return received;
}"""


@pytest.fixture
def page(chromium: "Browser", origin: str) -> "Iterator[Page]":
    """The page, opened; fails if it logs an error or asks anybody else for anything."""
    context = chromium.new_context()
    opened = context.new_page()
    opened.set_default_timeout(STEP_LIMIT)
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    strangers: list[str] = []
    opened.on("request", lambda sent: None if sent.url.startswith(f"{origin}/") else strangers.append(sent.url))
    opened.goto(origin)
    yield opened
    context.close()
    assert complaints == []
    assert strangers == []


def show(page: "Page", panel: str) -> None:
    page.locator(f"#{panel} .stage").scroll_into_view_if_needed()


def test_text_arrives_over_time_and_events_become_a_chart(page: "Page") -> None:
    show(page, "stream")
    page.locator("#stream .state[data-kind=done]").wait_for()
    times = [float(text.removesuffix(" s")) for text in page.locator("#stream .pieces time").all_text_contents()]
    assert times[1] - times[0] > 0.8
    assert times[2] - times[1] > 0.8
    assert page.locator("#stream .pieces span").all_text_contents() == ["Chunk 1", "Chunk 2", "Final chunk"]
    assert page.locator("#stream .track i").count() == 3
    show(page, "events")
    page.locator("#events .state", has_text="closed by the page after 5.").wait_for()
    assert page.locator("#events circle").count() == 5
    assert page.locator("#events .names li").all_text_contents() == ["init", *["update"] * 5, "complete"]
    assert page.locator("#events .chart").get_attribute("aria-label").count("after") == 5
    page.locator("#stream .run").click()
    page.locator("#stream .state[data-kind=live]").wait_for()
    assert page.locator("#stream .pieces li").count() <= 1


def test_an_answer_stops_when_told_to_and_the_next_one_is_whole(page: "Page") -> None:
    page.get_by_role("button", name="Ask").click()
    page.locator("#ai .answer", has_text=re.compile(".{30}")).wait_for()
    page.get_by_role("button", name="Stop").click()
    page.locator("#ai .state[data-kind=stopped]").wait_for()
    partial = page.locator("#ai .answer").text_content()
    whole = answer_to("Why stream an answer?")
    assert whole.startswith(partial)
    assert len(partial) < len(whole)
    page.get_by_role("button", name="A haiku about chunks").click()
    page.locator("#ai .state[data-kind=done]").wait_for()
    assert page.locator("#ai .answer").text_content() == answer_to("A haiku about chunks")
    assert page.get_by_role("button", name="Stop").is_disabled()


def test_a_job_reaches_a_hundred_percent_over_a_reload(page: "Page") -> None:
    page.get_by_role("button", name="Start").click()
    running = page.locator("#job .percent", has_text=re.compile("^([5-9]|[0-9]{2})$"))
    running.wait_for()
    page.reload()
    running.wait_for()
    assert page.locator("#job progress").evaluate("bar => bar.value") < 100
    page.locator("#job .state[data-kind=done]").wait_for()
    assert page.locator("#job progress").evaluate("bar => bar.value") == 100
    assert page.locator("#job .percent").text_content() == "100"


def test_the_log_follows_its_end_and_colours_the_levels(page: "Page") -> None:
    show(page, "logs")
    page.locator("#logs li").nth(LINES - 1).wait_for()
    colour = "label => getComputedStyle(label).color"
    levels = [page.locator(f"#logs li.{level} b").first.evaluate(colour) for level in ("info", "error")]
    assert levels[0] != levels[1]
    assert page.locator("#logs li.error span").first.text_content().count("\n") == 4
    page.get_by_role("button", name="Pause").click()
    log = page.locator("#logs .log")
    assert log.evaluate("log => log.scrollTop") > 0
    assert log.evaluate("log => log.scrollHeight - log.scrollTop - log.clientHeight") < 2
    numbers = page.locator("#logs li").evaluate_all("rows => rows.map(row => Number(row.dataset.number))")
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_character_cut_into_bytes_is_put_together_again(page: "Page") -> None:
    text = "é — こんにちは 👋"
    assert page.evaluate(DECODE_BYTE_BY_BYTE, text) == text


def test_the_code_beside_the_panels_is_the_code_that_runs(page: "Page") -> None:
    assert page.locator("#stream figure code").text_content().startswith('@app.get("/stream")\ndef stream(res):')
    shown = page.locator("[data-client=readText]").text_content()
    assert shown == page.evaluate("import('/clients.js').then(clients => clients.readText.toString())")
    assert page.locator("#stream figure code .word").first.text_content() == "def"


def test_the_page_fits_a_phone(page: "Page") -> None:
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    for panel in ("stream", "events", "ai", "job", "logs"):
        assert page.locator(f"#{panel} .stage").bounding_box()["width"] <= PHONE["width"]

"""The program read by a real browser, with the published browser programs as printed."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.clients.marks import STREAM_MARKS, STREAM_PIECES, assert_on_marks, since_first
from tests.clients.program import HOST, ORIGIN, PORT
from tests.clients.relay import Relay, running_relay

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.usefixtures("program")

FETCH_PROGRAM = """\
const response = await fetch("/stream");
const reader = response.body.getReader();
while (true) {
const { done, value } = await reader.read();
if (done) break;
console.log(new TextDecoder().decode(value));
}"""

EVENTS_PROGRAM = """\
const events = new EventSource("/events");
events.addEventListener("update", (e) => {
console.log(JSON.parse(e.data));
});
events.addEventListener("complete", () => {
events.close();
});"""

# Every console.log of the page, with the seconds since the page began, or since `begin()`. Both tests count from the
# first byte that arrives, so that the browser's own time for opening a connection does not blur the server's marks.
CONSOLE_CLOCK = """\
let zero = 0;
window.logged = [];
window.begin = () => { zero = performance.now(); };
window.elapsed = () => (performance.now() - zero) / 1000;
console.log = (...values) => window.logged.push([elapsed(), ...values]);
"""

# Another source on the same events that does not close: the browser comes back after its own pause of some seconds.
UNCLOSED = "new EventSource('/events?unclosed');"
RECONNECT_LIMIT = 20.0  # seconds from the end of the stream until the browser must have come back


@pytest.fixture
def page(chromium: "Browser") -> "Iterator[Page]":
    context = chromium.new_context()
    context.add_init_script(CONSOLE_CLOCK)
    yield context.new_page()
    context.close()


@pytest.fixture
def relay() -> Iterator[Relay]:
    with running_relay((HOST, PORT)) as started:
        yield started


def test_fetch_reads_the_stream_on_its_marks(page: "Page") -> None:
    page.goto(f"{ORIGIN}/anything")
    logged = page.evaluate(f"async () => {{ {FETCH_PROGRAM}\nreturn logged; }}")
    assert [text for _, text in logged] == list(STREAM_PIECES)
    assert_on_marks(since_first(logged), STREAM_MARKS)


def test_event_source_gets_every_event_on_its_mark_and_closes_for_good(relay: Relay, page: "Page") -> None:
    page.goto(f"{relay.origin}/anything")
    # The second listener for `complete` runs after the program's own, so it sees what that one has done.
    page.evaluate(f"""() => {{
        {EVENTS_PROGRAM}
        events.addEventListener("open", begin);
        window.complete = new Promise((resolve) => {{
            events.addEventListener("complete", (e) => resolve([elapsed(), e.data, events.readyState]));
        }});
    }}""")
    assert relay.wait_for("/events", 1, RECONNECT_LIMIT)
    page.evaluate(UNCLOSED)
    at, data, state = page.evaluate("complete")
    assert (json.loads(data), state) == ({"msg": "done"}, 2)  # 2 is EventSource.CLOSED
    assert_on_marks([*page.evaluate("logged"), (at, data)], (1, 2, 3, 4, 5, 5))
    assert [value for _, value in page.evaluate("logged")] == [{"count": count} for count in range(5)]
    # The unclosed source began later and has come back; the closed one would have done so before it.
    assert relay.wait_for("/events?unclosed", 2, RECONNECT_LIMIT)
    assert relay.count("/events") == 1

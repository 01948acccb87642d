"""Chromium's own EventSource: it comes back as it was told, with the last id, stops at 204, and sees a cut."""

from tests.clients.visits import Site, broken, events, status

# Collects what a source of "/events" does; `window.over` is resolved when the source has given up.
WATCH = """() => {
    window.log = [];
    const source = new EventSource("/events");
    window.over = new Promise((resolve) => {
        source.onopen = () => log.push("open");
        source.onmessage = (e) => {
            log.push([e.data, e.lastEventId]);
            fetch("/seen", { method: "POST" });
        };
        source.addEventListener("named", (e) => log.push(["named", e.data]));
        source.addEventListener("error", (e) => {
            log.push(e.data ? ["error", e.data] : source.readyState);
            if (source.readyState == EventSource.CLOSED) resolve(log);
        });
    });
}"""


def watch(visit, site):
    page = visit(site.app)
    page.evaluate(WATCH)
    return page.evaluate("over")


def test_it_comes_back_with_the_last_id_and_stops_at_204(visit):
    site = Site(events(("one", None, 1), ("two", "named", 2), retry=50), events(("three",)))
    assert watch(visit, site) == ["open", ["one", "1"], ["named", "two"], 0, "open", ["three", "2"], 0, 2]
    assert [seen.fields.get("last-event-id") for seen in site.visits] == [None, "2", "2"]
    assert site.visits[0].fields["accept"] == "text/event-stream"


def test_it_waits_as_long_as_retry_says(visit):
    site = Site(events(("a",), retry=300), events(("b",), retry=20))
    watch(visit, site)
    first, second = site.pauses()
    assert first >= 0.29
    assert second < first


def test_it_takes_a_cut_for_a_loss_and_no_end(visit):
    site = Site(broken(("half", None, 7), retry=20), events(("rest",)))
    assert watch(visit, site) == ["open", ["half", "7"], 0, "open", ["rest", "7"], 0, 2]
    assert [seen.fields.get("last-event-id") for seen in site.visits] == [None, "7", "7"]


def test_a_producer_that_fails_tells_it_before_the_cut(visit):
    async def fails(_site, res):
        async with res.sse(retry=20) as sse:
            await sse.send("half")
            raise LookupError("the test's")

    told = ["error", '{"error":"Internal Server Error"}']
    again = ["open", ["half", ""], told, 0]
    assert watch(visit, Site(*[fails] * 5)) == [*again * 5, 2]


def test_it_gives_up_for_what_is_no_event_stream(visit):
    for answer in (status(500), status(200), status(404, "text/event-stream")):
        site = Site(answer)
        assert watch(visit, site) == [2]
        assert len(site.visits) == 1


def test_a_program_that_reads_with_fetch_sees_a_cut_too(visit):
    page = visit((site := Site(broken(("half",), unseen=True), events(("whole",)))).app)
    read = "fetch('/events').then((response) => response.text()).catch((error) => error.name)"
    assert page.evaluate(read) == "TypeError"
    assert page.evaluate(read) == "data: whole\n\n"
    assert len(site.visits) == 2

"""kito/client.js in Chromium: headers and POST, reconnection, its ends, and one connection for several tabs."""

import json

import pytest

from tests.clients.visits import Site, broken, events, status, wait_until

# `begin(options)` watches "/events"; `window.over` is resolved when the stream is over for good.
WATCH = """async (options) => {
    const { EventStream } = await import("/kito.js");
    window.log = [];
    window.stream = new EventStream("/events", options);
    window.over = new Promise((resolve) => {
        stream.addEventListener("open", () => log.push("open"));
        stream.addEventListener("message", (e) => {
            log.push([e.data, e.lastEventId]);
            fetch("/seen", { method: "POST" });
        });
        stream.addEventListener("named", (e) => log.push(["named", e.data]));
        stream.addEventListener("error", (e) => log.push(e.error ? "lost" : "ended"));
        stream.addEventListener("close", (e) => resolve([...log, e.error ?? "closed"]));
    });
}"""


def watch(visit, site, **options):
    page = visit(site.app)
    page.evaluate(WATCH, options)
    return page.evaluate("over")


def test_headers_method_and_body(visit):
    site = Site(events(("hello",)))
    options = {"method": "POST", "headers": {"Authorization": "Bearer x"}, "body": '{"q":1}', "lastEventId": "ä7"}
    assert watch(visit, site, **options) == ["open", ["hello", "ä7"], "closed"]
    (seen,) = site.visits
    assert (seen.method, json.loads(seen.body)) == ("POST", {"q": 1})
    assert seen.fields["authorization"] == "Bearer x"
    assert seen.fields["accept"] == "text/event-stream"
    assert seen.fields["last-event-id"].encode("latin-1").decode() == "ä7"


def test_a_get_comes_back_with_the_last_id_until_204(visit):
    site = Site(events(("one", None, 1), ("two", "named", 2), retry=50), broken(("three",)))
    assert watch(visit, site) == [
        "open", ["one", "1"], ["named", "two"], "ended",
        "open", ["three", "2"], "lost",
        "closed",
    ]  # fmt: skip
    assert [seen.fields.get("last-event-id") for seen in site.visits] == [None, "2", "2"]
    assert min(site.pauses()) >= 0.049


def test_it_waits_longer_after_each_failure_and_never_less_than_retry(visit):
    site = Site(
        events(("a",), retry=100), status(503), status(429), status(500), events(("b",), retry=400), status(502)
    )
    assert watch(visit, site)[-1] == "closed"
    waited = [0.1, 0.2, 0.4, 0.8, 0.4, 0.8]  # seconds: doubled with each failure, as told after a success
    assert len(site.pauses()) == len(waited)
    assert all(pause >= least - 0.001 for pause, least in zip(site.pauses(), waited, strict=True)), site.pauses()


def test_the_pauses_are_bounded_and_spread(visit):
    site = Site(events(("a",), retry=40), *[status(503)] * 9)
    watch(visit, site, maxRetry=40)
    assert min(site.pauses()) >= 0.039
    assert sum(site.pauses()) < 5  # not doubled nine times
    spread = Site(events(("a",), retry=200), status(503))
    page = visit(spread.app)
    page.evaluate("Math.random = () => 0.99")
    page.evaluate(WATCH, {"maxRetry": 200})
    page.evaluate("over")
    assert min(spread.pauses()) >= 0.298  # half as much again


@pytest.mark.parametrize("answer", [status(403), status(200)], ids=["403", "no stream"])
def test_what_no_retry_mends_is_the_end(visit, answer):
    site = Site(answer)
    (error,) = watch(visit, site)
    assert "is no event stream" in error
    assert len(site.visits) == 1


def test_a_post_is_not_repeated_and_its_ends_are_told_apart(visit):
    whole, half = Site(events(("all",))), Site(broken(("half",)))
    assert watch(visit, whole, method="POST") == ["open", ["all", ""], "closed"]
    *seen, error = watch(visit, half, method="POST")
    assert seen == ["open", ["half", ""]]
    assert error.startswith("TypeError")
    assert len(whole.visits) == len(half.visits) == 1
    repeated = Site(broken(("half", None, 3), retry=20), events(("rest",)))
    assert watch(visit, repeated, method="POST", reconnect=True)[-1] == "closed"
    assert [seen.fields.get("last-event-id") for seen in repeated.visits] == [None, "3", "3"]


def test_every_line_end_and_cut_is_read_as_the_standard_says(visit):
    text = "\ufeffdata: a\r\ndata:b\r\revent: named\r\ndata: ä\n\n:note\nid: 9\ndata\n\n"
    text += "id: \0\nretry: x\ndata: c\n\ndata: d"
    page = visit(Site().app)
    for size in (1, 2, 3, len(text.encode())):
        pieces = [list(text.encode()[at : at + size]) for at in range(0, len(text.encode()), size)]
        # The network may join what was sent apart; here each read brings one piece.
        page.evaluate(
            """(pieces) => {
                const body = new ReadableStream({
                    pull(controller) {
                        if (pieces.length) controller.enqueue(new Uint8Array(pieces.shift()));
                        else controller.close();
                    },
                });
                const reply = new Response(body, { headers: { "content-type": "text/event-stream" } });
                window.fetch = async (path) => path == "/seen" ? undefined : reply;
            }""",
            pieces,
        )
        page.evaluate(WATCH, {"reconnect": False})
        assert page.evaluate("over") == ["open", ["a\nb", ""], ["named", "ä"], ["", "9"], ["c", "9"], "closed"]


def test_closed_by_a_listener_it_tells_nothing_more(visit):
    page = visit((site := Site(events(("one",), ("two",), ("three",), retry=20), events(("four",)))).app)
    seen = page.evaluate("""async () => {
        const { EventStream } = await import("/kito.js");
        const seen = [], stream = new EventStream("/events");
        const note = (e) => seen.push(e.data ?? e.type);
        for (const type of ["message", "close", "error"]) stream.addEventListener(type, note);
        await new Promise((resolve) => stream.addEventListener("message", () => { stream.close(); resolve(); }));
        await new Promise((resolve) => setTimeout(resolve, 100));
        return [...seen, stream.readyState];
    }""")
    assert seen == ["one", 2]
    assert len(site.visits) == 1


# === several tabs ===


class Room:
    """A site whose stream stays open: what `send` is given goes to everybody."""

    def __init__(self, count):
        self.open = []
        self.site = Site(*[self._answer] * count)

    async def _answer(self, _site, res):
        sse = res.sse(retry=20)
        self.open.append(sse)
        sse.on_close(lambda _: self.open.remove(sse))
        sse.send("welcome")
        await sse.wait_closed()

    def call(self, method, *arguments):
        """Do something to every open stream, in the thread of its loop."""
        self.site.app.state.loop.call_soon_threadsafe(
            lambda: [getattr(sse, method)(*arguments) for sse in list(self.open)]
        )


def joined(visit, room, **options):
    page = visit(room.site.app)
    page.evaluate(WATCH, {"share": True, **options})
    page.wait_for_function("stream.readyState == 1")
    return page


def has(page, *entry):
    page.wait_for_function("(entry) => log.some((logged) => JSON.stringify(logged) == entry)", arg=entry_json(entry))


def entry_json(entry):
    return json.dumps(list(entry), separators=(",", ":"))


def test_tabs_share_one_connection_and_take_it_over(visit):
    room = Room(2)
    first, second = joined(visit, room), joined(visit, room)
    third = joined(visit, room)
    assert len(room.open) == len(room.site.visits) == 1
    room.call("send", "to all", None, 5)
    for page in (first, second, third):
        has(page, "to all", "5")
    first.close()
    assert room.site.wait_for(2)[1].fields["last-event-id"] == "5"  # whoever leads now knows what was seen
    room.call("send", "after", None, 6)
    for page in (second, third):
        has(page, "after", "6")
    assert len(room.open) == 1
    room.call("close")  # the next answer is 204: the end, for all
    for page in (second, third):
        assert page.evaluate("over")[-1] == "closed"
        assert page.evaluate("stream.readyState") == 2
    assert len(room.site.visits) == 3


def test_a_tab_that_closes_its_stream_leaves_it_to_the_others(visit):
    room = Room(3)
    first, second = joined(visit, room), joined(visit, room)
    first.evaluate("stream.close()")
    room.site.wait_for(2)
    wait_until(lambda: len(room.open) == 1, f"{len(room.open)} streams are open")
    room.call("send", "still here")
    has(second, "still here", "")
    assert first.evaluate("[stream.readyState, log.length]") == [2, 2]  # "open" and "welcome", nothing since
    second.evaluate("stream.close()")
    wait_until(lambda: not room.open, "a stream is open")


def test_names_keep_streams_apart(visit):
    room = Room(2)
    joined(visit, room, share="one")
    joined(visit, room, share="two")
    assert len(room.site.visits) == 2

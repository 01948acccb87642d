"""Node: its own fetch, and the package eventsource."""

from kito.testing import TestClient
from tests.clients.node import run_node
from tests.clients.visits import Site, broken, events


def test_eventsource_comes_back_with_the_last_id_and_stops_at_204():
    site = Site(
        events(("one", None, 1), ("two\nlines", None, 2), ("three", "named"), retry=20),
        broken(("four", None, 5), retry=20),
    )
    with TestClient(site.app) as client:
        seen = run_node("watch.js", client.origin)
    first = ["open", ["one", "1"], ["two\nlines", "2"], ["named", "three"], 0]
    assert seen == [*first, "open", ["four", "5"], 0, 2]
    assert [visit.fields.get("last-event-id") for visit in site.visits] == [None, "2", "5"]


def test_fetch_gets_each_write_and_sees_a_cut():
    async def pieces(site, res, *, whole):
        stream = res.type("text").stream()
        for piece in ("one", "two", "three"):
            site.seen.clear()
            stream.write(piece)
            await site.seen.wait()  # the program has got it before there is more
        if whole:
            stream.end()
        else:
            stream.abort()

    site = Site(lambda *given: pieces(*given, whole=True), lambda *given: pieces(*given, whole=False))
    with TestClient(site.app) as client:
        assert run_node("read.js", f"{client.origin}/events") == ["one", "two", "three"]
        assert run_node("read.js", f"{client.origin}/events") == ["one", "two", "three", "TypeError"]
    assert [visit.body for visit in site.visits] == [b"question"] * 2

"""What the core keeps from one request for the next: it is seen by nobody, and changes no answer."""

import gc
import sys

import pytest

from .answers import read_answer
from .rig import serving

HOST = b"host: x\r\n"
FIELDS = 40
HEADS = 50


def ask(peer, path, *fields, method="GET"):
    head = f"{method} {path} HTTP/1.1\r\nhost: x\r\n" + "".join(f"{field}\r\n" for field in fields)
    return read_answer(peer.send(head.encode() + b"\r\n"), method)


def use_everything(res):
    """All that a handler can set on a response that it does not keep."""
    res.status(201).header("x-one", "1").type("text/html").cookie("a", "b").append("vary", "x")
    res.header("content-length", "3").header("date", "now").header("connection", "close")
    res.on_head(lambda res: res.header("x-two", "2"))
    res.on_finish(lambda end: None)
    res.end() if res.head_only else res.send("abc")


def test_a_response_leaves_nothing_to_the_next(app):
    app.get("/all", use_everything)
    app.get("/none", lambda res: res.text("plain"))
    with serving(app) as rig:
        fresh = ask(rig.connect(), "/none")
        assert ask(rig.connect(), "/all").status == 201
        again = ask(rig.connect(), "/none")
    assert again == fresh
    assert [name for name, _ in again.fields] == [b"content-type", b"content-length", b"date"]


def test_a_response_that_is_kept_stays_its_own(app, peer):
    kept = []

    @app.get("/:name")
    def handler(res, name):
        res.header("x-name", name)
        kept.append(res)
        res.text(name)

    assert [ask(peer, f"/{name}").body for name in "abc"] == [b"a", b"b", b"c"]
    assert len(set(map(id, kept))) == 3
    assert [res.get("x-name") for res in kept] == ["a", "b", "c"]


def test_a_response_that_is_over_cannot_be_used_through_a_writer(app, peer):
    app.get("/stream", lambda res: res.stream().end("whole"))
    app.get("/plain", lambda res: res.text("plain"))
    assert ask(peer, "/stream").body == b"whole"
    assert ask(peer, "/plain").body == b"plain"


def test_a_path_that_was_asked_for_is_another_for_another_method(app, peer):
    app.get("/a", lambda res: res.text("got"))
    app.post("/a", lambda res: res.text("posted"))
    for _ in range(3):
        assert ask(peer, "/a").body == b"got"
        assert ask(peer, "/a", "content-length: 0", method="POST").body == b"posted"
        assert ask(peer, "/a", method="HEAD").body == b""
        assert ask(peer, "/a", method="PUT").status == 405


def test_what_changes_later_changes_for_paths_that_were_asked_for(app, peer):
    @app.get("/a")
    def handler(res):
        res.text("answered")

    for _ in range(3):
        assert ask(peer, "/a").get(b"x-seen") is None

    @app.use
    def seen(ctx, next):
        ctx.res.header("x-seen", "yes")
        return next()

    for _ in range(3):
        assert ask(peer, "/a").get(b"x-seen") == b"yes"


def test_many_paths_do_not_disturb_each_other(app, peer):
    paths = [f"/{number}" for number in range(500)] + [f"/{letter}/{letter * 20}" for letter in "abcdef"]
    for path in paths:
        app.get(path, lambda res, path=path: res.text(path))
    for _ in range(2):
        for path in paths:
            assert ask(peer, path).body == path.encode()
            assert ask(peer, f"{path}?a=1").body == path.encode()


@pytest.mark.parametrize("bad", ["x y", "a,b", "[::1", "a:1:2", "a:65536", "a:99999", "a:123456"])
def test_a_good_host_says_nothing_of_the_next(app, peer, bad):
    app.get("/", lambda res: res.text("good"))
    for host, status in (("a" * len(bad), 200), ("b" * len(bad), 200), (bad, 400)):
        assert read_answer(peer.send(f"GET / HTTP/1.1\r\nhost: {host}\r\n\r\n".encode())).status == status


@pytest.mark.parametrize("place", range(1, 26))
@pytest.mark.parametrize("byte", [b"#", b"\x80", b"\xff"])
def test_a_byte_that_no_path_has_is_found_at_every_place(app, peer, place, byte):
    app.get("/*rest", lambda res: res.text("served"))
    target = bytearray(b"/" + b"a" * 25)
    assert read_answer(peer.send(b"GET " + target + b" HTTP/1.1\r\n" + HOST + b"\r\n")).body == b"served"
    target[place : place + 1] = byte
    assert read_answer(peer.send(b"GET " + target + b" HTTP/1.1\r\n" + HOST + b"\r\n")).status == 400


def test_fields_that_arrive_piece_by_piece_are_whole(app, peer):
    app.get("/", lambda req, res: res.json(list(req.headers.items())))
    fields = b"".join(b"x-%d: %d\r\n" % (number, number) for number in range(60))
    for piece in (b"GET / HTTP/1.1\r\n" + HOST, fields[:100], fields[100:101], fields[101:]):
        assert peer.send(piece) == b""
    answer = read_answer(peer.send(b"\r\n"))
    assert answer.body.count(b'"x-') == 60


def test_what_a_broken_head_had_brought_is_let_go(rig):
    """The fields of a head that never became whole are nobody's."""

    def broken():
        peer = rig.connect()
        peer.send(b"GET / HTTP/1.1\r\n" + b"".join(b"x-%d: 1\r\n" % number for number in range(FIELDS)))
        assert read_answer(peer.send(b"broken\r\n\r\n")).status == 400
        peer.leave()

    blocks = []
    for _ in range(3):
        for _ in range(HEADS):
            broken()
        gc.collect()
        blocks.append(sys.getallocatedblocks())
    assert blocks[2] - blocks[1] < HEADS * FIELDS / 2

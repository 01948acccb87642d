"""Heads of responses, byte for byte, against an oracle in a few lines of Python."""

import datetime
import re
import time
from http import HTTPStatus
from itertools import product

import pytest

from .answers import read_answer
from .rig import serving

# RFC 9110 section 15, where Python's names are older
NEWER = {413: b"Content Too Large", 414: b"URI Too Long", 416: b"Range Not Satisfiable", 422: b"Unprocessable Content"}
PHRASES = {int(status): status.phrase.encode() for status in HTTPStatus} | NEWER
TYPE = (b"content-type", b"application/octet-stream")
BODY = b"12345"

# The request line's version and its Connection field, and whether the connection may be kept.
CLIENTS = {
    "1.1": (1, b"", True),
    "1.1 close": (1, b"connection: close\r\n", False),
    "1.0": (0, b"", False),
    "1.0 keep-alive": (0, b"connection: keep-alive\r\n", True),
}
FIELDS = {
    "none": [],
    "two": [(b"x-one", b"1"), (b"x-two", b"2")],
    "date": [(b"date", b"Thu, 01 Jan 1970 00:00:00 GMT")],
    "close": [(b"connection", b"close")],
    "length": [(b"content-length", b"5")],
}


def oracle(status, fields, streamed, minor, keep, head, date):
    """The bytes of an answer with BODY, and whether it is the connection's last (RFC 9112 sections 6, 7 and 9)."""
    names = [name for name, _ in fields]
    bodiless = status in (204, 304)
    framed = bodiless or not streamed or minor == 1 or b"content-length" in names
    close = not keep or b"connection" in names or not framed
    lines = [*fields, TYPE]
    chunked = False
    if not bodiless and b"content-length" not in names:
        chunked = streamed and minor == 1
        if chunked:
            lines.append((b"transfer-encoding", b"chunked"))
        elif not streamed:
            lines.append((b"content-length", b"%d" % len(BODY)))
    if close and b"connection" not in names:
        lines.append((b"connection", b"close"))
    if not close and minor == 0:
        lines.append((b"connection", b"keep-alive"))
    if b"date" not in names:
        lines.append((b"date", date.encode()))
    text = b"HTTP/1.1 %d %s\r\n" % (status, PHRASES.get(status, b""))
    text += b"".join(b"%s: %s\r\n" % line for line in lines) + b"\r\n"
    if not bodiless and not head:
        text += b"5\r\n%s\r\n0\r\n\r\n" % BODY if chunked else BODY
    return text, close


@pytest.fixture
def answer(app):
    """Register `/`, which answers as its attributes say; returns it."""

    class Answer:
        def __call__(self, res):
            res.status(self.status)
            for name, value in self.fields:
                res.header(name, value)
            if self.streamed:
                res.stream().end(BODY)
            else:
                res.send(BODY)

        status, fields, streamed = 200, (), False

    handler = Answer()
    app.get("/", handler.__call__)
    return handler


def check(rig, answer, client, method):
    minor, field, keep = CLIENTS[client]
    peer = rig.connect()
    got = peer.send(b"%s / HTTP/1.%d\r\nhost: x\r\n%s\r\n" % (method, minor, field))
    expected, close = oracle(
        answer.status, answer.fields, answer.streamed, minor, keep, method == b"HEAD", rig.state.clock.date
    )
    assert got == expected, (client, method, answer.__dict__)
    assert peer.end == ("fin" if close else None), (client, method, answer.__dict__)
    peer.leave()


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
@pytest.mark.parametrize("client", CLIENTS)
def test_heads(rig, answer, client, method):
    for status, fields, answer.streamed in product((200, 304, 404, 204), FIELDS, (False, True)):
        if status == 204 and fields == "length":
            continue  # has a test of its own
        answer.status, answer.fields = status, FIELDS[fields]
        check(rig, answer, client, method)


def test_every_status_has_its_line(rig, answer):
    for answer.status in range(200, 600):
        check(rig, answer, "1.1", b"GET")


def test_an_answer_without_a_body_says_that_it_has_none(app, peer):
    app.get("/", lambda res: res.end())
    answer = read_answer(peer.send(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"))
    assert answer.get(b"content-length") == b"0"
    assert answer.get(b"content-type") is None


def test_a_204_declares_no_length(app, peer):
    # RFC 9110 section 8.6: MUST NOT
    app.get("/", lambda res: res.status(204).header("content-length", "0").end())
    assert read_answer(peer.send(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")).get(b"content-length") is None


def test_the_answer_to_head_has_the_length_of_the_body_that_get_would_have(app, peer):
    app.get("/", lambda res: res.send("x" * 1234567))
    answer = read_answer(peer.send(b"HEAD / HTTP/1.1\r\nhost: x\r\n\r\n"), "HEAD")
    assert answer.get(b"content-length") == b"1234567"


def test_fields_are_replaced_appended_and_taken_back(app, peer):
    @app.get("/")
    def handler(res):
        res.header("A", "1").append("a", "2").append("B", "3").header("B", "4")
        res.header("C", "5").remove("c").append("content-type", "x/y")
        res.header("content-length", "9").remove("content-length").header("date", "9").remove("date")
        res.send(b"")

    answer = read_answer(peer.send(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"))
    assert [line for line in answer.fields if line[0] != b"date"] == [
        (b"a", b"1"),
        (b"a", b"2"),
        (b"b", b"4"),
        (b"content-type", b"x/y"),
        (b"content-length", b"0"),
    ]
    assert len(answer.get(b"date")) == 29


def test_the_date_is_now_in_the_format_of_the_rfc(app):
    before = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    with serving(app) as rig:
        text = rig.state.clock.date
    # RFC 9110 section 5.6.7: IMF-fixdate
    assert re.fullmatch(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", text)
    date = datetime.datetime.strptime(text, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=datetime.UTC)
    assert before <= date <= datetime.datetime.now(datetime.UTC)


def test_a_started_clock_moves_the_date_on_every_tick(rig, monkeypatch):
    clock = rig.state.clock
    clock.start(rig.loop)
    monkeypatch.setattr(time, "gmtime", lambda: time.struct_time((2031, 2, 3, 4, 5, 6, 0, 34, 0)))
    assert "2031" not in clock.date
    rig.sleep(1.0)
    assert clock.date == "Mon, 03 Feb 2031 04:05:06 GMT"
    assert clock.tick == 1
    rig.sleep(1.0)
    assert clock.tick == 2
    clock.stop()
    rig.sleep(5.0)
    assert clock.tick == 2

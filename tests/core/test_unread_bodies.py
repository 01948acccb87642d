"""Streamed bodies that nobody reads or has asked for yet, and the fields behind a body."""

import pytest

from kito import Limits
from kito.errors import (
    ResponseEnded,
)

from .answers import read_answer, read_answers
from .rig import serving
from .uploads import CHUNKED, CONTINUE, GET, HEAD, LIMITS, TIMEOUTS, chunk, declared


@pytest.fixture
def bounds():
    return LIMITS, TIMEOUTS


# === a body that nobody reads ===


@pytest.fixture
def unread(app):
    app.post("/", lambda: "no, thanks", stream_body=True)
    app.get("/get", lambda: "got")


def test_what_is_left_is_read_to_keep_the_connection(unread, rig, peer):
    answer = read_answer(peer.send(declared(500), b"x" * 100))
    assert (answer.body, answer.get(b"connection")) == (b"no, thanks", None)
    assert read_answer(peer.send(b"x" * 399, b"x" + GET)).body == b"got"
    assert [answer.body for answer in read_answers(peer.send(declared(500) + b"x" * 500 + GET))] == [
        b"no, thanks",
        b"got",
    ]


def test_more_than_that_closes_in_stages(unread, rig, peer):
    answer = read_answer(peer.send(declared(501)))
    assert (answer.body, answer.get(b"connection")) == (b"no, thanks", b"close")
    assert peer.end == "fin"
    assert not peer.gone
    peer.send(b"x" * 500)
    assert not peer.gone
    peer.send(b"x")
    assert peer.gone


def test_chunks_are_counted_as_they_come(unread, rig, peer):
    assert read_answer(peer.send(CHUNKED)).get(b"connection") is None
    peer.send(chunk(b"x" * 500))
    assert peer.end is None
    peer.send(chunk(b"x"))
    assert peer.end == "fin"
    assert not peer.gone


def test_what_is_left_has_its_time_too(unread, rig):
    silent, slow = rig.connect(), rig.connect()
    for peer in (silent, slow):
        assert read_answer(peer.send(declared(500))).status == 200
    for _ in range(21):
        rig.tick()
        slow.send(b"x")
    assert silent.end == "fin"
    assert slow.end == "fin"


def test_reading_behind_the_end_of_the_response_is_an_error_of_the_handler(app, rig, peer):
    errors = []

    @app.post("/", stream_body=True)
    async def handler(req, res):
        res.send("early")
        try:
            await req.read()
        except ResponseEnded as error:
            errors.append(error)

    assert read_answer(peer.send(declared(3))).body == b"early"
    assert len(errors) == 1
    assert read_answer(peer.send(b"abc" + declared(3))).body == b"early"


# === Expect: 100-continue ===

EXPECTING = HEAD + b"expect: 100-continue\r\ncontent-length: 3\r\n\r\n"


def test_a_body_is_asked_for_when_it_is_wanted(consumer, rig, peer):
    assert peer.send(EXPECTING) == b""
    rig.tick(40)  # it is us who keep it from sending
    consumer.go(rig, 10)
    assert peer.take() == CONTINUE
    rig.tick(4)
    assert read_answer(peer.send(b"abc")).body == b"read"


def test_a_client_that_does_not_wait_is_not_told(consumer, rig, peer):
    peer.send(EXPECTING + b"abc")
    consumer.go(rig, 10)
    assert read_answer(peer.take()).body == b"read"


def test_a_body_that_nobody_asked_for_ends_the_connection(unread, rig, peer):
    answer = read_answer(peer.send(EXPECTING))
    assert (answer.body, answer.get(b"connection")) == (b"no, thanks", b"close")
    assert peer.end == "fin"


def test_an_answer_that_begins_before_its_body_asks_for_that_first(app, rig, peer):
    @app.post("/", stream_body=True)
    async def echo(req, res):
        async with res.stream() as stream:
            async for piece in req.stream():
                await stream.write(piece)

    answer, rest = peer.send(EXPECTING), peer.send(b"abc")
    assert answer.startswith(CONTINUE)
    assert read_answer(answer[len(CONTINUE) :] + rest).chunks == [b"abc"]


# === trailers ===


def test_trailers_are_there_behind_the_body(consumer, rig, peer):
    consumer.go(rig, 10)
    dropped = b"Host: evil\r\ncontent-type: x/y\r\nauthorization: x\r\nx-forwarded-for: y\r\n"
    fields = b"x-sum: 42 \r\n" + dropped + b"Content-Digest: z\r\n"
    assert read_answer(peer.send(CHUNKED, chunk(b"abc") + b"0\r\n" + fields + b"\r\n")).status == 200
    assert consumer.trailers == {"x-sum": "42", "content-digest": "z"}


def test_trailers_of_a_body_that_is_buffered(app, rig, peer):
    app.post("/", lambda req: [req.headers.get("x"), req.trailers.get("x"), len(req.trailers)])
    assert read_answer(peer.send(CHUNKED + b"0\r\nx: 1\r\n\r\n")).body == b'[null,"1",1]'
    assert read_answer(peer.send(declared(0))).body == b"[null,null,0]"


@pytest.mark.parametrize(("count", "status"), [(5, 200), (6, 431)])
def test_the_number_of_trailers_is_bounded(app, count, status):
    app.post("/", lambda: "x")
    with serving(app, Limits(header_count=5)) as rig:
        peer = rig.connect()
        assert read_answer(peer.send(CHUNKED + b"0\r\n" + b"x: 1\r\n" * count + b"\r\n")).status == status

"""What a refused client is told, and the log: what was wrong and where, the peer's address, never its bytes."""

import json
import logging
import random

import pytest

from kito import Limits
from kito.app import App

from .answers import read_answers
from .rig import serving

HOST = b"host: x\r\n"
POST = b"POST / HTTP/1.1\r\n" + HOST
CHUNKED = b"transfer-encoding: chunked\r\n"
ADDRESS = "('192.0.2.1', 50000)"  # of the client, as the transport tells it

REFUSED = {
    POST + b"content-length: 1\r\ncontent-length: 1\r\n\r\n": (400, "two Content-Length fields"),
    POST + b"content-length: 1\r\n" + CHUNKED + b"\r\n": (400, "Transfer-Encoding behind a Content-Length"),
    POST + CHUNKED + b"content-length: 1\r\n\r\n": (400, "Content-Length behind a Transfer-Encoding"),
    POST + b"content-length: +1\r\n\r\n": (400, "Invalid character in Content-Length"),
    POST + HOST + b"\r\n": (400, "two Host fields"),
    b"GET / HTTP/1.1\r\n\r\n": (400, "the Host field is missing"),
    b"GET / HTTP/1.1\r\nhost: a b\r\n\r\n": (400, "the host is not a name or an address with an optional port"),
    b"GET ftp://x/ HTTP/1.1\r\n" + HOST + b"\r\n": (400, "the request target is neither a path nor an http URL"),
    POST + b"transfer-encoding: gzip\r\n\r\n": (400, "the last Transfer-Encoding, and only that, must be 'chunked'"),
    POST + CHUNKED + b"\r\n0\r\nconnection: close\r\n\r\n": (400, "the field connection in a trailer section"),
    POST + CHUNKED + b"\r\nzz\r\n": (400, "Invalid character in chunk size"),
    POST + b"content-length: 101\r\n\r\n": (413, "the body has 101 bytes, more than the 100 that are read"),
    b"GET /" + b"a" * 300 + b" HTTP/1.1\r\n" + HOST + b"\r\n": (414, "the request target is longer than 200 bytes"),
    POST + b"x: %s\r\n\r\n" % (b"a" * 500): (431, "the head of the request is larger than 400 bytes"),
    b"\x16\x03\x01\x02\x00\r\n\r\n": (400, "the request does not begin with a method"),
    b"GET / HTTP/3.0\r\n\r\n": (505, "the HTTP version of the request is not served: use HTTP/1.1"),
}
LIMITS = Limits(url_size=200, head_size=400, body_size=100)


@pytest.fixture
def app():
    app = App()
    app.post("/", lambda: "x")
    return app


@pytest.mark.parametrize(("request_", "status", "text"), [(key, *value) for key, value in REFUSED.items()])
def test_a_refusal_says_what_was_wrong_and_the_log_to_whom(app, caplog, request_, status, text):
    caplog.set_level(logging.DEBUG, "kito")
    with serving(app, LIMITS) as rig:
        (answer,) = read_answers(rig.connect().send(request_))
    assert answer.status == status
    assert text in json.loads(answer.body)["message"]
    (record,) = [record for record in caplog.records if record.name == "kito"]
    assert record.levelno == logging.DEBUG
    assert record.getMessage().startswith(f"{ADDRESS}: {status}: ")
    assert text in record.getMessage()


def test_a_streamed_body_that_goes_wrong_is_logged_in_the_same_way(caplog):
    app = App()

    @app.post("/", stream_body=True)
    async def handler(req):
        return await req.read()

    caplog.set_level(logging.DEBUG, "kito")
    with serving(app, LIMITS) as rig:
        (answer,) = read_answers(rig.connect().send(POST + CHUNKED + b"\r\nzz\r\n"))
    assert answer.status == 400
    (record,) = [record for record in caplog.records if record.name == "kito"]
    assert record.getMessage() == f"{ADDRESS}: the request is not HTTP/1.1: Invalid character in chunk size"


def test_no_byte_of_a_client_is_repeated_as_it_was(app, caplog):
    caplog.set_level(logging.DEBUG, "kito")
    chance = random.Random(20)
    seeds = [*REFUSED, b"GET /\x1b[31m HTTP/1.1\r\n" + HOST + b"\r\n", POST + b"x\x1b[2J: 1\r\n\r\n"]
    with serving(app, LIMITS) as rig:
        for _ in range(400):
            data = bytearray(chance.choice(seeds))
            for _ in range(chance.randrange(1, 4)):
                data[chance.randrange(len(data))] = chance.choice(b"\x00\x07\x1b\x7f\x80\x9b\xff\r\n")
            for answer in read_answers(rig.connect().send(bytes(data))):
                assert answer.body.isascii()
                assert answer.body.decode().isprintable()
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) > 100
    assert [message for message in messages if not (message.isascii() and message.isprintable())] == []

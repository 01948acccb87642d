"""What a request may look like: who is served, who is refused with which status, and who is misunderstood by nobody."""

import pytest

from .answers import read_answer, read_answers

HOST = b"host: x\r\n"
CHUNKED = b"transfer-encoding: chunked\r\n"
UPGRADE = b"upgrade: x\r\nconnection: upgrade\r\n"


@pytest.fixture
def echo(app):
    """An app that says what it understood: method, target and body."""

    @app.all("/")
    @app.all("/*rest")
    def handler(req, res):
        res.send(f"{req.method} {req.url} {req.body!r}")

    return app


def status_of(peer, request):
    answer = read_answer(peer.send(request))
    if answer.status != 200:
        assert answer.get(b"content-type") == b"application/json"
        assert answer.get(b"connection") == b"close"
        assert peer.end == "fin"
    return answer.status


SERVED = {
    "plain": b"GET / HTTP/1.1\r\n" + HOST + b"\r\n",
    "empty lines before": b"\r\n\r\nGET / HTTP/1.1\r\n" + HOST + b"\r\n",
    "absolute form": b"GET http://x/ HTTP/1.1\r\n" + HOST + b"\r\n",
    "name in capitals": b"GET / HTTP/1.1\r\nHOST: x\r\n\r\n",
    "no space": b"GET / HTTP/1.1\r\nhost:x\r\n\r\n",
    "spaces around": b"GET / HTTP/1.1\r\nhost: \t x \t \r\n\r\n",
    "empty host": b"GET / HTTP/1.1\r\nhost:\r\n\r\n",
    "port": b"GET / HTTP/1.1\r\nhost: example.org:8080\r\n\r\n",
    "IPv6": b"GET / HTTP/1.1\r\nhost: [::1]:8080\r\n\r\n",
    "encoded host": b"GET / HTTP/1.1\r\nhost: a%20b\r\n\r\n",
    "1.0 without host": b"GET / HTTP/1.0\r\n\r\n",
    "1.0 with host": b"GET / HTTP/1.0\r\n" + HOST + b"\r\n",
    "latin-1 value": b"GET / HTTP/1.1\r\n" + HOST + b"x: \xe4\xff\r\n\r\n",
    "odd token": b"GET / HTTP/1.1\r\n" + HOST + b"!#$%&'*+-.^_`|~09az: 1\r\n\r\n",
    "empty value": b"GET / HTTP/1.1\r\n" + HOST + b"x:\r\n\r\n",
    "zero length": b"GET / HTTP/1.1\r\n" + HOST + b"content-length: 0\r\n\r\n",
    "leading zeros": b"POST / HTTP/1.1\r\n" + HOST + b"content-length: 0005\r\n\r\nabcde",
    "body of GET": b"GET / HTTP/1.1\r\n" + HOST + b"content-length: 5\r\n\r\nabcde",
    "chunked": b"POST / HTTP/1.1\r\n" + HOST + CHUNKED + b"\r\n3\r\nabc\r\n02\r\nde\r\n0\r\n\r\n",
    "chunked in capitals": b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: ChUnKeD\r\n\r\n0\r\n\r\n",
    "trailers": b"POST / HTTP/1.1\r\n" + HOST + CHUNKED + b"\r\n0\r\nx: 1\r\nhost: y\r\n\r\n",
    "unknown expectation": b"GET / HTTP/1.1\r\n" + HOST + b"expect: the unexpected\r\n\r\n",
    "upgrade": b"GET / HTTP/1.1\r\n" + HOST + b"upgrade: h2c\r\nconnection: upgrade\r\n\r\n",
    "websocket": b"GET / HTTP/1.1\r\n" + HOST + b"upgrade: websocket\r\nconnection: keep-alive, Upgrade\r\n\r\n",
    "upgrade and a body": b"POST / HTTP/1.1\r\n" + HOST + UPGRADE + b"content-length: 1\r\n\r\na",
    "upgrade and chunks": b"POST / HTTP/1.1\r\n" + HOST + UPGRADE + CHUNKED + b"\r\n1\r\na\r\n0\r\nx: 1\r\n\r\n",
    "keep-alive field": b"GET / HTTP/1.1\r\n" + HOST + b"connection: keep-alive\r\nkeep-alive: timeout=5\r\n\r\n",
}

REFUSED = {
    # the request line
    "no version": (b"GET /\r\n\r\n", 400),
    "0.9": (b"GET / HTTP/0.9\r\n" + HOST + b"\r\n", 400),
    "1.2": (b"GET / HTTP/1.2\r\n" + HOST + b"\r\n", 505),
    "2.0": (b"GET / HTTP/2.0\r\n" + HOST + b"\r\n", 505),
    "2.0 keep-alive": (b"GET / HTTP/2.0\r\n" + HOST + b"connection: keep-alive\r\n\r\n", 505),
    "3.0": (b"GET / HTTP/3.0\r\n" + HOST + b"\r\n", 505),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400, 505)),
    "other protocol": (b"GET / ICE/1.0\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", (400, 501)),
    "unknown method": (b"HELLO / HTTP/1.1\r\n" + HOST + b"\r\n", 501),
    "small letters": (b"get / HTTP/1.1\r\n" + HOST + b"\r\n", 501),
    "CONNECT": (b"CONNECT x:443 HTTP/1.1\r\n" + HOST + b"\r\n", 501),
    "no target": (b"GET  HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "space in target": (b"GET /a b HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "bare LF": (b"GET / HTTP/1.1\nhost: x\n\n", 400),
    "control in target": (b"GET /\x01 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    # Host (RFC 9112 section 3.2)
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "two hosts": (b"GET / HTTP/1.1\r\n" + HOST + HOST + b"\r\n", 400),
    "two hosts in 1.0": (b"GET / HTTP/1.0\r\n" + HOST + HOST + b"\r\n", 400),
    "space in host": (b"GET / HTTP/1.1\r\nhost: a b\r\n\r\n", 400),
    "slash in host": (b"GET / HTTP/1.1\r\nhost: a/b\r\n\r\n", 400),
    "user in host": (b"GET / HTTP/1.1\r\nhost: me@a\r\n\r\n", 400),
    "list of hosts": (b"GET / HTTP/1.1\r\nhost: a, b\r\n\r\n", 400),
    "high byte in host": (b"GET / HTTP/1.1\r\nhost: \xe4\r\n\r\n", 400),
    # fields
    "space before colon": (b"GET / HTTP/1.1\r\nhost : x\r\n\r\n", 400),
    "folded": (b"GET / HTTP/1.1\r\n" + HOST + b"x: 1\r\n 2\r\n\r\n", 400),
    "no colon": (b"GET / HTTP/1.1\r\n" + HOST + b"x\r\n\r\n", 400),
    "no name": (b"GET / HTTP/1.1\r\n" + HOST + b": 1\r\n\r\n", 400),
    "NUL in value": (b"GET / HTTP/1.1\r\n" + HOST + b"x: \0\r\n\r\n", 400),
    "bare CR in value": (b"GET / HTTP/1.1\r\n" + HOST + b"x: 1\r2\r\n\r\n", 400),
    # framing (RFC 9112 sections 6 and 7)
    "length and coding": (b"POST / HTTP/1.1\r\n" + HOST + CHUNKED + b"content-length: 5\r\n\r\n0\r\n\r\n", 400),
    "coding and length": (b"POST / HTTP/1.1\r\n" + HOST + b"content-length: 5\r\n" + CHUNKED + b"\r\n0\r\n\r\n", 400),
    "two lengths": (b"POST / HTTP/1.1\r\n" + HOST + b"content-length: 5\r\ncontent-length: 6\r\n\r\n", 400),
    "the same length twice": (b"POST / HTTP/1.1\r\n" + HOST + b"content-length: 1\r\ncontent-length: 1\r\n\r\nx", 400),
    "list of lengths": (b"POST / HTTP/1.1\r\n" + HOST + b"content-length: 5, 5\r\n\r\n", 400),
    "negative length": (b"POST / HTTP/1.1\r\n" + HOST + b"content-length: -1\r\n\r\n", 400),
    "signed length": (b"POST / HTTP/1.1\r\n" + HOST + b"content-length: +5\r\n\r\n", 400),
    "empty length": (b"POST / HTTP/1.1\r\n" + HOST + b"content-length:\r\n\r\n", 400),
    "hex length": (b"POST / HTTP/1.1\r\n" + HOST + b"content-length: 0x5\r\n\r\n", 400),
    # A coding that is not known is 501 (section 6.1), a last coding other than chunked 400 (6.3): both are right
    # where a client breaks both rules.
    "gzip": (b"POST / HTTP/1.1\r\n" + HOST + b"transfer-encoding: gzip\r\n\r\n", (400, 501)),
    "gzip, chunked": (b"POST / HTTP/1.1\r\n" + HOST + b"transfer-encoding: gzip, chunked\r\n\r\n", 501),
    "chunked, gzip": (b"POST / HTTP/1.1\r\n" + HOST + b"transfer-encoding: chunked, gzip\r\n\r\n", 400),
    "identity": (b"POST / HTTP/1.1\r\n" + HOST + b"transfer-encoding: identity\r\n\r\n", (400, 501)),
    "twice chunked": (b"POST / HTTP/1.1\r\n" + HOST + CHUNKED + CHUNKED + b"\r\n0\r\n\r\n", 400),
    "xchunked": (b"POST / HTTP/1.1\r\n" + HOST + b"transfer-encoding: xchunked\r\n\r\n", (400, 501)),
    "chunked in 1.0": (b"POST / HTTP/1.0\r\n" + CHUNKED + b"\r\n0\r\n\r\n", 400),
    "chunk size of letters": (b"POST / HTTP/1.1\r\n" + HOST + CHUNKED + b"\r\nxyz\r\n", 400),
    "negative chunk": (b"POST / HTTP/1.1\r\n" + HOST + CHUNKED + b"\r\n-1\r\n", 400),
    "huge chunk": (b"POST / HTTP/1.1\r\n" + HOST + CHUNKED + b"\r\nfffffffffffffffff\r\n", 400),
    "chunk too long": (b"POST / HTTP/1.1\r\n" + HOST + CHUNKED + b"\r\n1\r\nab\r\n0\r\n\r\n", 400),
    "bare LF in chunks": (b"POST / HTTP/1.1\r\n" + HOST + CHUNKED + b"\r\n1\na\n0\n\n", 400),
}


@pytest.mark.parametrize("request_", SERVED.values(), ids=SERVED)
def test_served(echo, peer, request_):
    assert status_of(peer, request_) == 200


@pytest.mark.parametrize(("request_", "status"), REFUSED.values(), ids=REFUSED)
def test_refused(echo, peer, request_, status):
    assert status_of(peer, request_) in (status if isinstance(status, tuple) else (status,))


@pytest.mark.parametrize("request_", [case[0] for case in REFUSED.values()], ids=REFUSED)
def test_nothing_behind_a_refusal_is_served(echo, peer, request_):
    smuggled = b"GET /smuggled HTTP/1.1\r\n" + HOST + b"\r\n"
    answers = read_answers(peer.send(request_ + smuggled, smuggled))
    assert len(answers) == 1
    assert b"smuggled" not in answers[0].body


@pytest.mark.parametrize("request_", SERVED.values(), ids=SERVED)
def test_the_next_request_begins_where_this_one_ends(echo, peer, request_):
    follower = b"GET /next HTTP/1.1\r\n" + HOST + b"\r\n"
    answers = read_answers(peer.send(request_ + follower))
    if b"HTTP/1.0" in request_:
        assert len(answers) == 1  # RFC 9112 section 9.3: it did not ask to keep the connection
        assert peer.end == "fin"
    else:
        assert [answer.status for answer in answers] == [200, 200]
        assert answers[1].body == b"GET /next b''"


@pytest.mark.parametrize(
    ("request_", "understood"),
    [
        (b"POST /a?b=c HTTP/1.1\r\n" + HOST + b"content-length: 3\r\n\r\nabc", b"POST /a?b=c b'abc'"),
        (b"PUT / HTTP/1.1\r\n" + HOST + CHUNKED + b"\r\n3;x\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n", None),
        (b"DELETE /%20 HTTP/1.1\r\n" + HOST + b"\r\n", b"DELETE /%20 b''"),
        (b"PATCH http://x/y HTTP/1.1\r\n" + HOST + b"\r\n", b"PATCH /y b''"),
    ],
)
def test_what_was_sent_is_what_the_handler_sees(echo, peer, request_, understood):
    assert read_answer(peer.send(request_)).body == (understood or b"PUT / b'abc0123456789'")


def test_fields_arrive_in_order_and_trailers_do_not(app, peer):
    seen = []

    @app.post("/")
    def handler(req, res):
        seen.append(req.raw_headers)
        res.end()

    peer.send(b"POST / HTTP/1.1\r\nHost: x\r\nA: 1 \r\nb:2\t\r\na: 3\r\n" + CHUNKED + b"\r\n0\r\nc: 4\r\n\r\n")
    assert seen == [
        [(b"host", b"x"), (b"a", b"1"), (b"b", b"2"), (b"a", b"3"), (b"transfer-encoding", b"chunked")],
    ]


def test_the_version_of_a_request(app, peer):
    seen = []

    @app.get("/")
    def handler(req, res):
        seen.append(req.http_version)
        res.end()

    peer.send(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
    peer.send(b"GET / HTTP/1.1\r\n" + HOST + b"connection: keep-alive\r\n\r\n")
    peer.send(b"GET / HTTP/1.0\r\n" + HOST + b"connection: keep-alive\r\n\r\n")
    peer.send(b"GET / HTTP/1.0\r\n\r\n")
    assert seen == ["1.1", "1.1", "1.0", "1.0"]


# === who wants the connection to stay (RFC 9112 section 9.3) ===


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ((), {b"1.1"}),
        ((b"close",), set()),
        ((b"Close",), set()),
        ((b"keep-alive",), {b"1.0", b"1.1"}),
        ((b"Keep-Alive",), {b"1.0", b"1.1"}),
        ((b"closed",), {b"1.1"}),
        ((b"close, foo",), set()),
        ((b"foo ,\tclose",), set()),
        ((b"foo, keep-alive",), {b"1.0", b"1.1"}),
        ((b"keep-alive, close",), set()),
        ((b"close, keep-alive",), set()),
        ((b"keep-alive", b"close"), set()),
        ((b"close", b"keep-alive"), set()),
    ],
    ids=repr,
)
def test_who_wants_the_connection_to_stay(echo, peer, version, fields, kept):
    lines = b"".join(b"connection: %s\r\n" % value for value in fields)
    request = b"GET / HTTP/%s\r\n%s%s\r\n" % (version, HOST, lines)
    answers = read_answers(peer.send(request, request))
    assert len(answers) == (2 if version in kept else 1)
    assert peer.end == (None if version in kept else "fin")


# === Expect: 100-continue (RFC 9110 section 10.1.1) ===

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
EXPECT = b"POST / HTTP/1.1\r\n" + HOST + b"expect: 100-Continue\r\n"


@pytest.mark.parametrize(
    ("framing", "body"),
    [(b"content-length: 3\r\n", b"abc"), (CHUNKED, b"3\r\nabc\r\n0\r\n\r\n")],
    ids=["length", "chunked"],
)
def test_who_waits_for_100_is_told_to_go_on_once(echo, peer, framing, body):
    assert peer.send(EXPECT + framing + b"\r\n") == CONTINUE
    for byte in body[:-1]:
        assert peer.send(bytes([byte])) == b""
    assert read_answer(peer.send(body[-1:])).body == b"POST / b'abc'"


def test_who_has_begun_to_send_is_not_told(echo, peer):
    peer.send(EXPECT + b"content-length: 3\r\n\r\na")
    assert peer.received == b""
    assert read_answer(peer.send(b"bc")).status == 200


def test_who_sends_no_body_is_not_told(echo, peer):
    assert read_answer(peer.send(EXPECT + b"content-length: 0\r\n\r\n")).status == 200
    assert read_answer(peer.send(EXPECT + b"\r\n")).status == 200


def test_who_sends_too_much_is_refused_instead(echo, peer):
    assert read_answer(peer.send(EXPECT + b"content-length: 99999999\r\n\r\n")).status == 413


def test_an_http_1_0_client_is_not_told(echo, peer):
    peer.send(b"POST / HTTP/1.0\r\nexpect: 100-continue\r\ncontent-length: 1\r\n\r\n")
    assert peer.received == b""
    assert read_answer(peer.send(b"x")).status == 200


def test_the_100_comes_behind_the_answers_that_are_owed(echo, rig, peer):
    streams = []
    echo.get("/stream", lambda res: streams.append(res.stream()))
    peer.send(b"GET /stream HTTP/1.1\r\n" + HOST + b"\r\n" + EXPECT + b"content-length: 1\r\n\r\n")
    assert CONTINUE not in peer.take()
    rig.call(streams[0].end, b"x")
    assert peer.take() == b"1\r\nx\r\n0\r\n\r\n" + CONTINUE

"""The order of a response: head, body, end. What is out of order raises; a client sees the whole or truncation."""

import asyncio

import pytest

from kito.errors import BodyLengthMismatch, InvalidHeader, ResponseEnded, ResponseStarted

from .answers import read_answer, read_answers

REQUEST = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
HEAD = b"HEAD / HTTP/1.1\r\nhost: x\r\n\r\n"

CHANGES = {
    "status": lambda res: res.status(201),
    "header": lambda res: res.header("a", "b"),
    "append": lambda res: res.append("a", "b"),
    "remove": lambda res: res.remove("a"),
    "reset": lambda res: res.reset(),
}
ANSWERS = {
    "send": lambda res: res.send("second"),
    "text": lambda res: res.text("second"),
    "html": lambda res: res.html("second"),
    "json": lambda res: res.json(["second"]),
    "end": lambda res: res.end(),
    "stream": lambda res: res.stream(),
    "sse": lambda res: res.sse(),
}
LATE = CHANGES | ANSWERS


def keep(app):
    """Register `/`, whose response goes to the returned list while its handler waits."""
    responses = []

    @app.get("/")
    async def handler(res):
        responses.append(res)
        await asyncio.get_running_loop().create_future()

    return responses


@pytest.mark.parametrize("late", LATE.values(), ids=LATE)
def test_behind_an_answer_nothing_may_come(app, rig, peer, late):
    responses = keep(app)
    peer.send(REQUEST)
    assert not responses[0].headers_sent
    rig.call(responses[0].send, "first")
    assert responses[0].headers_sent
    with pytest.raises(ResponseEnded):
        rig.call(late, responses[0])
    assert read_answer(peer.received).body == b"first"
    assert peer.end is None


@pytest.mark.parametrize("late", LATE.values(), ids=LATE)
def test_under_an_open_stream_the_head_is_fixed(app, rig, peer, late):
    responses = keep(app)
    peer.send(REQUEST)
    stream = rig.call(responses[0].stream)
    assert responses[0].headers_sent
    with pytest.raises(ResponseStarted):
        rig.call(late, responses[0])
    rig.call(stream.write, "a")
    with pytest.raises(ResponseStarted):
        rig.call(late, responses[0])
    rig.call(stream.end, "b")
    assert read_answer(peer.received).chunks == [b"a", b"b"]


@pytest.mark.parametrize("late", LATE.values(), ids=LATE)
def test_behind_a_stream_nothing_may_come(app, rig, peer, late):
    responses = keep(app)
    peer.send(REQUEST)
    rig.call(rig.call(responses[0].stream).end, "first")
    with pytest.raises(ResponseEnded):
        rig.call(late, responses[0])
    assert read_answer(peer.received).body == b"first"


@pytest.mark.parametrize("late", LATE.values(), ids=LATE)
def test_when_the_client_has_left_an_answer_goes_nowhere(app, rig, peer, late):
    responses = keep(app)
    peer.send(REQUEST)
    peer.leave()
    rig.call(late, responses[0])
    assert peer.received == b""


@pytest.mark.parametrize("code", [-1, 0, 99, 100, 101, 199, 600, 1000])
def test_a_status_is_final(app, rig, peer, code):
    responses = keep(app)
    peer.send(REQUEST)
    with pytest.raises(ValueError, match="200 to 599"):
        rig.call(responses[0].status, code)
    rig.call(responses[0].end)
    assert read_answer(peer.received).status == 200


# === header fields that would break the message ===


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("x", bad) for bad in ("a\nb", "a\rb", "a\0b", "a\x7fb", "\x01", b"a\r\nb", "€", None, 1.5, True, ["a"])),
        *((bad, "x") for bad in ("", "a b", "a:", "a\n", "ä", "a\0", "(a)", b"a\r", None, 1)),
        ("content-length", "x"),
        ("content-length", "-1"),
        ("content-length", "1" * 30),
        ("content-length", "٣"),
        ("connection", "keep-alive"),
        ("connection", "upgrade"),
        ("transfer-encoding", "chunked"),
        ("Transfer-Encoding", "gzip"),
        ("keep-alive", "timeout=5"),
        ("upgrade", "h2c"),
        ("trailer", "x"),
    ],
    ids=repr,
)
def test_a_field_that_cannot_be_sent_is_refused(app, rig, peer, name, value):
    responses = keep(app)
    peer.send(REQUEST)
    for put in (responses[0].header, responses[0].append):
        with pytest.raises(InvalidHeader):
            rig.call(put, name, value)
    rig.call(responses[0].send, "x")
    answer = read_answer(peer.received)
    assert [field for field, _ in answer.fields] == [b"content-type", b"content-length", b"date"]


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("", b""),
        (" a ", b"a"),
        ("a\tb", b"a\tb"),
        ("ä", b"\xe4"),
        (b"\xff", b"\xff"),
        (7, b"7"),
        ("a: b, c", b"a: b, c"),
    ],
)
def test_a_field_is_sent_as_it_was_set(app, rig, peer, value, sent):
    responses = keep(app)
    peer.send(REQUEST)
    rig.call(responses[0].header, "X-Name", value)
    assert responses[0].get("x-NAME") == sent.decode("latin-1")
    rig.call(responses[0].end)
    assert read_answer(peer.received).get(b"x-name") == sent


def test_a_length_is_declared_once(app, rig, peer):
    responses = keep(app)
    peer.send(REQUEST)
    rig.call(responses[0].append, "content-length", "3")
    with pytest.raises(InvalidHeader, match="twice"):
        rig.call(responses[0].append, "content-length", "4")
    rig.call(responses[0].header, "content-length", "5")
    rig.call(responses[0].send, "12345")
    assert read_answer(peer.received).get(b"content-length") == b"5"


# === a declared content-length is kept, or the client sees that it was not ===


@pytest.mark.parametrize("body", ["", "1234", "123456"])
def test_an_answer_of_another_length_is_refused_before_the_head(app, rig, peer, body):
    responses = keep(app)
    peer.send(REQUEST)
    rig.call(responses[0].header, "content-length", "5")
    with pytest.raises(BodyLengthMismatch):
        rig.call(responses[0].send, body)
    assert peer.received == b""
    rig.call(responses[0].send, "12345")
    assert read_answer(peer.received).body == b"12345"


def test_an_answer_to_head_may_declare_what_get_would_send(app, rig, peer):
    responses = keep(app)
    peer.send(HEAD)
    rig.call(responses[0].header, "content-length", "5")
    rig.call(responses[0].end)
    assert read_answer(peer.received, "HEAD").get(b"content-length") == b"5"
    assert peer.end is None


def declare(app, rig, peer, length):
    responses = keep(app)
    peer.send(REQUEST)
    rig.call(responses[0].header, "content-length", length)
    return rig.call(responses[0].stream)


def test_a_stream_of_declared_length_is_not_chunked(app, rig, peer):
    stream = declare(app, rig, peer, 20005)
    rig.call(stream.write, "12345")
    rig.call(stream.end, b"x" * 20000)
    answer = read_answer(peer.received)
    assert answer.chunks is None
    assert answer.body == b"12345" + b"x" * 20000
    assert peer.end is None


@pytest.mark.parametrize("size", [3, 20000])
def test_a_write_beyond_the_declared_length_is_refused(app, rig, peer, size):
    stream = declare(app, rig, peer, 5)
    rig.call(stream.write, "123")
    with pytest.raises(BodyLengthMismatch, match=f"{size - 2} bytes more"):
        rig.call(stream.write, b"x" * size)
    rig.call(stream.end, "45")
    assert read_answer(peer.received).body == b"12345"
    assert peer.end is None


def test_an_end_before_the_declared_length_is_truncation(app, rig, peer):
    stream = declare(app, rig, peer, 5)
    rig.call(stream.write, "123")
    with pytest.raises(BodyLengthMismatch, match="2 bytes before"):
        rig.call(stream.end)
    answer = read_answer(peer.received)
    assert not answer.whole
    assert peer.end == "fin"
    assert peer.end == "fin"
    assert rig.state.tally.snapshot()["ends"] == {"error": 1}


@pytest.mark.parametrize("waits", [False, True])
def test_a_handler_that_returns_before_the_declared_length_is_truncation(app, rig, peer, waits):
    @app.get("/sync")
    def sync(res):
        res.header("content-length", "5").stream().write("123")

    @app.get("/async")
    async def wait(res):
        stream = res.header("content-length", "5").stream()
        await asyncio.sleep(0)
        stream.write("123")

    peer.send(b"GET /%s HTTP/1.1\r\nhost: x\r\n\r\n" % (b"async" if waits else b"sync"))
    assert not read_answer(peer.received).whole
    assert peer.end == "fin"
    assert rig.log.records
    rig.log.records.clear()


# === bodies that nobody wants ===


@pytest.mark.parametrize(("status", "method"), [(200, b"HEAD"), (204, b"GET"), (304, b"GET"), (204, b"HEAD")])
def test_a_response_without_a_body_has_a_writer_that_is_born_closed(app, rig, peer, status, method):
    ends = []

    @app.get("/")
    async def handler(res):
        stream = res.status(status).stream()
        assert stream.closed
        stream.on_close(ends.append)
        stream.write("nobody reads this")
        stream.writelines(["nor", "this"])
        stream.flush()
        stream.end("nor that")

    data = peer.send(b"%s / HTTP/1.1\r\nhost: x\r\n\r\n" % method)
    answer = read_answer(data, method.decode())
    assert answer.status == status
    assert data.endswith(b"\r\n\r\n")
    assert (answer.get(b"transfer-encoding") is None) == (status != 200)
    assert [(end.reason, end.bytes_sent) for end in ends] == [("ended", 0)]
    assert peer.end is None


def test_a_head_request_does_not_run_the_producer(app, rig, peer):
    begun = []

    async def source():
        begun.append("begun")
        yield "x"

    @app.get("/source")
    async def handler(res):
        await res.stream(source())

    app.get("/generator", source)
    requests = [b"HEAD /%s HTTP/1.1\r\nhost: x\r\n\r\n" % path for path in (b"source", b"generator")]
    answers = read_answers(peer.send(*requests), ["HEAD", "HEAD"])
    assert [answer.status for answer in answers] == [200, 200]
    assert begun == []

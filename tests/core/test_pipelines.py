"""Requests behind requests: answers keep the order, input waits its turn, and nothing overtakes anything."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kito import Limits
from kito.app import App

from .answers import read_answers
from .rig import serving

KIB = 1024  # bytes
HELD = 64 * KIB  # input that waits before reading pauses


def get(path, fields=b""):
    return b"GET %s HTTP/1.1\r\nhost: x\r\n%s\r\n" % (path.encode(), fields)


def bodies(data):
    return [answer.body.decode() for answer in read_answers(data)]


class Handlers:
    """Answers in every way there is: at once, from a task, by whom a writer was handed to, or when it is told to."""

    def __init__(self, app):
        self.streams = {}
        self.begun = []
        app.get("/sync/:n", self.sync)
        app.get("/task/:n", self.task)
        app.get("/later/:n", self.later)
        app.get("/generator/:n", self.generator)
        app.get("/held/:n", self.held)

    def sync(self, n):
        self.begun.append(n)
        return n

    async def task(self, n):
        self.begun.append(n)
        for _ in range(int(n) % 4):
            await asyncio.sleep(0)
        return n

    def later(self, res, n):
        self.begun.append(n)
        asyncio.get_running_loop().call_soon(res.stream().end, n)

    async def generator(self, n):
        self.begun.append(n)
        for character in n:
            await asyncio.sleep(0)
            yield character

    def held(self, res, n):
        self.begun.append(n)
        self.streams[n] = res.stream()


@pytest.fixture
def handlers(app):
    return Handlers(app)


kinds = st.lists(st.sampled_from(["sync", "task", "later", "generator"]), max_size=12)


@settings(max_examples=100, deadline=None)
@given(kinds, st.integers(1, 12))
def test_answers_come_in_the_order_of_the_requests(kinds, reads):
    app = App()
    handlers = Handlers(app)
    requests = [get(f"/{kind}/{number}") for number, kind in enumerate(kinds)]
    with serving(app) as rig:
        peer = rig.connect()
        for start in range(reads):  # several requests in a read, several reads in a turn
            rig.loop.call_soon(peer.transport.deliver, b"".join(requests[start::reads]))
        expected = [str(number) for start in range(reads) for number in range(len(kinds))[start::reads]]
        rig.loop.settle()
        assert bodies(peer.received) == expected
        assert handlers.begun == expected


def test_a_handler_begins_when_the_answer_before_its_own_is_whole(rig, peer, handlers):
    peer.send(get("/held/1") + get("/sync/2"), get("/held/3"), get("/sync/4"))
    for begun in (["1"], ["1", "2", "3"], ["1", "2", "3", "4"]):
        assert handlers.begun == begun
        if str(begun[-1]) in handlers.streams:
            rig.call(handlers.streams.pop(begun[-1]).end, "held")
    assert bodies(peer.received) == ["held", "2", "held", "4"]


def test_a_refusal_comes_behind_the_answers_that_are_owed(rig, peer, handlers):
    peer.send(get("/held/1") + get("/task/2") + b"NONSENSE / HTTP/1.1\r\n\r\n" + get("/sync/3"))
    assert peer.end is None
    rig.call(handlers.streams["1"].write, "a")
    rig.call(handlers.streams["1"].end, "b")
    answers = read_answers(peer.received)
    assert [answer.status for answer in answers] == [200, 200, 501]
    assert answers[0].chunks == [b"a", b"b"]
    assert handlers.begun == ["1", "2"]
    assert peer.end == "fin"


def test_nothing_is_read_behind_the_last_request(rig, peer, handlers):
    peer.send(get("/task/1", b"connection: close\r\n") + get("/sync/2"), get("/sync/3"))
    assert bodies(peer.received) == ["1"]
    assert handlers.begun == ["1"]
    assert peer.end == "fin"


def test_a_handler_that_closes_ends_the_pipeline(app, peer, handlers):
    app.get("/close", lambda res: res.header("connection", "close").send("closed"))
    peer.send(get("/close") + get("/sync/2"))
    assert bodies(peer.received) == ["closed"]
    assert handlers.begun == []
    assert peer.end == "fin"


def test_an_aborted_stream_ends_the_pipeline(rig, peer, handlers):
    peer.send(get("/held/1") + get("/sync/2"))
    rig.call(handlers.streams["1"].write, "half")
    rig.call(handlers.streams["1"].abort)
    (answer,) = read_answers(peer.received)
    assert not answer.whole
    assert handlers.begun == ["1"]
    assert peer.end == "fin"


def test_a_deep_pipeline_is_answered_without_deep_recursion(rig, peer, handlers):
    peer.send(b"".join(get(f"/sync/{number}") for number in range(5000)))
    assert bodies(peer.received) == [str(number) for number in range(5000)]
    other = rig.connect()
    other.send(get("/held/0") + b"".join(get(f"/task/{number}") for number in range(1, 1000)))
    rig.call(handlers.streams["0"].end, "0")
    assert bodies(other.received) == [str(number) for number in range(1000)]


# === input that waits ===


def test_input_that_waits_is_bounded_and_complete(rig, peer, handlers):
    filler = get("/sync/1", b"x: " + b"a" * 5000 + b"\r\n")  # so few that their number is no matter
    peer.send(get("/held/0"))
    sent = 0
    while peer.transport.reading:
        peer.send(filler)
        sent += 1
        assert sent * len(filler) <= HELD + len(filler)
    assert sent * len(filler) > HELD
    peer.send(get("/sync/2"))  # waits outside of the core
    assert handlers.begun == ["0"]
    rig.call(handlers.streams["0"].end, "0")
    assert bodies(peer.received) == ["0", *["1"] * sent, "2"]
    assert peer.transport.reading


def test_no_more_requests_wait_than_the_pipeline_may_have(rig, peer, handlers):
    peer.send(get("/held/0"))
    for sent in range(1, Limits().pipeline + 1):
        assert peer.transport.reading
        peer.send(get(f"/sync/{sent}"))
    assert not peer.transport.reading
    rig.call(handlers.streams["0"].end, "0")
    assert peer.transport.reading
    assert len(bodies(peer.received)) == 1 + Limits().pipeline


def test_reading_pauses_and_resumes_as_often_as_needed(rig, peer, handlers):
    many = b"".join(get(f"/held/{number}", b"x: " + b"a" * 30000 + b"\r\n") for number in range(6))
    for start in range(0, len(many), 20000):
        peer.send(many[start : start + 20000])
    assert not peer.transport.reading
    for number in range(6):
        assert handlers.begun[-1] == str(number)
        rig.call(handlers.streams[str(number)].end, str(number))
    assert bodies(peer.received) == [str(number) for number in range(6)]
    assert peer.transport.reading


def test_input_behind_the_last_answer_is_read_and_discarded(rig, peer, handlers):
    """Else the client could not send on, would not read the answer, or would lose it to a reset."""
    peer.send(get("/held/1", b"connection: close\r\n"), b"x" * (HELD + 1))
    assert not peer.transport.reading
    rig.call(handlers.streams["1"].end, "1")
    assert peer.transport.reading
    assert peer.end == "fin"
    assert not peer.gone
    peer.send(b"x" * HELD)
    assert bodies(peer.received) == ["1"]
    peer.send_eof()
    assert peer.gone


def test_new_input_does_not_overtake_input_that_waits(rig, peer, handlers):
    """Between the end of an answer and the turn in which the rest is read, more may arrive."""
    request = get("/sync/2")
    peer.send(get("/held/1"), request[:10])

    def end_and_deliver():
        handlers.streams["1"].end("1")
        peer.transport.deliver(request[10:] + get("/sync/3"))

    rig.call(end_and_deliver)
    assert bodies(peer.received) == ["1", "2", "3"]


def test_a_client_that_takes_no_answers_gets_no_further_ones(app, rig, peer, handlers):
    app.get("/large", lambda res: res.send(bytes(100 * KIB)))
    peer.stall()
    peer.send(get("/large"))
    for _ in range(20):
        peer.send(get("/large"))
    assert peer.transport.get_write_buffer_size() < 250 * KIB
    for _ in range(21):
        peer.read()
    assert len(read_answers(peer.received)) == 21


# === half-close: the client has sent everything (RFC 9112 section 9.6) ===


def test_a_whole_request_before_the_fin_is_answered(rig, peer, handlers):
    def request_and_fin():
        peer.transport.deliver(get("/task/3"))
        peer.transport.deliver_eof()

    rig.call(request_and_fin)
    (answer,) = read_answers(peer.received)
    assert answer.body == b"3"
    assert answer.get(b"connection") == b"close"
    assert peer.gone


def test_every_whole_request_before_the_fin_is_answered(rig, peer, handlers):
    def requests_and_fin():
        peer.transport.deliver(get("/task/1") + get("/sync/2"))
        peer.transport.deliver(get("/task/3"))
        peer.transport.deliver_eof()

    rig.call(requests_and_fin)
    assert bodies(peer.received) == ["1", "2", "3"]
    assert peer.gone


def test_a_fin_between_two_answers_drops_neither(rig, peer, handlers):
    peer.send(get("/held/1"), get("/sync/2"))

    def end_and_fin():  # before the turn in which the request that waits is read
        handlers.streams["1"].end("1")
        peer.transport.deliver_eof()

    rig.call(end_and_fin)
    assert bodies(peer.received) == ["1", "2"]
    assert peer.gone


def test_a_fin_of_a_client_that_has_answers_to_read_drops_no_request(app, rig, peer, handlers):
    app.get("/large", lambda res: res.send(bytes(100 * KIB)))
    peer.stall()
    peer.send(get("/large"), get("/sync/2"))
    peer.send_eof()
    assert not peer.gone
    peer.transport.stalled = False
    peer.read()
    assert bodies(peer.received) == ["\0" * 100 * KIB, "2"]
    assert peer.gone


@pytest.mark.parametrize("begun", [b"", b"GET", b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n123"])
def test_what_is_not_whole_before_the_fin_is_dropped(rig, peer, handlers, begun):
    peer.send(begun)
    peer.send_eof()
    assert peer.gone
    assert [answer.status for answer in read_answers(peer.received)] in ([], [400])


def test_a_fin_on_an_idle_connection_closes_it(peer, handlers):
    peer.send(get("/sync/1"))
    peer.send_eof()
    assert bodies(peer.received) == ["1"]
    assert peer.gone
    assert peer.transport.closed_by == "close"


def test_a_fin_under_an_open_stream_means_that_the_client_has_left(rig, peer, handlers):
    ends = []
    peer.send(get("/held/1"))
    handlers.streams["1"].on_close(ends.append)
    peer.send_eof()
    assert handlers.streams["1"].closed
    assert [end.reason for end in ends] == ["client_left"]
    assert peer.gone


def test_a_stream_opened_behind_a_fin_has_no_reader(rig, peer, handlers):
    def requests_and_fin():
        peer.transport.deliver(get("/task/1") + get("/held/2"))
        peer.transport.deliver_eof()

    rig.call(requests_and_fin)
    assert bodies(peer.received) == ["1"]
    assert handlers.streams["2"].closed
    assert peer.gone

"""Limits of a request: exactly at the limit it is served, one over it is refused with the right status."""

import asyncio

import pytest

from kito import Limits
from kito._core.debug import live_objects
from kito.app import App

from .answers import read_answer, read_answers
from .rig import serving

LIMITS = Limits(url_size=100, head_size=400, header_count=5, body_size=1000, trailers=50, chunk_extensions=200)
HOST = b"host: x\r\n"


def ask(request, cut, limits=LIMITS):
    """The status and body that answer `request`, sent in pieces of `cut` bytes, each in a read of its own."""
    app = App()
    app.post("/", lambda req, res: res.send(req.body))
    app.get("/", lambda res: res.send("x"))
    app.get("/*rest", lambda res: res.send("x"))
    with serving(app, limits) as rig:
        peer = rig.connect()
        for start in range(0, len(request), cut):
            peer.send(request[start : start + cut])
        answer = read_answer(peer.received)
        assert (answer.status == 200) == (peer.end is None)
        return answer.status


cuts = pytest.mark.parametrize("cut", [1, 2, 7, 64, 100000])


@cuts
@pytest.mark.parametrize(("over", "status"), [(0, 200), (1, 414), (2, 414), (200, 414)])
def test_url_size(cut, over, status):
    target = b"/" + b"a" * (LIMITS.url_size - 1 + over)
    assert ask(b"GET %s HTTP/1.1\r\n%s\r\n" % (target, HOST), cut) == status


@cuts
def test_the_query_counts_as_url(cut):
    target = b"/?" + b"a" * (LIMITS.url_size - 2)
    assert ask(b"GET %s HTTP/1.1\r\n%s\r\n" % (target, HOST), cut) == 200
    assert ask(b"GET %sa HTTP/1.1\r\n%s\r\n" % (target, HOST), cut) == 414


def head_of(size):
    """A head whose request line and fields have `size` bytes together."""
    start = b"GET / HTTP/1.1\r\n" + HOST + b"x-fill: "
    return start + b"a" * (size - len(start) - 2) + b"\r\n\r\n"


@cuts
@pytest.mark.parametrize(("over", "status"), [(0, 200), (1, 431), (2, 431), (500, 431)])
def test_head_size(cut, over, status):
    assert ask(head_of(LIMITS.head_size + over), cut) == status


@cuts
def test_a_head_that_never_ends_is_refused_while_it_arrives(cut):
    # What is parsed at once, 4 KiB, is not counted until more comes.
    for head in (head_of(9000)[:-4], b"GET / HTTP/1.1\r\n" + HOST + b"a" * 9000):
        assert ask(head, cut) == 431


@cuts
@pytest.mark.parametrize(("over", "status"), [(0, 200), (1, 431), (10, 431)])
def test_header_count(cut, over, status):
    fields = b"a: 1\r\n" * (LIMITS.header_count - 1 + over)
    assert ask(b"GET / HTTP/1.1\r\n%s%s\r\n" % (HOST, fields), cut) == status


@cuts
@pytest.mark.parametrize(("over", "status"), [(0, 200), (1, 413), (10**12, 413)])
def test_body_size_declared(cut, over, status):
    size = LIMITS.body_size + over
    request = b"POST / HTTP/1.1\r\n%scontent-length: %d\r\n\r\n" % (HOST, size)
    assert ask(request + b"x" * min(size, 2000), cut) == status


@cuts
@pytest.mark.parametrize(("sizes", "status"), [([1000], 200), ([1] * 1000, 200), ([999, 2], 413), ([1001], 413)])
def test_body_size_chunked(cut, sizes, status):
    request = b"POST / HTTP/1.1\r\n%stransfer-encoding: chunked\r\n\r\n" % HOST
    request += b"".join(b"%x\r\n%s\r\n" % (size, b"x" * size) for size in sizes) + b"0\r\n\r\n"
    assert ask(request, cut) == status


@pytest.mark.parametrize("length", [2**31, 2**32, 2**63 - 1, 2**63, 2**64 - 1])
def test_a_declared_length_of_any_size_is_refused_at_once(length):
    assert ask(b"POST / HTTP/1.1\r\n%scontent-length: %d\r\n\r\n" % (HOST, length), 1000) == 413


@pytest.mark.parametrize("length", [2**64, 10**30, 10**300])
def test_a_declared_length_beyond_64_bits_is_no_number(length):
    assert ask(b"POST / HTTP/1.1\r\n%scontent-length: %d\r\n\r\n" % (HOST, length), 1000) in (400, 413, 431)


@cuts
def test_no_body_at_all_may_be_the_limit(cut):
    limits = Limits(body_size=0)
    post = b"POST / HTTP/1.1\r\n" + HOST
    assert ask(post + b"content-length: 0\r\n\r\n", cut, limits) == 200
    assert ask(post + b"content-length: 1\r\n\r\nx", cut, limits) == 413
    assert ask(post + b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n", cut, limits) == 200
    assert ask(post + b"transfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", cut, limits) == 413


@cuts
@pytest.mark.parametrize(("over", "status"), [(0, 200), (1, 431), (100, 431)])
def test_trailers(cut, over, status):
    field = b"x-trailer: " + b"a" * (LIMITS.trailers - len(b"x-trailer: \r\n") + over)
    request = b"POST / HTTP/1.1\r\n%stransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n%s\r\n\r\n" % (HOST, field)
    assert ask(request, cut) == status


@pytest.mark.parametrize("cut", [1, 64, 4096, 65536])
@pytest.mark.parametrize(
    "endless",
    [b"0\r\nx-trailer: %s", b"0\r\n%s", b"1;%s", b"1;x=%s", b'1;x="%s', b"0;%s"],
    ids=["trailer", "trailer name", "extension name", "extension value", "quoted extension", "last extension"],
)
def test_framing_that_never_ends_is_refused_while_it_arrives(cut, endless):
    request = b"POST / HTTP/1.1\r\n%stransfer-encoding: chunked\r\n\r\n" % HOST
    size = 8192 + 2 * cut  # bytes; what is parsed at once, and a read, are not counted
    assert ask(request + endless % (b"a" * size), cut) in (400, 431)


def test_many_small_extensions_are_refused_too():
    request = b"POST / HTTP/1.1\r\n%stransfer-encoding: chunked\r\n\r\n" % HOST
    assert ask(request + b"1;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nx\r\n" * 900, 100000) in (400, 413)


@cuts
@pytest.mark.parametrize(("size", "status"), [(200, 200), (260, 400), (2000, 400)])
def test_extensions_are_counted_however_they_arrive(cut, size, status):
    # A chunk's line and line ends, 24 bytes of them, are no extension.
    request = b"POST / HTTP/1.1\r\n%stransfer-encoding: chunked\r\n\r\n" % HOST
    assert ask(request + b"3;" + b"a" * size + b"\r\nabc\r\n0\r\n\r\n", cut) == status
    several = b"".join(b"1;" + b"a" * (size // 10) + b"\r\nx\r\n" for _ in range(10))
    assert ask(request + several + b"0\r\n\r\n", cut) == (status if size > 460 else 200)


@cuts
def test_extensions_within_their_limit_are_ignored(cut):
    request = b"POST / HTTP/1.1\r\n%stransfer-encoding: chunked\r\n\r\n" % HOST
    assert ask(request + b'3;name;name="value"\r\nabc\r\n' * 5 + b"0;last\r\n\r\n", cut) == 200


def test_the_limits_hold_for_every_request_of_a_connection():
    app = App()
    app.get("/", lambda res: res.send("x"))
    with serving(app, LIMITS) as rig:
        peer = rig.connect()
        for _ in range(3):  # each head is counted by itself, also one that begins in the read of another
            assert read_answer(peer.send(head_of(LIMITS.head_size))).status == 200
        twice = head_of(LIMITS.head_size) * 2
        for start in range(0, len(twice), 300):
            peer.send(twice[start : start + 300])
        assert peer.end is None
        assert read_answer(peer.send(head_of(LIMITS.head_size + 1))).status == 431


# === what a connection, and all of them, may hold ===


@pytest.mark.parametrize("pipeline", [1, 3, 16])
def test_requests_that_wait(pipeline):
    app = App()
    futures = []

    @app.get("/")
    async def handler():
        futures.append(asyncio.get_running_loop().create_future())
        return await futures[-1]

    request = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"
    with serving(app, Limits(pipeline=pipeline)) as rig:
        before = live_objects()["exchanges"]
        peer = rig.connect()
        peer.send(request * 100, request * 100)
        assert live_objects()["exchanges"] - before <= pipeline + 1
        for number in range(200):
            assert len(futures) == number + 1
            rig.call(futures[-1].set_result, "x")
        assert len(read_answers(peer.received)) == 200


@pytest.mark.parametrize(("over", "patient"), [(0, True), (1, False)])
def test_input_that_nobody_wants(over, patient):
    limits = Limits(unread_body=1000, body_size=10)
    with serving(App(), limits) as rig:
        peer = rig.connect()
        head = b"POST / HTTP/1.1\r\n" + HOST + b"content-length: 5000\r\n\r\n"
        assert read_answer(peer.send(head)).status == 413
        peer.send(b"x" * 600, b"x" * (400 + over))
        assert peer.gone != patient


def test_connections():
    app = App()
    app.get("/", lambda res: res.send("x"))
    request = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"
    with serving(app, Limits(connections=3)) as rig:
        peers = [rig.connect() for _ in range(3)]
        for _ in range(2):
            late = rig.connect()
            answer = read_answer(late.take())
            assert answer.status == 503
            assert answer.get(b"connection") == b"close"
            assert 1 <= int(answer.get(b"retry-after")) <= 10
            assert late.end == "fin"
            assert late.send(request) == b""
            late.send_eof()
            assert late.gone
        assert [read_answer(peer.send(request)).status for peer in peers] == [200] * 3
        peers.pop().leave()
        assert read_answer(rig.connect().send(request)).status == 200


def test_connections_that_are_turned_away_do_not_pile_up():
    with serving(App(), Limits(connections=1)) as rig:
        peers = [rig.connect() for _ in range(200)]
        assert len(rig.state.connections) < 50
        assert {peer.end for peer in peers[1:]} == {"fin"}
        assert peers[0].end is None
        rig.tick(2)
        assert len(rig.state.connections) == 1

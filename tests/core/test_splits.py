"""Split invariance: wherever reads cut the input, the same bytes come out."""

import asyncio
from itertools import pairwise

from hypothesis import example, given, settings
from hypothesis import strategies as st

from kito import Event, Limits
from kito.app import App

from .rig import serving

HOST = b"host: x\r\n"
CHUNKED = b"transfer-encoding: chunked\r\n"
# Small, so that requests of a few hundred bytes reach them.
LIMITS = Limits(url_size=200, head_size=300, header_count=8, body_size=600)

VALID = [
    b"GET /sync HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET /task HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET /stream HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET /events HTTP/1.1\r\n" + HOST + b"last-event-id: 5\r\n\r\n",
    b"GET /generator HTTP/1.1\r\n" + HOST + b"\r\n",
    b"HEAD /stream HTTP/1.1\r\n" + HOST + b"\r\n",
    b"HEAD /task HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET /none HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET /fails HTTP/1.1\r\n" + HOST + b"\r\n",
    b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n",
    b"\r\n\r\nGET /sync?a=b HTTP/1.1\r\nHOST:x\r\nx: \t y \t\r\n\r\n",
    b"GET http://x/sync HTTP/1.1\r\n" + HOST + b"upgrade: h2c\r\nconnection: upgrade\r\n\r\n",
    b"POST /echo HTTP/1.1\r\n" + HOST + b"content-length: 12\r\n\r\nGET / HTTP/1",
    b"POST /echo HTTP/1.1\r\n" + HOST + b"content-length: 500\r\n\r\n" + b"0123456789" * 50,
    b"POST /task HTTP/1.1\r\n" + HOST + CHUNKED + b"\r\n5\r\nhello\r\n1;x=y\r\n!\r\n0\r\na: b\r\n\r\n",
    b"POST /echo HTTP/1.1\r\n" + HOST + CHUNKED + b"\r\n0\r\n\r\n",
    b"GET /sync HTTP/1.0\r\nconnection: keep-alive\r\n\r\n",
    b"GET /sync HTTP/1.1\r\n" + HOST + b"x: " + b"a" * 266 + b"\r\n\r\n",  # a head of exactly head_size
]
# Nothing may follow these on their connection.
LAST = [
    b"GET /sync HTTP/1.0\r\n\r\n",
    b"GET /stream HTTP/1.0\r\n\r\n",
    b"GET /task HTTP/1.1\r\n" + HOST + b"connection: close\r\n\r\n",
    b"GET /aborts HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET /sync HTTP/1.1\r\n\r\n",
    b"GET /sync HTTP/2.0\r\n" + HOST + b"\r\n",
    b"GET / HTTP/1.1\r\nhost : x\r\n\r\n",
    b"BREW /pot HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET /" + b"a" * 210 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET / HTTP/1.1\r\n" + HOST + b"x: " + b"a" * 400 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + HOST + b"a: b\r\n" * 9 + b"\r\n",
    b"POST /echo HTTP/1.1\r\n" + HOST + b"content-length: 601\r\n\r\n",
    b"POST /echo HTTP/1.1\r\n" + HOST + CHUNKED + b"\r\n300\r\n" + b"a" * 768 + b"\r\n0\r\n\r\n",
    b"POST /echo HTTP/1.1\r\n" + HOST + CHUNKED + b"\r\n3\r\nabcd\r\n0\r\n\r\n",
    b"POST /echo HTTP/1.1\r\n" + HOST + CHUNKED + b"\r\nZ\r\n",
    b"POST /echo HTTP/1.1\r\n" + HOST + CHUNKED + b"content-length: 3\r\n\r\nabc",
    b"POST /echo HTTP/1.1\r\n" + HOST + b"transfer-encoding: gzip, chunked\r\n\r\n",
    b"\x16\x03\x01\x02\x00",
]

conversations = st.tuples(st.lists(st.sampled_from(VALID), max_size=5), st.just(b"") | st.sampled_from(LAST)).map(
    lambda parts: b"".join([*parts[0], parts[1]])
)


def make_app():
    """One handler of each kind: at once, after a while, streamed, from a generator, failing."""
    app = App()
    app.get("/sync", lambda req, res: res.send(f"{req.url} {req.last_event_id}"))
    app.post("/echo", lambda req, res: res.send(req.body))
    app.get("/none", lambda res: res.status(204).end())

    @app.get("/task")
    @app.post("/task")
    async def task(req):
        await turns(3)
        return {"body": req.text(), "fields": req.headers.items()}

    @app.get("/stream")
    async def stream(res):
        stream = res.stream()
        stream.write("a")
        await turns(2)
        stream.write("bc")
        stream.end()

    @app.get("/events")
    def events(res):
        sse = res.sse(retry=3)
        sse.send(Event({"seen": sse.last_event_id}, "first", 6))
        sse.comment("x")
        sse.close()

    @app.get("/generator")
    async def generator():
        for number in range(3):
            await turns(1)
            yield str(number)

    @app.get("/fails")
    def fails(res):
        res.header("x-lost", "1").status(600)

    @app.get("/aborts")
    async def aborts(res):
        stream = res.stream()
        stream.write("half")
        await turns(1)
        stream.abort()

    return app


async def turns(count):
    for _ in range(count):
        await asyncio.sleep(0)


def converse(pieces, *, turn_each):
    """Everything that comes out, and how it ends, when `pieces` come in; in one turn, or in a turn each."""
    with serving(make_app(), LIMITS) as rig:
        peer = rig.connect()
        if turn_each:
            peer.send(*pieces)
        else:
            rig.call(lambda: [peer.transport.deliver(piece) for piece in pieces])
        rig.log.records.clear()  # failing handlers are logged, as they should be
        return peer.received.replace(rig.state.clock.date.encode(), b"now"), peer.end


def cut(data, places):
    """`data` in pieces, cut at places that are counted modulo its size."""
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[start:end] for start, end in pairwise(edges)]


@settings(max_examples=200, deadline=None)
@given(conversations, st.lists(st.integers(0, 5000), max_size=12), st.booleans())
@example(b"".join(VALID), [7, 50, 51, 300, 301, 302], True)
def test_any_cut_gives_the_same_answers(data, places, turn_each):
    expected = converse([data], turn_each=True)
    assert converse(cut(data, places), turn_each=turn_each) == expected


def test_every_single_cut_of_each_request():
    follower = VALID[0]
    for request in [*VALID, *LAST]:
        data = request + follower
        expected = converse([data], turn_each=True)
        for place in range(1, len(request) + 2, 1 if len(request) < 60 else 7):
            assert converse([data[:place], data[place:]], turn_each=True) == expected, (data, place)


def test_byte_by_byte():
    data = b"".join(VALID)
    assert converse([bytes([byte]) for byte in data], turn_each=True) == converse([data], turn_each=True)
    assert converse([bytes([byte]) for byte in data], turn_each=False) == converse([data], turn_each=True)


def test_a_large_body_in_any_pieces():
    app = App()
    app.post("/", lambda req, res: res.send(req.body))
    body = bytes(range(256)) * 4000
    data = b"POST / HTTP/1.1\r\n%scontent-length: %d\r\n\r\n%s" % (HOST, len(body), body)
    with serving(app) as rig:
        for size in (1000, 4095, 4096, 4097, 65536, 256000, len(data)):
            peer = rig.connect()
            got = peer.send(*(data[start : start + size] for start in range(0, len(data), size)))
            assert got.endswith(b"\r\n\r\n" + body), size


def test_a_head_is_counted_without_the_request_before_it():
    first, second = VALID[0], VALID[-1]
    expected = converse([first + second], turn_each=True)
    assert converse([first[:5], first[5:] + second[:250], second[250:290], second[290:]], turn_each=True) == expected

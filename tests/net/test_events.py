"""Event streams on the wire: heads, every field, line rules, what is refused with nothing sent (WHATWG HTML 9.2)."""

import asyncio

import pytest

from kito import Event, server
from kito.errors import InvalidEvent
from tests.net.events import sent

PLAIN = [
    ("text", b"data: text\n\n"),
    ("", b"data: \n\n"),
    (b"bytes", b"data: bytes\n\n"),
    ("Grüße", "data: Grüße\n\n".encode()),
    ({"n": 1}, b'data: {"n":1}\n\n'),
    ([1, None], b"data: [1,null]\n\n"),
    (7, b"data: 7\n\n"),
    (None, b"data: null\n\n"),
    (True, b"data: true\n\n"),
    (" spaced", b"data:  spaced\n\n"),
    ("event: x", b"data: event: x\n\n"),
]


@pytest.mark.wirings("uvloop-tcp", "asyncio-unix")
@pytest.mark.parametrize(("data", "frame"), PLAIN, ids=repr)
async def test_one_send_is_one_event_in_one_chunk(net, data, frame):
    assert await sent(net, lambda sse: sse.send(data)) == [frame]


LINES = [
    ("a\nb", b"data: a\ndata: b\n\n"),
    ("a\rb", b"data: a\ndata: b\n\n"),
    ("a\r\nb", b"data: a\ndata: b\n\n"),
    ("a\n\rb", b"data: a\ndata: \ndata: b\n\n"),
    ("a\r\r\nb", b"data: a\ndata: \ndata: b\n\n"),
    ("\n", b"data: \ndata: \n\n"),
    ("a\n", b"data: a\ndata: \n\n"),
    ("a\n\n", b"data: a\ndata: \ndata: \n\n"),
    ("a\r", b"data: a\ndata: \n\n"),
    (b"a\nb", b"data: a\ndata: b\n\n"),
    ("a\nevent: forged\n\ndata: b", b"data: a\ndata: event: forged\ndata: \ndata: data: b\n\n"),
    ("a\x0bb\x0cc\x1cd\x85e\u2028f\u2029g", "data: a\x0bb\x0cc\x1cd\x85e\u2028f\u2029g\n\n".encode()),
    ("a\x00b", b"data: a\x00b\n\n"),
]


@pytest.mark.wirings("uvloop-tcp", "asyncio-unix")
@pytest.mark.parametrize(("data", "frame"), LINES, ids=repr)
async def test_lines_end_at_crlf_cr_and_lf_only(net, data, frame):
    def write(sse):
        sse.send(data)
        sse.send(Event(data))

    assert await sent(net, write) == [frame, frame]


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        ("note", b": note\n\n"),
        ("", b": \n\n"),
        ("a\nb\rc\r\nd", b": a\n: b\n: c\n: d\n\n"),
        ("a\ndata: forged\n\n", b": a\n: data: forged\n: \n: \n\n"),
        (b"bytes", b": bytes\n\n"),
    ],
    ids=repr,
)
async def test_every_line_of_a_comment_is_a_comment(net, text, frame):
    assert await sent(net, lambda sse: sse.comment(text)) == [frame]


async def test_fields_and_their_order(net):
    def write(sse):
        sse.send("d", "e", "i", 100)
        sse.send("d", event="e")
        sse.send("d", id="i")
        sse.send("d", id=7)
        sse.send("d", retry=0)
        sse.send("a\nb", "e")

    assert await sent(net, write) == [
        b"event: e\nid: i\nretry: 100\ndata: d\n\n",
        b"event: e\ndata: d\n\n",
        b"id: i\ndata: d\n\n",
        b"id: 7\ndata: d\n\n",
        b"retry: 0\ndata: d\n\n",
        b"event: e\ndata: a\ndata: b\n\n",
    ]


async def test_an_id_of_nothing_is_sent(net):
    def write(sse):
        sse.send("d", id=0)
        sse.send("d", id="")

    assert await sent(net, write) == [b"id: 0\ndata: d\n\n", b"id: \ndata: d\n\n"]


async def test_send_json_makes_json_of_text_too(net):
    def write(sse):
        sse.send_json("text")
        sse.send_json({"a": "\n"}, "e", 1, 2)

    assert await sent(net, write) == [b'data: "text"\n\n', b'event: e\nid: 1\nretry: 2\ndata: {"a":"\\n"}\n\n']


async def test_an_event_is_encoded_once_for_every_client(net):
    app = server()
    event = Event({"n": 1}, "tick", id=3, retry=5)
    ready = asyncio.Barrier(4)

    @app.get("/")
    async def handler(res):
        sse = res.sse()
        await ready.wait()
        sse.send(event)
        sse.send("own")
        sse.send(event)
        sse.close()

    frame = b'event: tick\nid: 3\nretry: 5\ndata: {"n":1}\n\n'
    assert event.payload == frame
    async with net.serving(app) as site:
        wires = [await site.connect() for _ in range(4)]
        for wire in wires[:3]:
            await wire.get("/")
        await wires[3].get("/", version="1.0")
        for wire in wires[:3]:
            assert (await wire.answer()).chunks == [frame, b"data: own\n\n", frame]
        assert (await wires[3].answer()).body == frame + b"data: own\n\n" + frame


INVALID = [
    {"event": "a\nb"},
    {"event": "a\rb"},
    {"event": "a\x00b"},
    {"event": b"a\n"},
    {"event": 7},
    {"id": "a\nb"},
    {"id": "a\rb"},
    {"id": "a\x00"},
    {"id": 1.5},
    {"id": True},
    {"retry": -1},
    {"retry": 1.0},
    {"retry": "1"},
    {"retry": True},
    {"retry": 2**31},
]


@pytest.mark.wirings("uvloop-tcp", "asyncio-unix")
@pytest.mark.parametrize("fields", INVALID, ids=repr)
async def test_what_an_event_cannot_carry_raises_and_sends_nothing(net, fields):
    raised = []

    def write(sse):
        for attempt in (sse.send, sse.send_json, Event):
            try:
                attempt("d", **fields)
            except InvalidEvent as error:
                raised.append(error)
        sse.send("valid")

    assert await sent(net, write) == [b"data: valid\n\n"]
    assert len(raised) == 3
    assert isinstance(raised[0], ValueError)
    assert next(iter(fields)) in str(raised[0])


async def test_other_mistakes_raise_and_send_nothing(net):
    raised = []

    def write(sse):
        attempts = [
            lambda: sse.send(object()),
            lambda: sse.send("\ud800"),
            lambda: sse.send("d", event="\ud800"),
            lambda: sse.send(Event("d"), "e"),
            lambda: sse.comment(7),
        ]
        for attempt in attempts:
            try:
                attempt()
            except (TypeError, ValueError) as error:
                raised.append(error)
        sse.send("valid")

    assert await sent(net, write) == [b"data: valid\n\n"]
    assert len(raised) == 5


async def test_counts_of_events_and_bytes(net):
    app = server()
    ends = []

    @app.get("/")
    def handler(res):
        sse = res.sse()
        sse.on_close(ends.append)
        sse.send("one")
        with pytest.raises(InvalidEvent):
            sse.send("none", event="\n")
        with pytest.raises(TypeError):
            sse.send(object())
        sse.send(Event("two"))
        sse.comment("no event")
        assert sse.events_sent == 2
        sse.close()

    async with net.serving(app) as site:
        answer = await site.get("/")
        assert app.stats["events"] == 2
    assert (ends[0].reason, ends[0].events_sent, ends[0].bytes_sent) == ("ended", 2, len(answer.body))

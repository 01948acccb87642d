"""Server-Sent Events: whatever is sent, a reader written from the standard gets it back."""

import dataclasses
import json
import re
import tracemalloc

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kito import Event
from kito.app import App
from kito.errors import InvalidEvent, ResponseEnded

from .answers import read_answer
from .event_stream import EventSource
from .rig import serving

REQUEST = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
# Line ends, and characters that other specifications take for line ends, white space or nothing.
ODD = ["\r", "\n", "\r\n", "\0", "\v", "\f", "\x1c", "\x85", "\u2028", "\u2029", "\ufeff", " ", ":", "data: ", "a"]
characters = st.characters(exclude_categories=["Cs"])
text = st.lists(st.sampled_from(ODD) | characters, max_size=12).map("".join)
one_line = text.map(lambda value: re.sub("[\r\n\0]", "", value))
names = st.none() | one_line
ids = st.none() | one_line | st.integers(-(2**70), 2**70)
retries = st.none() | st.integers(0, 2**31 - 1)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=8,
)


def normal(data):
    """Text as it arrives: CRLF, CR and LF all end a line, and the client joins lines with LF."""
    return re.sub("\r\n|\r", "\n", data)


def read(payload):
    """What a client that last saw the id "before" makes of it: the one event, and the reconnection time."""
    source = EventSource().read(b"id: before\n\n" + payload)
    assert not source.comments
    (event,) = source.events
    return event, source.retry_ms


def open_events(app, **options):
    """Register `/`, which opens an event stream; returns the list that it goes to."""
    writers = []
    app.get("/", lambda res: writers.append(res.sse(**options)))
    return writers


@pytest.fixture
def sse(app, rig, peer):
    """An open event stream to `peer`, whose head has been read."""
    writers = open_events(app)
    peer.send(REQUEST)
    return writers[0]


# === what is encoded is what arrives ===


@settings(max_examples=150, deadline=None)
@given(text, names, ids, retries)
@example("", "", "", 0)
@example("\r\n\r\n", None, 0, None)
@example("\n\r", None, None, None)
@example("a\0b", " x", " y", 2**31 - 1)
def test_text_arrives_as_it_was(data, event, id, retry):
    got, retry_ms = read(Event(data, event, id, retry).payload)
    assert got.data == normal(data)
    assert got.type == (event or "message")
    assert got.last_event_id == ("before" if id is None else str(id))
    assert retry_ms == retry


@settings(max_examples=100, deadline=None)
@given(text.map(str.encode) | st.binary(max_size=20))
def test_bytes_arrive_as_text(data):
    assert read(Event(data).payload)[0].data == normal(data.decode("utf-8", "replace"))


@settings(max_examples=100, deadline=None)
@given(values)
def test_values_arrive_as_json(value):
    if not isinstance(value, str):
        assert json.loads(read(Event(value).payload)[0].data) == value


@dataclasses.dataclass
class Point:
    x: int


class Struct(msgspec.Struct):
    x: int


@pytest.mark.parametrize("value", [Point(1), Struct(1), {"x": 1}], ids=["dataclass", "struct", "dict"])
def test_objects_arrive_as_json(value):
    assert json.loads(read(Event(value).payload)[0].data) == {"x": 1}


def test_lines_end_at_cr_lf_and_crlf_only():
    assert Event("a\nb\rc\r\nd").payload == b"data: a\ndata: b\ndata: c\ndata: d\n\n"
    for odd in ("\0", "\v", "\f", "\x1c", "\x85", "\u2028", "\u2029"):
        assert Event(f"a{odd}b").payload == b"data: a%sb\n\n" % odd.encode()


@pytest.mark.parametrize("ends", range(5))
@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_n_line_ends_make_n_and_one_lines(ends, end):
    assert Event(end * ends).payload == b"data: \n" * (ends + 1) + b"\n"


def test_fields_are_written_when_they_say_something():
    assert Event("x").payload == b"data: x\n\n"
    assert Event("x", "", "", 0).payload == b"event: \nid: \nretry: 0\ndata: x\n\n"
    assert Event("x", id=0).payload == b"id: 0\ndata: x\n\n"
    assert Event("x", b"e", b"i", 1234567890).payload == b"event: e\nid: i\nretry: 1234567890\ndata: x\n\n"


def test_an_event_is_immutable_and_shows_what_it_is():
    event = Event({"n": 1}, "e", 0, 5)
    assert (event.data, event.event, event.id, event.retry) == ({"n": 1}, "e", 0, 5)
    assert repr(event) == "Event({'n': 1}, event='e', id=0, retry=5)"
    for name in ("data", "event", "id", "retry", "payload", "frame"):
        with pytest.raises(AttributeError):
            setattr(event, name, None)


# === what a writer sends is what an Event holds ===


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(values | text | st.binary(max_size=9), names, ids, retries), min_size=1, max_size=5))
def test_a_writer_sends_each_event_as_one_chunk(events):
    app = App()

    @app.get("/")
    def handler(res):
        sse = res.sse()
        for event in events:
            sse.send(*event)
        for event in events:
            sse.send(Event(*event))
        assert sse.events_sent == 2 * len(events)
        sse.close()

    with serving(app) as rig:
        answer = read_answer(rig.connect().send(REQUEST))
        assert answer.chunks == [Event(*event).payload for event in events] * 2
        assert rig.state.tally.events == 2 * len(events)


@pytest.mark.parametrize("size", [0, 1, 16383, 16384, 65535, 65536, 200000])
def test_events_of_any_size(rig, peer, sse, size):
    data = "x\n" * (size // 2) + "y" * (size % 2)
    rig.call(sse.send, data)
    rig.call(sse.send, Event(data))
    rig.call(sse.close)
    chunks = peer.take()
    assert chunks == Event(data).frame * 2 + b"0\r\n\r\n"
    assert read(Event(data).payload)[0].data == data


def test_send_json_quotes_text(rig, peer, sse):
    rig.call(sse.send_json, "a\nb", "e", 0, 5)
    assert peer.take() == Event(json.dumps("a\nb"), "e", 0, 5).frame


class Model:
    """What pydantic's models are to the core: an object that is asked, while it is encoded, for its fields."""

    def __init__(self, asked):
        self.asked = asked

    def model_dump(self, *, mode, by_alias):
        self.asked()
        return {"x": 1}


@pytest.mark.parametrize("size", [4000, 4096, 5000, 100_000])
def test_json_of_any_size_leaves_nothing_behind(rig, peer, sse, size):
    sent = [{"n": 1}, {"long": "y" * size, "\u00e4": [None, 1.5]}, {"n": 2}, ["z" * size], [3]]
    for value in sent:
        rig.call(sse.send, value)
    assert peer.take() == b"".join(Event(value).frame for value in sent)


def test_memory_for_long_json_is_let_go(rig, peer, sse):
    rig.call(sse.send, {"n": 1})
    value = {"long": "y" * 1_000_000}
    tracemalloc.start()
    try:
        rig.call(sse.send, value)
        peer.transport.calls.clear()  # the test's own copies
        peer.transport.received.clear()
        assert tracemalloc.get_traced_memory()[0] < 100_000
    finally:
        tracemalloc.stop()


def test_what_is_encoded_may_send(rig, peer, sse):
    inner = {"inner": "i" * 50}
    rig.call(sse.send, {"before": 1})
    rig.call(sse.send, ["o" * 20, Model(lambda: sse.send(inner))])
    rig.call(sse.send, {"after": 1})
    sent = [{"before": 1}, inner, ["o" * 20, {"x": 1}], {"after": 1}]
    assert peer.take() == b"".join(Event(value).frame for value in sent)


def test_nothing_follows_the_end_that_what_is_encoded_has_called(rig, peer, sse):
    with pytest.raises(ResponseEnded):
        rig.call(sse.send, Model(sse.close))
    assert peer.take() == b"0\r\n\r\n"
    assert sse.events_sent == 0


def test_lines_of_raw_json_are_lines_of_data(rig, peer, sse):
    rig.call(sse.send, {"a": msgspec.Raw(b"[1,\r\n2,\r3,\n4]")})
    assert peer.take() == Event('{"a":[1,\r\n2,\r3,\n4]}').frame
    assert read(Event('{"a":[1,\r\n2]}').payload)[0].data == '{"a":[1,\n2]}'


def test_an_event_object_carries_everything_itself(rig, peer, sse):
    for extra in ({"event": "e"}, {"id": 0}, {"retry": 0}):
        with pytest.raises(TypeError, match="its own"):
            rig.call(lambda extra=extra: sse.send(Event("x"), **extra))
    assert peer.take() == b""
    assert sse.events_sent == 0


# === what cannot be sent ===

INVALID = [
    *({"event": bad} for bad in ("a\nb", "a\rb", "a\0b", "\n", b"a\r", b"\0", 5, True, [])),
    *({"id": bad} for bad in ("a\nb", "a\rb", "a\0b", "\r\n", b"\n", b"a\0", 1.5, True, [])),
    *({"retry": bad} for bad in (-1, 1.5, "1", True, 2**31, 2**80, b"1")),
]


@pytest.mark.parametrize("fields", INVALID, ids=repr)
def test_an_invalid_field_is_refused_and_nothing_is_sent(rig, peer, sse, fields):
    with pytest.raises(InvalidEvent):
        Event("x", **fields)
    for send in (sse.send, sse.send_json):
        with pytest.raises(InvalidEvent):
            rig.call(lambda send=send: send("x", **fields))
    assert peer.take() == b""
    assert (sse.events_sent, sse.bytes_sent) == (0, 0)
    rig.call(sse.send, "still open")
    assert peer.take() == Event("still open").frame


@pytest.mark.parametrize("bad", ["\ud800", object(), {1: {2: object()}}], ids=["surrogate", "object", "nested"])
def test_data_that_cannot_be_encoded_is_refused_and_nothing_is_sent(rig, peer, sse, bad):
    for send in (sse.send, sse.send_json):
        with pytest.raises((TypeError, UnicodeEncodeError)):
            rig.call(send, bad)
    assert peer.take() == b""
    assert sse.events_sent == 0


@pytest.mark.parametrize("retry", [-1, 1.5, "1", True, 2**31])
def test_an_invalid_retry_of_the_stream_is_refused_before_the_head(app, rig, peer, retry):
    errors = []

    @app.get("/")
    def handler(res):
        try:
            res.sse(retry=retry)
        except InvalidEvent as error:
            errors.append(error)
        res.status(418).end()

    assert read_answer(peer.send(REQUEST)).status == 418
    assert len(errors) == 1


# === comments, the reconnection time, the head ===


@settings(max_examples=100, deadline=None)
@given(text)
def test_a_comment_is_no_event(comment):
    app = App()
    writers = open_events(app)
    with serving(app) as rig:
        peer = rig.connect()
        peer.send(REQUEST)
        rig.call(writers[0].comment, comment)
        rig.call(writers[0].close)
        answer = read_answer(peer.received)
        source = EventSource().read(answer.body)
        assert len(answer.chunks) == 1
        assert source.events == []
        assert source.comments == [" " + line for line in normal(comment).split("\n")]
        assert writers[0].events_sent == 0


@pytest.mark.parametrize("wrong", [None, 1, {"a": 1}])
def test_a_comment_is_text(rig, peer, sse, wrong):
    with pytest.raises(InvalidEvent):
        rig.call(sse.comment, wrong)
    assert peer.take() == b""


def test_the_reconnection_time_comes_first(app, rig, peer):
    writers = open_events(app, retry=1500)
    answer = peer.send(REQUEST)
    assert answer.endswith(b"\r\n\r\nd\r\nretry: 1500\n\n\r\n")
    assert writers[0].events_sent == 0


def test_the_head_of_an_event_stream(app, peer):
    open_events(app)
    head = read_answer(peer.send(REQUEST))
    assert head.get(b"content-type") == b"text/event-stream"
    assert head.get(b"cache-control") == b"no-cache, no-transform"
    assert head.get(b"x-accel-buffering") == b"no"
    assert head.get(b"transfer-encoding") == b"chunked"
    assert head.get(b"access-control-allow-origin") is None


def test_the_handlers_own_fields_stay(app, peer):
    @app.get("/")
    def handler(res):
        res.header("content-type", "text/event-stream; charset=utf-8").header("x-accel-buffering", "yes")
        res.sse(headers={"cache-control": "no-store"}).close()

    head = read_answer(peer.send(REQUEST))
    assert head.get(b"content-type") == b"text/event-stream; charset=utf-8"
    assert head.get(b"cache-control") == b"no-store"
    assert head.get(b"x-accel-buffering") == b"yes"


@pytest.mark.parametrize(
    ("field", "seen"),
    [
        (b"", None),
        (b"last-event-id: 7\r\n", "7"),
        (b"Last-Event-ID: a b \r\n", "a b"),
        (b"last-event-id:\r\n", ""),
        (b"last-event-id: \xe2\x82\xac\r\n", "€"),
        (b"last-event-id: " + b"x" * 1024 + b"\r\n", "x" * 1024),
        (b"last-event-id: " + b"x" * 1025 + b"\r\n", None),
    ],
    ids=["absent", "number", "spaces", "empty", "utf-8", "longest", "too long"],
)
def test_what_a_returning_client_saw_last(app, peer, field, seen):
    writers = open_events(app)
    peer.send(b"GET / HTTP/1.1\r\nhost: x\r\n" + field + b"\r\n")
    assert writers[0].last_event_id == seen

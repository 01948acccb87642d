"""Gathered text: the same text in fewer frames, at most a window late, and nothing overtakes it."""

import pytest

from kito import Event
from kito.errors import InvalidEvent

from .answers import read_answer
from .event_stream import EventSource

REQUEST = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
OLD_REQUEST = b"GET / HTTP/1.0\r\n\r\n"
WINDOW = 0.01  # seconds
GATHERED = 16 * 1024  # bytes that do not wait


class Stream:
    """A stream that gathers, and its client."""

    def __init__(self, app, rig, peer, kind, request=REQUEST, prepare=lambda res: None, **options):
        writers = []

        @app.get("/")
        def handler(res):
            prepare(res)
            writers.append(getattr(res, kind)(**{"coalesce": WINDOW, **options}))

        self.rig, self.peer = rig, peer
        peer.send(request)
        self.writer = writers[0]

    def put(self, *pieces):
        """Write each piece in a turn of its own."""
        put = self.writer.write if type(self.writer).__name__ == "StreamWriter" else self.writer.send
        for piece in pieces:
            self.rig.call(put, piece)

    @property
    def chunks(self):
        return read_answer(self.peer.received).chunks

    @property
    def events(self):
        return [(event.type, event.data) for event in EventSource().read(read_answer(self.peer.received).body).events]


@pytest.fixture
def stream(app, rig, peer):
    return Stream(app, rig, peer, "stream")


@pytest.fixture
def sse(app, rig, peer):
    return Stream(app, rig, peer, "sse")


def test_writes_of_a_window_are_one_chunk(rig, stream):
    stream.put("one ", b"two ", bytearray(b"three"))
    assert stream.chunks == []
    rig.sleep(WINDOW / 2)
    assert stream.chunks == []
    rig.sleep(WINDOW / 2)
    assert stream.chunks == [b"one two three"]
    stream.put("four")
    rig.sleep(WINDOW)
    assert stream.chunks == [b"one two three", b"four"]


def test_the_window_begins_with_the_first_write(rig, stream):
    for _ in range(3):
        stream.put("x")
        rig.sleep(WINDOW * 0.4)
    assert stream.chunks == [b"xxx"]


def test_events_of_a_window_are_one_event(rig, sse):
    sse.put("Hel", b"lo ", "", "wor\nld")
    assert sse.events == []
    rig.sleep(WINDOW)
    assert sse.events == [("message", "Hello wor\nld")]
    assert len(sse.chunks) == 1
    assert sse.writer.events_sent == 1


def test_an_empty_event_stays_one(rig, sse):
    sse.put("")
    rig.sleep(WINDOW)
    assert sse.chunks == [b"data: \n\n"]


def test_events_of_one_type_are_joined_and_others_are_not(rig, sse):
    def send():
        sse.writer.send("a", "token")
        sse.writer.send("b", "token")
        sse.writer.send("c")
        sse.writer.send("d")
        sse.writer.send("e", "token")

    rig.call(send)
    rig.sleep(WINDOW)
    assert sse.events == [("token", "ab"), ("message", "cd"), ("token", "e")]


def test_whatever_says_more_than_text_stands_alone_and_in_its_place(rig, sse):
    def send():
        sse.writer.send("a")
        sse.writer.send("b", id=1)
        sse.writer.send("c")
        sse.writer.send("d", retry=5)
        sse.writer.send("e")
        sse.writer.send({"f": 1})
        sse.writer.send("g")
        sse.writer.send_json("h")
        sse.writer.send("i")
        sse.writer.send(Event("j"))
        sse.writer.send("k")
        sse.writer.comment("l")
        sse.writer.send("m")
        sse.writer.write("data: n\n\n")

    rig.call(send)
    assert [data for _, data in sse.events] == [*"abcde", '{"f":1}', "g", '"h"', *"ijkmn"]
    assert len(sse.chunks) == 14


def test_two_line_ends_do_not_become_one(rig, sse):
    sse.put("a\r", "\nb")
    rig.sleep(WINDOW)
    assert sse.events == [("message", "a\n"), ("message", "\nb")]


def test_what_cannot_be_sent_is_told_at_once_and_changes_nothing(rig, sse):
    sse.put("a")
    with pytest.raises(InvalidEvent):
        rig.call(sse.writer.send, "b", "two\nlines")
    with pytest.raises(UnicodeEncodeError):
        rig.call(sse.writer.send, "\udc80")
    sse.put("c")
    rig.sleep(WINDOW)
    assert sse.events == [("message", "ac")]


@pytest.mark.parametrize("kind", ["stream", "sse"])
def test_much_text_does_not_wait(app, rig, peer, kind):
    stream = Stream(app, rig, peer, kind)
    for _ in range(16):
        stream.put("x" * 1000)
    assert stream.chunks == []
    stream.put("x" * 1000)
    assert [len(chunk) >= GATHERED for chunk in stream.chunks] == [True]
    stream.put("y", "z" * 20000)
    rig.sleep(WINDOW)
    text = b"".join(stream.chunks).replace(b"data: ", b"").replace(b"\n\n", b"")
    assert text == b"x" * 17000 + b"y" + b"z" * 20000


@pytest.mark.parametrize("kind", ["stream", "sse"])
@pytest.mark.parametrize("end", ["flush", "end", "crash"])
def test_what_is_gathered_leaves_with_the_end(app, rig, peer, kind, end):
    stream = Stream(app, rig, peer, kind)
    stream.put("last")
    rig.call(getattr(stream.writer, "end" if end == "end" else "flush"))
    assert stream.chunks == [b"last" if kind == "stream" else b"data: last\n\n"]
    rig.sleep(WINDOW)
    assert len(stream.chunks) == 1
    assert read_answer(peer.received).whole == (end == "end")


def test_end_with_data_keeps_the_order(rig, stream):
    stream.put("first ")
    rig.call(stream.writer.end, "last")
    assert stream.chunks == [b"first last"]


def test_a_handler_that_fails_has_said_what_it_said(app, rig, peer):
    @app.get("/fail")
    async def fail(res):
        sse = res.sse(coalesce=WINDOW)
        sse.send("said")
        raise RuntimeError("on purpose")

    answer = read_answer(peer.send(b"GET /fail HTTP/1.1\r\nhost: x\r\n\r\n"))
    assert [event.type for event in EventSource().read(answer.body).events] == ["message", "error"]
    assert not answer.whole
    rig.log.take("failed after the head")


def test_a_client_that_leaves_takes_what_is_gathered_with_it(rig, stream):
    stream.put("nobody")
    stream.peer.leave()
    received = stream.peer.received
    rig.sleep(WINDOW)
    assert stream.peer.received == received
    assert stream.writer.bytes_sent == 0


def test_a_heartbeat_comes_behind_what_is_gathered(app, rig, peer):
    sse = Stream(app, rig, peer, "sse", coalesce=10, heartbeat=1)
    sse.put("slow")
    rig.tick(3)
    assert sse.chunks[0] == b"data: slow\n\n"
    assert sse.chunks[1:] == [b":\n\n"] * len(sse.chunks[1:])


def test_http_1_0_gathers_too(app, rig, peer):
    stream = Stream(app, rig, peer, "sse", request=OLD_REQUEST)
    stream.put("a", "b")
    rig.sleep(WINDOW)
    assert peer.received.endswith(b"\r\n\r\ndata: ab\n\n")


def test_a_declared_length_is_written_and_checked_as_it_comes(app, rig, peer):
    stream = Stream(app, rig, peer, "stream", prepare=lambda res: res.header("content-length", 4))
    stream.put("ab")
    assert peer.received.endswith(b"\r\n\r\nab")


def test_one_timer_serves_all_streams_in_order(app, rig):
    streams = []
    for window in (0.03, 0.01, 0.02, 0.01):
        app_path = f"/{len(streams)}"
        app.get(app_path, lambda res, window=window: streams.append(res.stream(coalesce=window)))
        rig.connect().send(f"GET {app_path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
    for stream in streams:
        rig.call(stream.write, "x")
    timers = [handle for handle in rig.loop._scheduled if not handle.cancelled()]
    assert len(timers) == 1
    sent = []
    for _ in range(3):
        rig.sleep(0.01)
        sent.append([stream.bytes_sent for stream in streams])
    assert sent == [[0, 1, 0, 1], [0, 1, 1, 1], [1, 1, 1, 1]]
    assert not [handle for handle in rig.loop._scheduled if not handle.cancelled()]


def test_the_queue_holds_a_stream_once(rig, stream):
    for _ in range(50):
        stream.put("x")
        rig.call(stream.writer.flush)
    assert len([handle for handle in rig.loop._scheduled if not handle.cancelled()]) == 1
    stream.put("y")
    rig.sleep(WINDOW)
    assert stream.chunks == [b"x"] * 50 + [b"y"]


def test_at_the_end_of_the_loop_nothing_waits(app, rig, peer):
    stream = Stream(app, rig, peer, "stream")
    stream.put("x")
    rig.state.cork.close()
    assert not [handle for handle in rig.loop._scheduled if not handle.cancelled()]

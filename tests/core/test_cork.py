"""When output leaves: what one turn of the loop writes to a connection leaves in one call."""

from kito import Event

from .answers import read_answers

KIB = 1024  # bytes
CORK = 64 * KIB
REQUEST = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


def test_the_head_leaves_with_the_first_chunks_of_its_turn(app, peer):
    @app.get("/")
    def handler(res):
        stream = res.stream()
        for number in range(50):
            stream.write(f"{number}\n")
        assert peer.transport.calls == []

    peer.send(REQUEST)
    assert len(peer.transport.calls) == 1


def test_a_whole_stream_of_one_turn_is_one_call(app, peer):
    @app.get("/")
    async def handler(res):
        sse = res.sse(retry=5)
        sse.comment("hello")
        sse.send({"n": 1})
        sse.close()

    peer.send(REQUEST)
    assert len(peer.transport.calls) == 1


def test_the_writes_of_each_later_turn_are_one_call(app, rig, peer):
    streams = []
    app.get("/", lambda res: streams.append(res.stream()))
    peer.send(REQUEST)
    peer.transport.calls.clear()

    def write():
        streams[0].write("a")
        streams[0].write("b")

    for turns in (1, 2, 3):
        rig.call(write)
        assert [b"".join(call) for call in peer.transport.calls] == [b"1\r\na\r\n1\r\nb\r\n"] * turns


def test_the_answers_of_one_read_leave_in_one_call(app, peer):
    app.get("/", lambda res: res.send("x"))
    assert len(read_answers(peer.send(REQUEST * 10))) == 10
    assert len(peer.transport.calls) == 1


def test_64_kib_leave_before_the_turn_ends(app, rig, peer):
    streams = []
    app.get("/", lambda res: streams.append(res.stream()))
    peer.send(REQUEST)
    peer.transport.calls.clear()
    frame = 1024 - 7  # bytes; "3f9\r\n" before it and "\r\n" behind it make 1 KiB
    calls = []

    def write():
        for _ in range(64):
            streams[0].write(b"x" * frame)
            calls.append(len(peer.transport.calls))
        streams[0].write(b"more")

    rig.call(write)
    assert calls == [0] * 63 + [1]
    assert [sum(map(len, call)) for call in peer.transport.calls] == [CORK, len("4\r\nmore\r\n")]


def test_64_kib_by_reference_leave_before_the_turn_ends(app, rig, peer):
    streams = []
    app.get("/", lambda res: streams.append(res.stream()))
    peer.send(REQUEST)
    peer.transport.calls.clear()
    calls = []

    def write():
        for _ in range(4):
            streams[0].write(bytes(16 * KIB))
            calls.append(len(peer.transport.calls))

    rig.call(write)
    assert calls == [0, 0, 0, 1]


def test_flush_hands_over_at_once(app, rig, peer):
    streams = []
    app.get("/", lambda res: streams.append(res.stream()))
    peer.send(REQUEST)

    def write():
        streams[0].write("a")
        assert peer.take() == b""
        streams[0].flush()
        assert peer.take() == b"1\r\na\r\n"
        streams[0].flush()
        streams[0].write("b")
        assert peer.take() == b""

    peer.transport.calls.clear()
    rig.call(write)
    assert peer.take() == b"1\r\nb\r\n"
    assert len(peer.transport.calls) == 2


def test_flush_inside_the_read_that_brought_the_request(app, peer):
    @app.get("/")
    def handler(res):
        stream = res.stream()
        stream.write("a")
        stream.flush()
        assert peer.take().endswith(b"1\r\na\r\n")
        stream.end()

    assert peer.send(REQUEST) == b"0\r\n\r\n"


def test_many_connections_are_flushed_in_the_same_turn(app, rig):
    streams = []
    app.get("/", lambda res: streams.append(res.stream()))
    peers = [rig.connect() for _ in range(5)]
    for peer in peers:
        peer.send(REQUEST)
        peer.transport.calls.clear()

    def write():
        for stream in streams:
            stream.write("a")
            stream.write("b")

    rig.call(write)
    assert [len(peer.transport.calls) for peer in peers] == [1] * 5
    assert {peer.take() for peer in peers} == {b"1\r\na\r\n1\r\nb\r\n"}


def test_a_connection_that_cannot_be_written_to_does_not_hurt_the_others(app, rig):
    streams = []
    app.get("/", lambda res: streams.append(res.stream()))
    peers = [rig.connect() for _ in range(3)]
    for peer in peers:
        peer.send(REQUEST)
    peers[1].transport.fault = OSError("broken")

    def write():
        for stream in streams:
            stream.write("a")

    rig.call(write)
    assert [peer.take() for peer in peers] == [b"1\r\na\r\n", b"", b"1\r\na\r\n"]
    rig.log.take("could not be written")


def test_a_shared_event_is_the_same_object_for_every_connection(app, rig):
    writers = []
    app.get("/", lambda res: writers.append(res.sse()))
    peers = [rig.connect() for _ in range(20)]
    for peer in peers:
        peer.send(REQUEST)
    old = rig.connect()
    old.send(b"GET / HTTP/1.0\r\n\r\n")
    event = Event({"n": 1}, "update", 7)

    def publish():
        for writer in writers:
            writer.send(event)

    rig.call(publish)
    for peer in peers:
        (piece,) = peer.transport.calls[-1]
        assert piece is event.frame
    (piece,) = old.transport.calls[-1]
    assert piece is event.payload
    assert event.frame == b"%x\r\n%s\r\n" % (len(event.payload), event.payload)


def test_a_shared_event_with_company_leaves_in_one_call_too(app, rig, peer):
    writers = []
    app.get("/", lambda res: writers.append(res.sse()))
    peer.send(REQUEST)
    peer.transport.calls.clear()
    first, second = Event("1"), Event("2")

    def publish():
        writers[0].send(first)
        writers[0].send(second)
        writers[0].comment("x")
        writers[0].send(first)

    rig.call(publish)
    comment = b"5\r\n: x\n\n\r\n"
    assert [b"".join(call) for call in peer.transport.calls] == [first.frame + second.frame + comment + first.frame]


def test_stopping_flushes_what_is_pending(app, rig, peer):
    streams = []
    app.get("/", lambda res: streams.append(res.stream()))
    peer.send(REQUEST)

    def write():
        streams[0].write("last")
        rig.state.stop()
        assert peer.take() == b"4\r\nlast\r\n"

    rig.call(write)
    assert rig.state.cork.loop is None

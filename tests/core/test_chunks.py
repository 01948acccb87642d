"""Bodies on the wire: one write is one chunk, whatever its size, and large ones go by reference."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kito import Event
from kito.app import App

from .answers import read_answer
from .rig import serving

KIB = 1024  # bytes
REFERENCE = 16 * KIB  # a payload of this size is not copied
CORK = 64 * KIB  # pending output that leaves before the turn ends
EDGES = [0, 1, 9, 10, 15, 16, 17, 255, 256, 257, 4095, 4096, 4097, 65519, 70000] + [
    edge + off for edge in (REFERENCE, 2 * REFERENCE, CORK) for off in (-2, -1, 0, 1)
]
REQUEST = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
KINDS = [bytes, bytearray, memoryview, lambda data: data.decode("ascii")]

sizes = st.sampled_from(EDGES) | st.integers(0, 70000)


def payload(size):
    """Bytes in which no part looks like another."""
    return (b"%07x\n" * (size // 8 + 1) % tuple(range(size // 8 + 1)))[:size]


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data) if data else b""


def stream_of(app):
    """Register `/`, which opens a stream; returns the list that it goes to."""
    streams = []
    app.get("/", lambda res: streams.append(res.stream()))
    return streams


def body(data):
    return data.partition(b"\r\n\r\n")[2]


def test_every_size_around_the_edges_is_one_chunk(app, rig):
    streams = stream_of(app)
    for size in EDGES:
        peer = rig.connect()
        peer.send(REQUEST)
        stream = streams.pop()
        rig.call(stream.write, payload(size))
        assert stream.bytes_sent == size
        rig.call(stream.end)
        assert body(peer.received) == chunk(payload(size)) + b"0\r\n\r\n", size


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(sizes, st.sampled_from(KINDS)), max_size=12))
def test_any_sequence_of_writes_in_one_turn(writes):
    app = App()

    @app.get("/")
    def handler(res):
        stream = res.stream()
        for size, kind in writes:
            stream.write(kind(payload(size)))
        stream.end()

    with serving(app) as rig:
        got = rig.connect().send(REQUEST)
        assert body(got) == b"".join(chunk(payload(size)) for size, _ in writes) + b"0\r\n\r\n"
        assert rig.state.tally.body_bytes == sum(size for size, _ in writes)


steps = st.lists(
    st.tuples(st.sampled_from(["write", "shared"]), sizes) | st.just(("flush", 0)),
    max_size=12,
)


@settings(max_examples=100, deadline=None)
@given(steps, st.booleans())
@example([("flush", 0), ("shared", 9), ("write", REFERENCE), ("shared", 9)], False)
@example([("flush", 0), ("shared", 9), ("write", REFERENCE), ("shared", 9)], True)
def test_copied_referenced_and_shared_output_keeps_its_order(steps, chunked):
    app = App()
    expected = []

    @app.get("/")
    def handler(res):
        sse = res.sse()
        for step, size in steps:
            if step == "flush":
                sse.flush()
                continue
            item = Event(payload(size)) if step == "shared" else payload(size)
            (sse.send if step == "shared" else sse.write)(item)
            expected.append(item.payload if step == "shared" else item)
        sse.close()

    request = REQUEST if chunked else REQUEST.replace(b"1.1", b"1.0")
    with serving(app) as rig:
        got = body(rig.connect().send(request))
        assert got == b"".join([*map(chunk, expected), b"0\r\n\r\n"] if chunked else expected)


def test_large_bytes_are_handed_to_the_transport_themselves(app, rig, peer):
    streams = stream_of(app)
    peer.send(REQUEST)
    for size in (REFERENCE, REFERENCE + 1, CORK, 10 * CORK):
        data = payload(size)
        rig.call(streams[0].write, data)
        assert any(piece is data for piece in peer.transport.calls[-1]), size
    small = payload(REFERENCE - 1)
    rig.call(streams[0].write, small)
    assert peer.transport.calls[-1] == [chunk(small)]


def test_a_large_whole_body_is_handed_to_the_transport_itself(app, peer):
    data = payload(10 * CORK)
    app.get("/", lambda res: res.send(data))
    assert read_answer(peer.send(REQUEST)).body == data
    assert any(piece is data for call in peer.transport.calls for piece in call)


def test_a_buffer_may_change_once_write_has_returned(app, rig, peer):
    streams = stream_of(app)
    peer.send(REQUEST)
    for size in (100, REFERENCE, CORK - 100, CORK):
        data = bytearray(payload(size))

        def write_and_change(data=data):
            streams[0].write(data)
            data[:] = b"!" * len(data)

        peer.stall()
        rig.call(write_and_change)
        assert peer.read() == chunk(payload(size)), size


def test_empty_writes_are_ignored(app, rig, peer):
    streams = stream_of(app)
    peer.send(REQUEST)
    calls = len(peer.transport.calls)
    for empty in (b"", "", bytearray(), memoryview(b"")):
        rig.call(streams[0].write, empty)
    rig.call(streams[0].writelines, ["", b""])
    assert peer.take() == b""
    assert len(peer.transport.calls) == calls
    assert streams[0].bytes_sent == 0


def test_text_is_utf_8_and_sized_in_bytes(app, rig, peer):
    streams = stream_of(app)
    peer.send(REQUEST)
    rig.call(streams[0].write, "äöü€😀")
    assert peer.take() == b"d\r\n\xc3\xa4\xc3\xb6\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80\r\n"


def test_what_cannot_be_written_leaves_nothing_behind(app, rig, peer):
    streams = stream_of(app)
    peer.send(REQUEST)
    for wrong in (None, 1, ["a"], {"a": 1}):
        with pytest.raises(TypeError, match="write"):
            rig.call(streams[0].write, wrong)
    with pytest.raises(UnicodeEncodeError):
        rig.call(streams[0].write, "\ud800")
    assert peer.take() == b""
    rig.call(streams[0].end, "whole")
    assert peer.take() == b"5\r\nwhole\r\n0\r\n\r\n"


def test_writelines_writes_every_piece_as_a_chunk(app, rig, peer):
    streams = stream_of(app)
    peer.send(REQUEST)
    rig.call(streams[0].writelines, (piece for piece in [b"a", "", "bc", bytearray(b"def")]))
    assert peer.take() == b"1\r\na\r\n2\r\nbc\r\n3\r\ndef\r\n"


def test_an_http_1_0_body_is_not_chunked_and_ends_with_the_connection(app, rig, peer):
    streams = stream_of(app)
    peer.send(b"GET / HTTP/1.0\r\n\r\n")
    for size in (3, REFERENCE, CORK):
        rig.call(streams[0].write, payload(size))
        assert peer.take() == payload(size)
    assert peer.end is None
    rig.call(streams[0].end, b"last")
    assert peer.take() == b"last"
    assert peer.end == "fin"

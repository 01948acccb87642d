"""The life of a writer: who may end it, how, what the client sees of it, and who is told."""

import asyncio
import gc

import pytest

from kito._core.stream import SSEWriter, StreamWriter
from kito.app import App
from kito.errors import ConnectionClosed, ResponseEnded

from .answers import read_answer, read_answers
from .rig import serving

REQUEST = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


@pytest.fixture
def stream(app, peer):
    """An open stream to `peer`, held by the test alone once its handler has returned."""
    streams = []
    app.get("/", lambda res: streams.append(res.stream()))
    peer.send(REQUEST)
    return streams.pop()


@pytest.fixture
def sse(app, peer):
    """An open event stream to `peer`."""
    writers = []
    app.get("/", lambda res: writers.append(res.sse()))
    peer.send(REQUEST)
    return writers.pop()


def test_a_writer_comes_from_a_response():
    for kind in (StreamWriter, SSEWriter):
        with pytest.raises(TypeError, match="res"):
            kind()


# === ending ===


def test_the_end_is_a_clean_end_and_the_connection_stays(rig, peer, stream):
    assert not stream.closed
    rig.call(stream.write, "a")
    rig.call(stream.end)
    assert stream.closed
    assert read_answer(peer.received).chunks == [b"a"]
    peer.send(REQUEST)
    assert len(read_answers(peer.received)) == 2
    assert peer.end is None


@pytest.mark.parametrize("data", ["last", b"last", b"x" * 70000, None, ""])
def test_the_end_may_bring_the_last_chunk(rig, peer, stream, data):
    rig.call(stream.end, data)
    answer = read_answer(peer.received)
    assert answer.chunks == ([data.encode() if isinstance(data, str) else data] if data else [])


def test_behind_the_end_every_write_raises(rig, peer, stream):
    rig.call(stream.end, "a")
    received = peer.received
    for late in (
        lambda: stream.write("b"),
        lambda: stream.write(""),
        lambda: stream.writelines(["b"]),
        stream.end,
        lambda: stream.end("b"),
    ):
        with pytest.raises(ResponseEnded):
            rig.call(late)
    rig.call(stream.flush)
    rig.call(stream.abort)
    assert peer.received == received
    assert peer.end is None


def test_closing_twice_is_no_error_and_sending_behind_it_is(rig, peer, sse):
    for _ in range(3):
        rig.call(sse.close)
    received = peer.received
    for late in (lambda: sse.send("x"), lambda: sse.send_json(1), lambda: sse.comment("x"), sse.end):
        with pytest.raises(ResponseEnded):
            rig.call(late)
    assert peer.received == received
    assert read_answer(received).body == b""


def test_an_abort_shows_the_client_that_the_body_is_not_whole(rig, peer, stream):
    rig.call(stream.write, "a")
    rig.call(stream.abort)
    assert stream.closed
    answer = read_answer(peer.received)
    assert answer.chunks == [b"a"]
    assert not answer.whole
    assert peer.end == "fin"
    with pytest.raises(ResponseEnded):
        rig.call(stream.write, "b")


def test_where_the_connection_ends_the_body_an_abort_is_a_reset(app, rig, peer):
    streams = []
    app.get("/", lambda res: streams.append(res.stream()))
    peer.send(b"GET / HTTP/1.0\r\n\r\n")
    rig.call(streams[0].write, "a")
    rig.call(streams[0].abort)
    assert peer.end == "rst"
    assert peer.received.endswith(b"\r\n\r\na")


def test_leaving_a_block_ends_the_stream(app, peer):
    @app.get("/")
    async def handler(res):
        async with res.stream() as stream:
            stream.write("a")

    assert read_answer(peer.send(REQUEST)).chunks == [b"a"]


def test_leaving_a_block_by_an_error_is_truncation(app, rig, peer):
    @app.get("/")
    async def handler(res):
        async with res.stream() as stream:
            stream.write("a")
            raise RuntimeError("half way")

    assert not read_answer(peer.send(REQUEST)).whole
    assert peer.end == "fin"
    rig.log.take("failed after the head")


# === dropping ===


def test_a_writer_dropped_by_a_handler_that_returns_is_a_clean_end(app, peer):
    @app.get("/")
    def handler(res):
        res.stream().write("a")

    answers = read_answers(peer.send(*[REQUEST] * 5))  # whose memory may be that of the one before
    assert [answer.chunks for answer in answers] == [[b"a"]] * 5
    assert all(answer.whole for answer in answers)
    assert peer.end is None


def test_a_writer_dropped_while_its_task_runs_is_a_clean_end_when_the_task_is_done(app, rig, peer):
    future = rig.future()

    @app.get("/")
    async def handler(res):
        res.stream().write("a")
        await future

    assert not read_answer(peer.send(REQUEST)).whole
    rig.call(future.set_result, None)
    assert read_answer(peer.received).chunks == [b"a"]
    assert peer.end is None


def test_debug_warns_of_a_writer_that_was_not_ended():
    app = App(debug=True)

    @app.get("/")
    def handler(res):
        res.stream().write("a")

    @app.get("/ended")
    def ended(res):
        res.stream().end("a")

    with serving(app) as rig:
        peer = rig.connect()
        with pytest.warns(ResourceWarning, match=r"end\(\)"):
            assert read_answer(peer.send(REQUEST)).whole
        assert read_answer(peer.send(b"GET /ended HTTP/1.1\r\nhost: x\r\n\r\n")).whole


def test_a_writer_lost_later_is_truncation(app, rig, peer):
    streams = []
    app.get("/", lambda res: streams.append(res.stream()))
    peer.send(REQUEST)
    rig.call(streams[0].write, "a")
    rig.call(streams.clear)
    gc.collect()
    rig.loop.settle()
    assert not read_answer(peer.received).whole
    assert peer.end == "fin"
    rig.log.take("was lost without end")


def test_an_ended_writer_may_be_dropped(app, rig, peer):
    streams = []
    app.get("/", lambda res: streams.append(res.stream()))
    peer.send(REQUEST)
    rig.call(streams[0].end)
    rig.call(streams.clear)
    gc.collect()
    rig.loop.settle()
    assert read_answer(peer.received).whole
    assert peer.end is None


def test_a_bound_method_keeps_its_writer(app, rig, peer):
    @app.get("/")
    def handler(res):
        stream = res.stream()
        loop = asyncio.get_running_loop()
        loop.call_later(1, stream.write, "a")
        loop.call_later(2, stream.end, "b")

    peer.send(REQUEST)
    gc.collect()
    rig.sleep(1)
    rig.sleep(1)
    assert read_answer(peer.received).chunks == [b"a", b"b"]


# === being told ===


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        (lambda rig, peer, stream: rig.call(stream.end), "ended"),
        (lambda rig, peer, stream: rig.call(stream.abort), "error"),
        (lambda rig, peer, stream: peer.leave(), "client_left"),
        (lambda rig, peer, stream: peer.leave(ConnectionResetError()), "client_left"),
        (lambda rig, peer, stream: rig.call(peer.protocol.abort), "shutdown"),
        (lambda rig, peer, stream: rig.call(peer.protocol.cut_off, "shutdown"), "shutdown"),
    ],
    ids=["end", "abort", "FIN", "RST", "dropped by the server", "cut off by the server"],
)
def test_whoever_ends_a_stream_everybody_is_told_once(rig, peer, stream, how, reason):
    told = []
    assert stream.on_close(told.append) == told.append
    stream.on_close(told.append)
    waiting = [rig.call(rig.loop.create_task, stream.wait_closed()) for _ in range(2)]
    rig.call(stream.write, "abc")
    assert told == []
    how(rig, peer, stream)
    peer.leave()
    assert [end.reason for end in told] == [reason] * 2
    assert [task.result() for task in waiting] == told
    assert (told[0].bytes_sent, told[0].events_sent) == (3, 0)
    assert repr(told[0]) == f"StreamEnd({reason!r}, bytes_sent=3, events_sent=0, dropped=0)"
    rig.call(stream.on_close, told.append)
    assert len(told) == 3  # who asks later is told at once
    totals = rig.state.tally.snapshot()
    assert (totals["streams_opened"], totals["streams_open"], totals["ends"]) == (1, 0, {reason: 1})


def test_an_on_close_that_fails_does_not_hurt_the_others(rig, peer, stream):
    told = []
    stream.on_close(lambda end: 1 / 0)
    stream.on_close(told.append)
    rig.call(stream.end)
    assert len(told) == 1
    rig.log.take("on_close")
    assert read_answer(peer.received).whole


@pytest.mark.parametrize("wrong", [None, 1, "x"])
def test_on_close_takes_a_function(rig, stream, wrong):
    with pytest.raises(TypeError):
        rig.call(stream.on_close, wrong)


def test_a_cancelled_wait_leaves_nothing_behind(rig, stream):
    task = rig.call(rig.loop.create_task, stream.wait_closed())
    rig.call(task.cancel)
    assert task.cancelled()
    rig.call(stream.end)


def test_the_task_of_a_stream_whose_client_leaves_is_cancelled(app, rig, peer):
    outcomes = []

    @app.get("/")
    async def handler(res):
        res.stream().write("a")
        try:
            await rig.future()
        except asyncio.CancelledError:
            outcomes.append("cancelled")
            raise

    peer.send(REQUEST)
    peer.leave()
    assert outcomes == ["cancelled"]
    assert rig.state.dispatcher.tasks == {}


@pytest.mark.parametrize("policy", ["detach", "finish"])
def test_a_route_may_let_its_task_run_on(rig, peer, app, policy):
    future = rig.future()
    outcomes = []

    @app.get("/", on_disconnect=policy)
    async def handler(res):
        stream = res.stream()
        await future
        stream.write("goes nowhere")
        outcomes.append(stream.closed)

    peer.send(REQUEST)
    peer.leave()
    assert outcomes == []
    rig.call(future.set_result, None)
    assert outcomes == [policy == "detach"]


def test_a_handler_without_a_stream_runs_to_its_end(app, rig, peer):
    future = rig.future()
    outcomes = []

    @app.get("/")
    async def handler(res):
        await future
        outcomes.append("half a transaction helps nobody")
        return "x"

    peer.send(REQUEST)
    peer.leave()
    rig.call(future.set_result, None)
    assert len(outcomes) == 1


def test_a_stream_opened_for_a_client_that_has_left_is_closed(app, rig, peer):
    future = rig.future()
    outcomes = []

    @app.get("/", on_disconnect="detach")
    async def handler(res):
        await future
        stream = res.stream()
        stream.on_close(lambda end: outcomes.append(end.reason))
        outcomes.append((await stream.wait_closed()).reason)
        assert stream.closed
        stream.write("nobody")
        with pytest.raises(ConnectionClosed):
            await stream.write("nobody")
        outcomes.append("done")

    @app.get("/cancelled")
    async def cancelled(res):
        await future
        res.stream()
        await rig.future()
        outcomes.append("never")

    peer.send(REQUEST)
    other = rig.connect()
    other.send(b"GET /cancelled HTTP/1.1\r\nhost: x\r\n\r\n")
    peer.leave()
    other.leave()
    rig.call(future.set_result, None)
    assert outcomes == ["client_left", "client_left", "done"]
    assert rig.state.dispatcher.tasks == {}

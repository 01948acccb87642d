"""Deadlines: never early, at most one tick late, however often they are moved, whatever the distance."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kito import Timeouts
from kito._core.clock import Clock
from kito.app import App

from .rig import serving

REQUEST = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
WHEEL = 128  # ticks; a deadline further away waits for another turn of the wheel

# Around the edges of the wheel, and anything else up to three turns of it.
distances = st.sampled_from([1, 2, WHEEL - 2, WHEEL - 1, WHEEL, WHEEL + 1, 2 * WHEEL]) | st.integers(1, 3 * WHEEL)


class Model:
    """What one client has done, and from that the tick at which its connection must end: not earlier, not later."""

    def __init__(self, rig, timeouts, waiting):
        self.rig = rig
        self.timeouts = timeouts
        self.futures = waiting
        self.peer = rig.connect()
        self.in_head = self.waiting = False
        self._arm(timeouts.head)

    def _arm(self, seconds):
        # A timeout of n ticks is over when n whole ticks have passed; the one under way is not whole.
        self.due = self.rig.state.clock.tick + int(seconds) + 1

    def answer(self):
        """A whole request, or the rest of one: the connection is idle again."""
        if not self.waiting:
            self.peer.send(REQUEST[5:] if self.in_head else REQUEST)
            self.in_head = False
            self._arm(self.timeouts.keep_alive)

    def begin(self):
        """The first bytes of a request; the time for a head is counted from here, or from the accept."""
        if not self.waiting and not self.in_head:
            fresh = not self.peer.received
            self.peer.send(REQUEST[:5])
            self.in_head = True
            if not fresh:
                self._arm(self.timeouts.head)

    def wait(self):
        """A request whose handler takes its time: nothing is due."""
        if not self.in_head and not self.waiting:
            self.peer.send(b"GET /wait/%d HTTP/1.1\r\nhost: x\r\n\r\n" % id(self))
            self.waiting = True
            self.due = None

    def go_on(self):
        """The handler answers after all."""
        if self.waiting:
            self.rig.call(self.futures.pop(str(id(self))).set_result, "x")
            self.waiting = False
            self._arm(self.timeouts.keep_alive)


def check(rig, models):
    """Every connection is served whose time has not come, and no other."""
    tick = rig.state.clock.tick
    for model in models:
        assert (model.peer.end is not None) == (model.due is not None and model.due <= tick), (tick, model.due)


def run(rig, models, steps):
    for step, number in steps:
        if step == "brink":  # up to the last tick at which nothing more is due, and one tick beyond
            dues = [model.due for model in models if model.due is not None and model.peer.end is None]
            if dues:
                rig.call(rig.state.clock.advance, min(dues) - rig.state.clock.tick - 1)
                check(rig, models)
                rig.call(rig.state.clock.advance, 1)
        elif step == "advance":
            rig.call(rig.state.clock.advance, number)
        else:
            model = models[number % len(models)]
            if model.peer.end is None:
                getattr(model, step)()
        check(rig, models)


steps = st.lists(
    st.tuples(st.sampled_from(["answer", "begin", "wait", "go_on"]), st.integers(0, 4))
    | st.tuples(st.just("advance"), distances)
    | st.just(("brink", 0)),
    max_size=40,
)


@settings(max_examples=200, deadline=None)
@given(distances, distances, st.integers(1, 5), steps)
def test_deadlines_fire_in_their_tick(head, keep_alive, connections, steps):
    app = App()
    app.get("/", lambda res: res.send("x"))
    waiting = {}

    @app.get("/wait/:name")
    async def wait(name):
        waiting[name] = asyncio.get_running_loop().create_future()
        return await waiting[name]

    timeouts = Timeouts(head=head, keep_alive=keep_alive)
    with serving(app, timeouts=timeouts) as rig:
        run(rig, [Model(rig, timeouts, waiting) for _ in range(connections)], steps)


def test_a_thousand_connections_end_in_their_tick(app):
    with serving(app, timeouts=Timeouts(head=200)) as rig:
        peers = []
        for _ in range(20):
            peers.append([rig.connect() for _ in range(50)])
            rig.tick()
        rig.tick(200 + 1 - 20)
        for tick, accepted in enumerate(peers):
            assert {peer.gone for peer in accepted} == {True}, tick
            assert {peer.gone for later in peers[tick + 1 :] for peer in later} <= {False}, tick
            rig.tick()


def test_one_timer_sweeps_whatever_the_number_of_connections(app):
    app.get("/", lambda: "x")
    app.get("/events", lambda res: keep.append(res.sse()))
    app.get("/slow", lambda: keep.append(asyncio.get_running_loop().create_future()) or keep[-1])
    app.post("/up", lambda req: req.read(), stream_body=True)
    host = b"host: x\r\n"
    kinds = [
        b"",
        b"GET",
        b"GET / HTTP/1.1\r\n" + host + b"\r\n",
        b"GET /events HTTP/1.1\r\n" + host + b"\r\n",
        b"GET /slow HTTP/1.1\r\n" + host + b"\r\n",
        b"POST / HTTP/1.1\r\n" + host + b"content-length: 9\r\n\r\nx",
        b"POST /up HTTP/1.1\r\n" + host + b"content-length: 9\r\n\r\nx",
    ]
    keep: list[object] = []
    with serving(app, timeouts=Timeouts(handler=50)) as rig:
        rig.state.clock.start(rig.loop)
        for number in range(1000):
            rig.connect().send(kinds[number % len(kinds)])
        assert len(rig.state.connections) == 1000
        asked = count_callbacks(rig.loop)
        for _ in range(5):
            rig.sleep(1.0)
        assert asked == ["call_later"] * 5


def count_callbacks(loop):
    """From now on, what a loop was asked to call: the name of the method for each."""
    asked = []

    def counting(name):
        method = getattr(loop, name)

        def call(*args, **kwargs):
            asked.append(name)
            before = len(asked)
            outcome = method(*args, **kwargs)
            del asked[before:]  # call_later() is call_at()
            return outcome

        return call

    for name in ("call_soon", "call_later", "call_at"):
        setattr(loop, name, counting(name))
    return asked


@pytest.mark.parametrize(("tick_s", "seconds", "ticks"), [(0.25, 1.0, 4), (0.3, 1.0, 4), (2.0, 1.0, 1), (1.0, 0.01, 1)])
def test_a_timeout_is_rounded_up_to_whole_ticks(app, tick_s, seconds, ticks):
    with serving(app, timeouts=Timeouts(head=seconds), tick_s=tick_s) as rig:
        peer = rig.connect()
        rig.tick(ticks)
        assert not peer.gone
        rig.tick()
        assert peer.gone


@pytest.mark.parametrize("tick_s", [0.0, -1.0, float("nan")])
def test_a_tick_takes_time(tick_s):
    with pytest.raises(ValueError, match="positive"):
        Clock(tick_s)


def test_a_connection_that_ends_takes_its_deadlines_along(app):
    with serving(app, timeouts=Timeouts(head=5)) as rig:
        peers = [rig.connect() for _ in range(10)]
        for peer in peers[::2]:
            peer.leave()
        calls = [list(peer.transport.calls) for peer in peers]
        del peers[::2], peer
        rig.tick(6)
        assert all(peer.gone for peer in peers)
        assert calls == [[]] * 10

"""The times of streams: to the head, to the first frame, and between the turns in which something is written."""

import asyncio
import itertools
import time

import pytest

from kito import server
from kito._core.tally import Tally
from tests.core.answers import read_answer

REQUEST = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


def counts(rig):
    stats = rig.state.tally.snapshot()
    return {name: stats[name]["count"] for name in ("time_to_head", "time_to_first", "gaps")}


def test_before_anything_happens():
    times = Tally().snapshot()["gaps"]
    assert times["count"] == times["sum"] == 0
    bounds = list(times["buckets"])
    assert bounds[0] == 0.001
    assert all(later == 2 * bound for bound, later in itertools.pairwise(bounds[:-1]))
    assert bounds[-2] > 120
    assert bounds[-1] == float("inf")


@pytest.mark.parametrize("kind", ["stream", "sse"])
def test_a_stream_is_timed_once_and_its_turns_each(app, rig, peer, kind):
    writers = []
    app.get("/", lambda res: writers.append(getattr(res, kind)()))
    peer.send(REQUEST)
    assert counts(rig) == {"time_to_head": 1, "time_to_first": 0, "gaps": 0}

    def write_twice():
        for _ in range(2):
            writers[0].write("data: x\n\n")

    rig.call(write_twice)
    assert counts(rig) == {"time_to_head": 1, "time_to_first": 1, "gaps": 0}
    rig.call(write_twice)
    rig.call(write_twice)
    assert counts(rig) == {"time_to_head": 1, "time_to_first": 1, "gaps": 2}


def test_what_is_not_the_producers_is_not_timed(app, rig, peer):
    writers = []
    app.get("/", lambda res: writers.append(res.sse(retry=9, heartbeat=1)))
    peer.send(REQUEST)
    rig.tick(10)
    assert peer.received.count(b":\n\n") > 2
    assert counts(rig) == {"time_to_head": 1, "time_to_first": 0, "gaps": 0}
    rig.call(writers[0].send, "x")
    assert counts(rig)["time_to_first"] == 1


def test_whole_answers_and_bodies_that_nobody_wants_are_not_timed(app, rig, peer):
    app.get("/", lambda: "whole")
    peer.send(REQUEST)
    assert counts(rig) == {"time_to_head": 0, "time_to_first": 0, "gaps": 0}


def test_times_are_times():
    async def main():
        app = server()

        @app.get("/")
        async def handler(res):
            await asyncio.sleep(0.03)
            stream = res.stream()
            await asyncio.sleep(0.03)
            stream.write("first")
            await asyncio.sleep(0.03)
            stream.end("last")

        async with app.running(port=0) as (host, port):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(REQUEST.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"))
            assert read_answer(await reader.read()).body == b"firstlast"
            writer.close()
            return app.stats

    stats = asyncio.run(main())
    assert 0.02 < stats["time_to_head"]["sum"] < stats["time_to_first"]["sum"]
    assert stats["time_to_first"]["sum"] > 0.05
    assert stats["gaps"]["sum"] > 0.02
    assert stats["gaps"]["buckets"][0.001] == 0


@pytest.mark.parametrize(
    ("seconds", "bound"), [(0.0, 0.001), (0.0015, 0.002), (0.003, 0.004), (0.1, 0.128), (1.5, 2.048)]
)
def test_each_time_is_in_its_bucket(seconds, bound):
    """A stream that waits for its head as long as it says; the loop of the test has a clock of its own."""

    async def main():
        app = server()

        @app.get("/")
        async def handler(res):
            time.sleep(seconds)  # noqa: ASYNC251 - exactly so long, whatever else is there to be done
            res.stream().end("x")

        async with app.running(port=0) as (host, port):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(REQUEST.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"))
            await reader.read()
            writer.close()
            return app.stats["time_to_head"]

    times = asyncio.run(main())
    (found,) = [upper for upper, count in times["buckets"].items() if count]
    assert found >= bound
    assert found / 2 <= times["sum"] < found or (found == 0.001 and times["sum"] < found)

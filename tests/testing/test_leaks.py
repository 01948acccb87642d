"""A test that leaves something running fails, and is told what; one that cleans up does not."""

import asyncio
import http.client
import time
from contextlib import suppress

import pytest

from kito import server
from kito.testing import AsyncTestClient, LeakError, ResponseTimeout, TestClient

QUICK = {"timeout": 0.3}  # seconds: what is meant to fail here fails soon


async def stubborn(released):
    """Ends only when it is told to."""
    while not released.is_set():
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)


@pytest.fixture
def app():
    app = server()
    app.get("/", lambda: "fine")

    @app.get("/open")
    async def opened(res):
        sse = res.sse()
        sse.send("here")
        await sse.wait_closed()

    @app.get("/spawn")
    async def spawn():
        app.task = asyncio.create_task(asyncio.sleep(3600), name="forgotten")
        return "spawned"

    @app.get("/deaf", on_disconnect="detach")
    async def deaf(res):
        res.stream().write("still here")
        await asyncio.sleep(3600)

    return app


def test_a_test_that_cleans_up_passes(app):
    with TestClient(app) as client:
        client.get("/")
        with client.sse("/open") as events:
            events.next()
        stream = client.stream("GET", "/")
        stream.rest()  # read to its end: nothing is left


def test_an_open_stream_is_named(app):
    message = "the response of GET /open is neither read to its end nor closed"
    with pytest.raises(LeakError, match=message), TestClient(app) as client:
        client.sse("/open")


def test_a_task_of_the_app_is_named(app):
    message = r"task forgotten runs sleep at tasks.py:\d+"
    with pytest.raises(LeakError, match=message) as leak, TestClient(app, **QUICK) as client:
        client.get("/spawn", timeout=5)
    assert len(leak.value.leaks) == 1


def test_a_handler_that_goes_on_without_its_client_is_named(app):
    message = r"runs .*deaf at test_leaks.py:\d+"
    with (
        pytest.raises(LeakError, match=message),
        TestClient(app, **QUICK) as client,
        client.stream("GET", "/deaf") as stream,
    ):
        stream.next(5)


def test_the_error_of_the_test_comes_first(app):
    def test():
        with TestClient(app) as client:
            client.sse("/open")
            raise LookupError("of the test")

    with pytest.raises(LookupError) as caught:
        test()
    assert caught.value.__notes__ == ["left behind: the response of GET /open is neither read to its end nor closed"]


def test_an_idle_connection_of_somebody_else_is_no_leak(app):
    with TestClient(app) as client:
        other = http.client.HTTPConnection(*client.address, timeout=5)
        other.request("GET", "/")
        assert other.getresponse().read() == b"fine"
    other.close()


def test_a_task_of_the_test_counts(app):
    async def test():
        released = asyncio.Event()
        with pytest.raises(LeakError, match="task mine runs stubborn"):
            async with AsyncTestClient(app, **QUICK):
                task = asyncio.create_task(stubborn(released), name="mine")
        released.set()
        task.cancel()
        await task

    asyncio.run(test())


def test_what_ran_before_does_not_count(app):
    async def test():
        task = asyncio.create_task(asyncio.sleep(3600))
        async with AsyncTestClient(app) as client:
            assert (await client.get("/")).text == "fine"
        task.cancel()

    asyncio.run(test())


def test_an_app_that_blocks_its_loop_is_found_where_it_does(app):
    @app.get("/blocks")
    def blocks():
        time.sleep(6)

    begin = time.monotonic()
    message = r"blocks its event loop: blocks at .*test_leaks\.py:\d+"
    with (
        pytest.raises(LeakError, match=message),
        TestClient(app, **QUICK) as client,
        pytest.raises(ResponseTimeout, match=message),
    ):
        client.get("/blocks")
    assert time.monotonic() - begin < 6  # it has not waited for the handler


def test_a_task_that_refuses_to_end_does_not_hold_the_test(app):
    @app.get("/stubborn")
    async def handler():
        app.task = asyncio.current_task()
        await stubborn(asyncio.Event())

    message = r"runs .*handler at test_leaks.py:\d+"
    with (
        pytest.raises(LeakError, match=message),
        TestClient(app, **QUICK) as client,
        pytest.raises(ResponseTimeout),
    ):
        client.get("/stubborn")
    app.task._log_destroy_pending = False  # the loop is gone, and the task with it

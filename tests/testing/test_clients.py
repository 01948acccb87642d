"""The two clients: where the app runs, what they refuse, how time is moved."""

import asyncio
import threading

import pytest
import uvloop

from kito import Timeouts, server
from kito.testing import AsyncTestClient, EndOfStream, ResponseTimeout, ResponseTruncated, TestClient


@pytest.fixture
def app():
    app = server(port=9, unix_socket=None, tls=None)
    app.get("/", lambda: "fine")
    app.get("/thread", lambda: threading.current_thread().name)

    @app.get("/quiet")
    async def quiet(res):
        sse = res.sse(heartbeat=15)
        await sse.wait_closed()

    @app.get("/quick")
    async def quick(res):
        sse = res.sse(heartbeat=1)
        await sse.wait_closed()

    @app.get("/slow")
    async def slow():
        await asyncio.sleep(3600)

    return app


@pytest.mark.parametrize("factory", [uvloop.new_event_loop, asyncio.SelectorEventLoop])
def test_an_async_test(app, factory):
    async def test():
        async with AsyncTestClient(app) as client:
            assert client.app is app
            assert (await client.get("/")).text == "fine"
            for method in ("post", "put", "patch", "delete"):
                assert (await getattr(client, method)("/")).status == 405
            assert (await client.head("/")).body == b""
            assert (await client.options("/")).status == 204
            async with client.stream("GET", "/") as stream:
                assert [chunk async for chunk in stream] == [b"fine"]
            async with client.sse("/quiet") as events:
                await client.advance(15)
                assert await events.next_comment() == ""
                waiting = asyncio.create_task(events.next())
                await asyncio.sleep(0)
                await events.close()  # a read that waits is told
                with pytest.raises(ConnectionAbortedError):
                    await waiting
            events = await client.sse("/quiet")
            await events.half_close()
            await events.cut()

    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(test())


def test_the_app_runs_in_a_thread_and_listens_by_itself(app):
    with TestClient(app) as client:
        assert client.app is app
        assert client.get("/thread").text == "kito-testing"
        assert client.address[0] == "127.0.0.1"
        assert client.address[1] != 9
        assert app.address == client.address
    assert app.address is None
    with TestClient(app) as client:  # again
        assert client.get("/").text == "fine"


def test_outside_of_its_block_a_client_says_so(app):
    client = TestClient(app)
    for use in (lambda: client.get("/"), lambda: client.address, lambda: client.sse("/"), lambda: client.advance(1)):
        with pytest.raises(RuntimeError, match="use the client in its `with` block"):
            use()
    with pytest.raises(RuntimeError, match="use the client in its `with` block"):
        asyncio.run(AsyncTestClient(app).advance(1))


def test_an_app_that_cannot_start_says_why(app):
    @app.on_startup
    def broken():
        raise LookupError("no database")

    with pytest.raises(LookupError, match="no database"), TestClient(app):
        pass


def test_a_handler_cannot_use_the_client_of_its_app(app):
    with TestClient(app) as client:

        @app.get("/loop")
        def loop():
            with pytest.raises(RuntimeError, match="would wait for itself"):
                client.get("/")
            return "said"

        assert client.get("/loop").text == "said"


@pytest.mark.parametrize("options", [{"port": 80}, {"unix_socket": "/x"}, {"tls": None}, {"workers": 2}])
def test_where_it_listens_is_not_for_the_test_to_say(app, options):
    with pytest.raises(TypeError, match=f"leave out {next(iter(options))}"):
        TestClient(app, **options)


@pytest.mark.parametrize("timeout", [0, -1, float("inf"), float("nan")])
def test_there_is_always_a_timeout(app, timeout):
    with pytest.raises(ValueError, match="positive number of seconds"):
        TestClient(app, timeout=timeout)


def test_other_options_reach_the_app(app):
    with TestClient(app, timeouts=Timeouts(handler=20), max_request_size=4) as client:
        client.advance(0)
        assert client.post("/", body="12345").status == 413


# === time ===


def test_heartbeats_come_with_the_time_that_the_test_lets_pass(app):
    with TestClient(app) as client, client.sse("/quiet") as events:
        client.advance(14)
        with pytest.raises(ResponseTimeout):
            events.next_comment(0.2)
        client.advance(1)
        assert events.next_comment() == ""
        client.advance(60)
        for _ in range(4):
            events.next_comment()
        with pytest.raises(ResponseTimeout):
            events.next_comment(0.2)


def test_the_servers_own_time_stands_still_from_then_on(app):
    with TestClient(app) as client:
        client.advance(0)
        with client.sse("/quick") as events:
            with pytest.raises(ResponseTimeout):
                events.next_comment(2.2)  # seconds: in real time one would have come
            client.advance(1)
            assert events.next_comment() == ""


def test_timeouts_come_too(app):
    with TestClient(app, timeouts=Timeouts(handler=20)) as client:
        got = []
        thread = threading.Thread(target=lambda: got.append(ask(client.address)))
        thread.start()
        while not client.app.stats["requests"]:
            client.advance(0)
        client.advance(20)
        thread.join(5)
        assert got == [503]


def ask(address):
    import http.client

    other = http.client.HTTPConnection(*address, timeout=5)
    try:
        other.request("GET", "/slow", headers={"connection": "close"})
        answer = other.getresponse()
        answer.read()
        return answer.status
    finally:
        other.close()


@pytest.mark.parametrize("seconds", [-1, float("inf"), float("nan")])
def test_time_goes_forward(app, seconds):
    with TestClient(app) as client, pytest.raises(ValueError, match="from 0 on"):
        client.advance(seconds)


def test_an_app_that_is_closed_by_the_test(app):
    with TestClient(app) as client, client.sse("/quiet") as events:
        client.advance(1)
        app.close(grace=0)
        with pytest.raises((ResponseTruncated, EndOfStream)):
            events.rest()

"""The server object: its options, its state while it does not run, and the ways to be told that they are wrong."""

import asyncio

import pytest

from kito import ConfigError, Limits, Server, Timeouts, server


def test_server_makes_a_server_that_does_not_run():
    app = server()
    assert isinstance(app, Server)
    assert app.address is None
    assert app.stats == {}


def test_servers_share_nothing():
    first, second = server(), server()
    first.get("/", lambda: "x")
    assert len(first.table) == 1
    assert len(second.table) == 0


@pytest.mark.parametrize(
    "options",
    [
        {"host": "::1", "port": 8080},
        {"unix_socket": "./kito.sock"},
        {"limits": Limits(body_size=1), "timeouts": Timeouts(head=1)},
        {"max_request_size": 1024, "timeout": 5},
        {"debug": True},
    ],
    ids=repr,
)
def test_options(options):
    server(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prot": 80}, "did you mean port"),
        ({"port": "80"}, "write a whole number"),
        ({"port": 70000}, "from 0 to 65535"),
        ({"limits": {"body_size": 1}}, r"write limits=Limits"),
        ({"timeouts": 5}, r"write timeouts=Timeouts"),
        ({"max_request_size": 1, "limits": Limits()}, "given together"),
        ({"debug": 1}, "write True or False"),
    ],
    ids=repr,
)
def test_a_bad_option_is_told_where_it_is_written(options, message):
    with pytest.raises(ConfigError, match=message):
        server(**options)
    app = server()
    with pytest.raises(ConfigError, match=message):
        app.listen(**options)
    with pytest.raises(ConfigError, match=message):
        asyncio.run(app.serve(**options))
    assert app.address is None


def test_debug_reaches_the_app():
    assert server(debug=True).debug is True
    assert server().debug is False


def test_too_many_positions():
    with pytest.raises(TypeError, match="listen"):
        server().listen(0, "127.0.0.1", print, print)


def test_a_position_of_listen_that_is_given_by_name_too():
    with pytest.raises(TypeError, match="got port by position and by name"):
        server().listen(0, port=1)
    with pytest.raises(TypeError, match="listen"):
        server().listen(print, 0)


def test_names_beside_the_function_that_is_called_when_it_listens():
    app, seen = server(port=1), []
    app.listen(lambda: (seen.append((app.address[0], app.address[1] > 1, app.debug)), app.close()), port=0, debug=True)
    assert seen == [("127.0.0.1", True, True)]


def test_listen_where_a_loop_runs():
    async def main():
        with pytest.raises(RuntimeError, match=r"write `await app\.serve"):
            server().listen(0)

    asyncio.run(main())


def test_stopping_what_does_not_run():
    app = server()
    app.close()
    app.close(grace=0)
    asyncio.run(app.aclose())


def test_options_of_a_run_are_those_of_that_run():
    """What `serve` is told takes the place of what `server` was told, once."""
    app = server(port=1, host="192.0.2.1")
    seen = []

    async def main():
        for _ in range(2):
            await app.serve(port=0, host="127.0.0.1", on_ready=lambda: (seen.append(app.address[0]), app.close()))

    asyncio.run(main())
    assert seen == ["127.0.0.1"] * 2
    with pytest.raises(OSError, match=r"192\.0\.2\.1:1"):
        asyncio.run(app.serve())


def test_an_error_in_on_ready_stops_the_server():
    app, stopped = server(port=0), []
    app.on_shutdown(lambda: stopped.append(app.stats["connections"]))

    def fail():
        raise RuntimeError("not ready at all")

    with pytest.raises(RuntimeError, match="not ready at all"):
        app.listen(fail)
    assert stopped == [0]
    assert app.address is None

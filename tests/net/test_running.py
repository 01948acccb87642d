"""Starting and addressing servers: ports, Unix sockets, loops, threads, several apps, and routes that come later."""

import asyncio
import errno
import socket
import threading

import pytest
import uvloop

from kito import server
from tests.support.wire import Wire, soon, until

tcp = pytest.mark.wirings("uvloop-tcp", "asyncio-tcp")
unix = pytest.mark.wirings("uvloop-unix", "asyncio-unix")


async def ask(address, path="/"):
    """One GET on a connection of its own."""
    wire = await Wire.connect(address)
    await wire.get(path)
    answer = await wire.answer()
    wire.close()
    return answer


@tcp
async def test_port_0_is_a_free_port_and_the_address_names_it(net):
    app = server()
    app.get("/", lambda: "here")
    assert app.address is None
    async with app.running(port=0) as address:
        host, port = address
        assert (host, app.address) == ("127.0.0.1", address)
        assert port > 0
        assert (await ask(address)).body == b"here"
    assert app.address is None
    with pytest.raises(ConnectionRefusedError):
        await Wire.connect(address)


@tcp
async def test_a_port_in_use_is_an_error_that_names_it(net):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        app = server()
        with pytest.raises(OSError, match=f"127.0.0.1:{port}: Address already in use") as caught:
            async with app.running(port=port):
                pytest.fail("two servers on one port")
        assert caught.value.errno == errno.EADDRINUSE
    async with app.running(port=port):  # it failed cleanly
        pass


@tcp
async def test_an_address_that_is_not_ours_is_an_error_that_names_it(net):
    with pytest.raises(OSError, match=r"cannot listen on 192\.0\.2\.1:80"):
        async with server().running(host="192.0.2.1", port=80):
            pytest.fail("a documentation address")


@unix
async def test_a_unix_socket_serves_and_its_path_is_the_address(net):
    path = str(net.folder / "x.sock")
    app = server(unix_socket=path)
    app.get("/", lambda req: [req.client, req.secure])
    async with app.running() as address:
        assert address == app.address == path
        assert [entry.is_socket() for entry in net.folder.iterdir()] == [True]
        assert (await ask(address)).body == b"[null,false]"


@unix
async def test_a_stale_socket_file_is_replaced(net):
    path = str(net.folder / "x.sock")
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(path)
    app = server()
    app.get("/", lambda: "new")
    async with app.running(unix_socket=path):
        assert (await ask(path)).body == b"new"
    async with app.running(unix_socket=path):  # and what the first run left is stale, too
        assert (await ask(path)).body == b"new"


@unix
async def test_the_socket_of_a_live_server_is_left_alone(net):
    path = str(net.folder / "x.sock")
    first, second = server(), server()
    first.get("/", lambda: "first")
    async with first.running(unix_socket=path):
        with pytest.raises(OSError, match=r"cannot listen on .*x\.sock") as caught:
            async with second.running(unix_socket=path):
                pytest.fail("two servers on one path")
        assert caught.value.errno == errno.EADDRINUSE
        assert (await ask(path)).body == b"first"


@unix
async def test_a_file_is_not_taken_for_a_socket(net):
    path = net.folder / "notes.txt"
    path.write_text("dear diary")
    with pytest.raises(OSError, match=r"notes\.txt"):
        async with server().running(unix_socket=str(path)):
            pytest.fail("a socket in the place of a file")
    assert path.read_text() == "dear diary"


async def test_a_server_runs_once_at_a_time_and_again_later(net):
    app = server()
    app.get("/", lambda: "x")
    for _ in range(2):
        async with net.serving(app) as site:
            with pytest.raises(RuntimeError, match="already running"):
                await app.serve(port=0)
            assert (await site.get("/")).status == 200


async def test_listen_in_a_running_loop_says_what_to_write(net):
    app = server()
    with pytest.raises(RuntimeError, match=r"await app\.serve"):
        app.listen(0)
    assert app.address is None


@tcp
async def test_serve_runs_until_close(net):
    app = server()
    app.get("/", lambda: "x")
    ready = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(app.serve(port=0, on_ready=lambda: ready.set_result(app.address)))
    address = await soon(ready)
    assert (await ask(address)).status == 200
    app.close()
    await soon(serving)
    assert app.address is None


@tcp
async def test_on_ready_may_be_a_coroutine_function(net):
    app = server()
    app.get("/", lambda: "x")
    answers = []

    async def on_ready():
        answers.append(await ask(app.address))
        app.close()

    await soon(app.serve(port=0, on_ready=on_ready))
    assert [answer.status for answer in answers] == [200]


@tcp
async def test_cancelling_serve_stops_the_server(net):
    app = server()
    left = []
    app.on_shutdown(lambda: left.append(True))
    ready = asyncio.Event()
    serving = asyncio.create_task(app.serve(port=0, on_ready=ready.set))
    await soon(ready.wait())
    address = app.address
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await soon(serving)
    assert left == [True]
    with pytest.raises(ConnectionRefusedError):
        await Wire.connect(address)


@pytest.mark.parametrize("form", ["port", "callback", "three"])
def test_listen_owns_a_loop_of_its_own(net, form):
    """In a thread, with `close()` from another one."""
    app = server(port=0)
    app.get("/", lambda: "x")
    ready = threading.Event()
    arguments = {
        "port": (0,),
        "callback": (ready.set,),
        "three": (0, "127.0.0.1", ready.set),
    }[form]
    options = {"on_ready": ready.set} if form == "port" else {}
    thread = threading.Thread(target=app.listen, args=arguments, kwargs=options)
    thread.start()
    assert ready.wait(5)
    assert asyncio.run(ask(app.address)).body == b"x"
    app.close()
    thread.join(5)
    assert not thread.is_alive()
    assert app.address is None


@pytest.mark.parametrize("new_loop", [uvloop.new_event_loop, asyncio.new_event_loop])
def test_serve_leaves_no_task_to_the_loop(net, new_loop):
    app = server(port=0)
    loop = new_loop()
    try:
        loop.run_until_complete(app.serve(on_ready=app.close))
        assert not asyncio.all_tasks(loop)
    finally:
        loop.close()


def test_close_before_and_behind_a_run_does_nothing(net):
    app = server(port=0)
    app.close()
    app.listen(app.close)
    app.close()
    assert app.address is None


async def test_two_apps_in_one_process(net):
    first, second = server(), server()
    first.get("/", lambda: "first")
    second.get("/", lambda: "second")
    async with net.serving(first) as one, net.serving(second) as two:
        assert (await one.get("/")).body == b"first"
        assert (await two.get("/")).body == b"second"
        first.get("/only", lambda: "first's")
        assert (await one.get("/only")).body == b"first's"
        assert (await two.get("/only")).status == 404
        assert (first.stats["requests"], second.stats["requests"]) == (2, 2)


async def test_one_app_ends_while_the_other_serves_on(net):
    first, second = server(), server()
    second.get("/", lambda: "second")
    async with net.serving(second) as two:
        wire = await two.connect()
        async with net.serving(first):
            pass
        await wire.get("/")
        assert (await wire.answer()).body == b"second"


async def test_routes_may_be_added_while_the_server_runs(net):
    app = server()
    async with net.serving(app) as site:
        wire = await site.connect()
        for path, target in (("/static", "/static"), ("/of/:name", "/of/x"), ("/img-{name}.png", "/img-x.png")):
            await wire.get(target)
            assert (await wire.answer()).status == 404
            app.get(path, lambda: "there")
            await wire.get(target)
            assert (await wire.answer()).body == b"there"
        await wire.get("/static", method="POST")
        assert (await wire.answer()).status == 405
        app.post("/static", lambda: "posted")
        await wire.get("/static", method="POST")
        assert (await wire.answer()).body == b"posted"


async def test_what_stats_count(net):
    app = server()
    app.get("/", lambda: "x")
    held = []
    app.get("/stream", lambda res: held.append(res.stream()))
    assert app.stats == {}
    async with net.serving(app) as site:
        wire = await site.connect()
        for _ in range(2):
            await wire.get("/")
            await wire.answer()
        await wire.get("/stream")
        await wire.head()
        stats = app.stats
        assert (stats["connections"], stats["accepted"], stats["requests"]) == (1, 1, 3)
        assert (stats["streams_opened"], stats["streams_open"], stats["ends"]) == (1, 1, {})
        assert stats["body_bytes"] == 2
        held[0].end("123")
        await wire.chunks()
        stats = app.stats
        assert (stats["streams_open"], stats["ends"], stats["body_bytes"]) == (0, {"ended": 1}, 5)
        wire.close()
        await until(lambda: app.stats["connections"] == 0)
        assert app.stats["accepted"] == 1
    held.clear()
    assert app.stats == {}

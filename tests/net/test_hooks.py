"""The hooks of a server's life: in order, before the first and behind the last connection, whatever fails."""

import asyncio

import pytest

from kito import server


def add_hooks(app, seen):
    """Hooks of every kind; `seen` is what they did in which order."""
    app.on_startup(lambda: seen.append(("start", app.address)))

    @app.on_startup
    async def start():
        await asyncio.sleep(0)
        seen.append("async start")

    class Block:
        async def __aenter__(self):
            seen.append("enter")

        async def __aexit__(self, *_):
            seen.append("exit")

    app.lifespan(Block)

    @app.on_shutdown
    async def stop():
        await asyncio.sleep(0)
        seen.append("async stop")

    app.on_shutdown(lambda: seen.append(("stop", app.stats.get("connections"))))


BEFORE = [("start", None), "async start", "enter"]
AFTER = [("stop", 0), "async stop", "exit"]


async def test_hooks_run_before_the_first_and_behind_the_last_connection(net):
    app, seen = server(), []
    add_hooks(app, seen)
    for _ in range(2):
        async with net.serving(app) as site:
            assert seen == BEFORE
            await site.connect()
        assert seen == BEFORE + AFTER
        seen.clear()


@pytest.mark.parametrize("error", [RuntimeError, asyncio.CancelledError, KeyboardInterrupt])
async def test_the_stop_runs_though_the_block_fails(net, error):
    app, seen = server(), []
    add_hooks(app, seen)
    with pytest.raises(error):
        async with net.serving(app):
            raise error
    assert seen == BEFORE + AFTER


async def test_what_was_entered_is_left_when_the_start_fails(net):
    app, seen = server(), []
    add_hooks(app, seen)

    @app.on_startup
    def fail():
        raise RuntimeError("no database")

    with pytest.raises(RuntimeError, match="no database"):
        async with net.serving(app):
            pytest.fail("it serves without its database")
    assert seen == [*BEFORE, ("stop", 0), "async stop", "exit"]
    assert app.address is None


async def test_what_was_entered_is_left_when_the_address_is_taken(net):
    app, seen = server(), []
    add_hooks(app, seen)
    with pytest.raises(OSError, match="cannot listen"):
        async with app.running(host="192.0.2.1", port=80):
            pytest.fail("a documentation address")
    assert seen == [*BEFORE, ("stop", 0), "async stop", "exit"]


async def test_a_failing_hook_does_not_keep_the_others_from_running(net):
    app, seen = server(), []
    add_hooks(app, seen)

    @app.on_shutdown
    def fail():
        raise RuntimeError("the last one")

    with pytest.raises(RuntimeError, match="the last one"):
        async with net.serving(app):
            pass
    assert seen == BEFORE + AFTER
    assert app.address is None
    async with net.serving(server()):
        pass

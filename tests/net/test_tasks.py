"""What a handler may rely on: its own context, a real task, timeouts and task groups, in every kind of handler."""

import asyncio
import contextvars

import pytest

from kito import server
from tests.support.wire import request, soon

visitor: contextvars.ContextVar[str] = contextvars.ContextVar("visitor", default="nobody")

kinds = pytest.mark.parametrize("path", ["/sync", "/async", "/timer", "/generator", "/async-generator"])


def remember(req):
    """Set the variable to the name in the query; returns what it was before."""
    before = visitor.get()
    visitor.set(req.query["name"])
    return before


def add_context_routes(app):
    @app.get("/sync")
    def in_sync(req, res):
        before = remember(req)
        res.send([before, visitor.get()])

    @app.get("/async")
    async def in_async(req):
        before = remember(req)
        await asyncio.sleep(0)
        return [before, visitor.get()]

    @app.get("/timer")
    async def in_timer(req, res):
        before = remember(req)
        answered = asyncio.Event()

        def answer():
            res.send([before, visitor.get()])
            answered.set()

        asyncio.get_running_loop().call_soon(answer)
        await answered.wait()

    @app.get("/generator")
    def in_generator(req):
        before = remember(req)
        yield f'["{before}",'
        yield f'"{visitor.get()}"]'

    @app.get("/async-generator")
    async def in_async_generator(req):
        before = remember(req)
        yield f'["{before}",'
        await asyncio.sleep(0)
        yield f'"{visitor.get()}"]'


@kinds
async def test_a_request_that_waited_inherits_nothing(net, path):
    app = server()
    add_context_routes(app)
    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.send(b"".join(request(f"{path}?name={name}") for name in ("anna", "ben", "carl")))
        for name in ("anna", "ben", "carl"):
            assert (await wire.answer()).body == f'["nobody","{name}"]'.encode()


@kinds
async def test_each_request_has_its_own_context(net, path):
    app = server()
    add_context_routes(app)
    async with net.serving(app) as site:
        wire = await site.connect()
        for name in ("anna", "ben"):  # on one connection, so that nothing but the request can tell them apart
            await wire.get(f"{path}?name={name}")
            assert (await wire.answer()).body == f'["nobody","{name}"]'.encode()
    assert visitor.get() == "nobody"


async def test_concurrent_requests_do_not_share_a_context(net):
    app = server()
    both_set = asyncio.Barrier(2)

    @app.get("/")
    async def handler(req):
        visitor.set(req.query["name"])
        await both_set.wait()
        return visitor.get()

    async with net.serving(app) as site:
        answers = await asyncio.gather(site.get("/?name=anna"), site.get("/?name=ben"))
    assert [answer.body for answer in answers] == [b"anna", b"ben"]


async def test_a_handler_sees_what_was_set_before_the_server_started(net):
    app = server()
    app.get("/", lambda: [visitor.get()])
    token = visitor.set("the starter")
    try:
        async with net.serving(app) as site:
            assert (await site.get("/")).body == b'["the starter"]'
    finally:
        visitor.reset(token)


async def test_a_coroutine_handler_is_a_task_that_others_can_cancel(net):
    app = server()
    tasks = []

    @app.get("/")
    async def handler():
        task = asyncio.current_task()
        assert task is not None
        tasks.append(task)
        task.cancel("by itself")
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError as error:
            task.uncancel()
            return str(error)
        return "never cancelled"

    async with net.serving(app) as site:
        answer = await site.get("/")
    assert answer.body == b"by itself"
    assert [type(task).__name__ for task in tasks] == ["Task"]


@pytest.mark.parametrize("suspends_first", [False, True])
async def test_timeout_works_from_the_first_step_on(net, suspends_first):
    app = server()

    @app.get("/")
    async def handler():
        if suspends_first:
            await asyncio.sleep(0)
        try:
            async with asyncio.timeout(0):
                await asyncio.Event().wait()
        except TimeoutError:
            return "in time"

    async with net.serving(app) as site:
        assert (await site.get("/")).body == b"in time"


@pytest.mark.parametrize("suspends_first", [False, True])
async def test_task_groups_work_from_the_first_step_on(net, suspends_first):
    app = server()

    async def part(number):
        await asyncio.sleep(0)
        return number

    @app.get("/")
    async def handler():
        if suspends_first:
            await asyncio.sleep(0)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(part(number)) for number in range(3)]
        return [task.result() for task in tasks]

    async with net.serving(app) as site:
        assert (await site.get("/")).body == b"[0,1,2]"


async def test_a_failing_task_group_is_one_500(net):
    app = server()

    async def fail():
        raise KeyError("inside")

    @app.get("/")
    async def handler():
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())

    async with net.serving(app) as site:
        assert (await site.get("/")).status == 500
    assert "ExceptionGroup" in repr(net.logged("GET / failed").exc_info[1])


async def test_a_plain_function_runs_without_a_task_on_the_loop(net):
    app = server()

    @app.get("/")
    def handler():
        asyncio.get_running_loop()
        return [asyncio.current_task() is None]

    async with net.serving(app) as site:
        assert (await site.get("/")).body == b"[true]"


async def test_an_awaitable_that_is_no_coroutine_is_awaited(net):
    app = server()

    @app.get("/")
    def handler():
        future = asyncio.get_running_loop().create_future()
        future.get_loop().call_soon(future.set_result, "from a future")
        return future

    async with net.serving(app) as site:
        assert (await site.get("/")).body == b"from a future"


async def test_a_task_factory_of_the_user_makes_the_tasks(net):
    app = server()
    made = []

    def factory(loop, coroutine, **options):
        task = asyncio.Task(coroutine, loop=loop, **options)
        made.append(task)
        return task

    @app.get("/")
    async def handler():
        return [asyncio.current_task() in made]

    asyncio.get_running_loop().set_task_factory(factory)
    async with net.serving(app) as site:
        assert (await site.get("/")).body == b"[true]"


async def test_a_handler_goes_on_behind_its_answer(net):
    app = server()
    finish, finished = asyncio.Event(), asyncio.Event()

    @app.get("/")
    async def handler(res):
        res.send("answered")
        await finish.wait()
        finished.set()

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        assert (await wire.answer()).body == b"answered"
        await wire.get("/nowhere")  # its connection does not wait for it
        assert (await wire.answer()).status == 404
        assert not finished.is_set()
        finish.set()
        await soon(finished.wait())

"""Every way to answer: methods of the response, values that are returned, generators, and no answer at all."""

import asyncio
import dataclasses
import json

import msgspec
import pytest

from kito import server

TEXT = "text/plain; charset=utf-8"
OCTETS = "application/octet-stream"
JSON = "application/json"


class Cat(msgspec.Struct):
    name: str


@dataclasses.dataclass
class Dog:
    name: str


VALUES = [
    ("Grüße", TEXT, "Grüße".encode()),
    ("", TEXT, b""),
    (b"\x00\xff", OCTETS, b"\x00\xff"),
    (bytearray(b"\x01"), OCTETS, b"\x01"),
    (memoryview(b"\x02"), OCTETS, b"\x02"),
    ({"a": [1, None]}, JSON, b'{"a":[1,null]}'),
    ([1, 2], JSON, b"[1,2]"),
    (Cat("Tom"), JSON, b'{"name":"Tom"}'),
    (Dog("Rex"), JSON, b'{"name":"Rex"}'),
    (0, JSON, b"0"),
    (False, JSON, b"false"),
]


@pytest.mark.parametrize("kind", ["returned", "returned async", "sent"])
@pytest.mark.parametrize(("value", "content_type", "body"), VALUES, ids=repr)
@pytest.mark.wirings("uvloop-tcp", "asyncio-unix")
async def test_a_value_becomes_the_body_with_its_type(net, kind, value, content_type, body):
    app = server()

    async def later():
        await asyncio.sleep(0)
        return value

    handlers = {"returned": lambda: value, "returned async": later, "sent": lambda res: res.send(value)}
    app.get("/", handlers[kind])
    async with net.serving(app) as site:
        answer = await site.get("/")
    assert answer.head[:3] == ("HTTP/1.1", 200, "OK")
    assert answer.head.undated() == {"content-type": content_type, "content-length": str(len(body))}
    assert answer.body == body


async def test_a_type_that_was_set_stays(net):
    app = server()

    @app.get("/")
    def handler(res):
        res.type("csv")
        return "a,b\n"

    async with net.serving(app) as site:
        answer = await site.get("/")
    assert answer.head.get("content-type") == "text/csv; charset=utf-8"
    assert answer.body == b"a,b\n"


TERMINAL = {
    "text": (lambda res: res.text("<b>"), 200, TEXT, b"<b>"),
    "html": (lambda res: res.html("<b>"), 200, "text/html; charset=utf-8", b"<b>"),
    "json": (lambda res: res.json("x"), 200, JSON, b'"x"'),
    "end": (lambda res: res.end(), 200, None, b""),
    "send_status": (lambda res: res.send_status(404), 404, TEXT, b"Not Found"),
    "redirect": (lambda res: res.redirect("/there"), 302, None, b""),
    "status": (lambda res: res.status(201).json({}), 201, JSON, b"{}"),
}


@pytest.mark.parametrize("name", TERMINAL)
async def test_terminal_methods(net, name):
    handler, status, content_type, body = TERMINAL[name]
    app = server()
    app.get("/", handler)
    async with net.serving(app) as site:
        answer = await site.get("/")
    assert answer.status == status
    assert answer.head.get("content-type") == content_type
    assert answer.head.get("content-length") == str(len(body))
    assert answer.body == body


async def test_an_answer_from_a_callback_of_an_unfinished_handler(net):
    app = server()
    answered = asyncio.Event()

    @app.get("/")
    async def handler(res):
        def answer():
            res.send("from a timer")
            answered.set()

        asyncio.get_running_loop().call_soon(answer)
        await answered.wait()

    async with net.serving(app) as site:
        answer = await site.get("/")
    assert answer.body == b"from a timer"


async def test_a_big_body_arrives_whole(net):
    body = bytes(range(256)) * 4096 * 8  # 8 MiB: more than any socket buffer
    app = server()
    app.get("/", lambda: body)
    async with net.serving(app) as site:
        answer = await site.get("/")
    whole = answer.body == body
    assert whole, len(answer.body)
    assert answer.head.get("content-length") == str(len(body))


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_a_generator_streams_what_it_yields(net, kind):
    app = server()
    if kind == "sync":

        @app.get("/")
        def pieces():
            yield "one"
            yield b""
            yield b"two"
    else:

        @app.get("/")
        async def pieces():
            yield "one"
            await asyncio.sleep(0)
            yield b""
            yield b"two"

    async with net.serving(app) as site:
        answer = await site.get("/")
    assert answer.head.undated() == {"content-type": OCTETS, "transfer-encoding": "chunked"}
    assert answer.chunks == [b"one", b"two"]


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_a_generator_of_an_sse_route_sends_events(net, kind):
    app = server()
    if kind == "sync":

        @app.sse("/")
        def events():
            yield "text"
            yield {"n": 1}
    else:

        @app.sse("/")
        async def events():
            yield "text"
            yield {"n": 1}

    async with net.serving(app) as site:
        answer = await site.get("/")
    assert answer.head.get("content-type") == "text/event-stream"
    assert answer.chunks == [b"data: text\n\n", b'data: {"n":1}\n\n']


async def test_a_generator_sets_status_and_headers_before_its_first_item(net):
    app = server()

    @app.get("/")
    async def pieces(res):
        res.status(203).header("x-made", "by a generator").type("text/x-log")
        yield "line"

    async with net.serving(app) as site:
        answer = await site.get("/")
    assert answer.status == 203
    assert answer.head.get("x-made") == "by a generator"
    assert answer.head.get("content-type") == "text/x-log; charset=utf-8"
    assert answer.chunks == [b"line"]


async def test_a_generator_without_items_has_an_empty_body(net):
    app = server()

    @app.get("/")
    async def nothing():
        for piece in ():
            yield piece

    async with net.serving(app) as site:
        answer = await site.get("/")
    assert (answer.status, answer.chunks) == (200, [])


async def test_one_task_runs_the_handler_and_its_iterator(net):
    app = server()
    tasks = set()

    @app.get("/")
    async def pieces():
        for _ in range(3):
            tasks.add(asyncio.current_task())
            yield "x"
            await asyncio.sleep(0)

    async with net.serving(app) as site:
        answer = await site.get("/")
    assert answer.chunks == [b"x"] * 3
    assert len(tasks) == 1


@pytest.mark.parametrize("source", ["list", "generator", "async generator"])
async def test_a_stream_pumps_a_source(net, source):
    app = server()

    async def numbers():
        yield "a"
        yield "b"

    sources = {
        "list": lambda: ["a", "b"],
        "generator": lambda: (letter for letter in "ab"),
        "async generator": numbers,
    }

    @app.get("/")
    async def handler(res):
        await res.type("text").stream(sources[source]())

    async with net.serving(app) as site:
        answer = await site.get("/")
    assert answer.head.get("content-type") == TEXT
    assert answer.chunks == [b"a", b"b"]


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_no_answer_is_a_500_at_once(net, kind):
    app = server()
    if kind == "sync":
        app.get("/", lambda res: None)
    else:

        @app.get("/")
        async def silent():
            await asyncio.sleep(0)

    async with net.serving(app) as site:
        wire = await site.connect()
        for _ in range(2):  # and the connection goes on
            await wire.get("/")
            answer = await wire.answer()
            assert answer.status == 500
            assert answer.head.get("content-type") == JSON
            assert json.loads(answer.body) == {"error": "Internal Server Error"}
            record = net.logged("GET / failed")
            assert "returned without an answer" in str(record.exc_info[1])


async def test_a_value_behind_an_answer_is_dropped_and_logged(net):
    app = server()

    @app.get("/")
    def twice(res):
        res.send("first")
        return "second"

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        assert (await wire.answer()).body == b"first"
        assert net.logged("answered and then returned").levelname == "ERROR"
        await wire.get("/nowhere")
        assert (await wire.answer()).status == 404


async def test_a_second_answer_is_refused(net):
    app = server()

    @app.get("/")
    def twice(res):
        res.send("first")
        res.send("second")

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/")
        assert (await wire.answer()).body == b"first"
        record = net.logged("failed after its response was over")
        assert "ResponseEnded" in repr(record.exc_info[1])
        await wire.get("/nowhere")
        assert (await wire.answer()).status == 404

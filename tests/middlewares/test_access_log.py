"""The access log: one line for each request when it is over, whole, and safe to read on a terminal."""

import asyncio
import json
import logging
import re
import socket
import subprocess
import sys

import pytest

from kito import ConfigError, router, server
from kito.middlewares.access_logs import LOGGER, MAX_VALUE, access_log, escaped
from kito.testing import TestClient
from tests.support.programs import ROOT, poll
from tests.support.wire import RESET_ON_CLOSE, request

MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00"
MS = r"\d+\.\d+"


@pytest.fixture
def lines(caplog):
    """The lines of the access log, whole ones only: what is not printable ASCII fails the test."""
    logger = logging.getLogger(LOGGER)
    level = logger.level
    caplog.set_level(logging.INFO, LOGGER)

    def read():
        found = [record.getMessage() for record in caplog.records if record.name == LOGGER]
        assert all(re.fullmatch(r"[ -~]+", line) for line in found)
        return found

    yield read
    logger.setLevel(level)


def an_app(**options):
    app = server(**options)
    app.get("/", lambda: "hello")

    @app.get("/fail")
    def fail():
        raise ValueError("a secret")

    @app.sse("/events")
    async def events():
        yield "one"
        await asyncio.Event().wait()

    @app.get("/half")
    async def half(res):
        await res.stream().write("half")
        raise ValueError("a secret")

    @app.get("/waiting")
    async def waiting():
        app.asked = True
        await app.left.wait()

    app.asked, app.left = False, asyncio.Event()
    return app


def test_a_line_tells_the_request_and_its_answer(lines):
    with TestClient(an_app(access_log=True)) as client:
        got = [client.get("/?a=%20b", headers={"user-agent": "tester/1"}), client.head("/"), client.post("/")]
        got += [client.get("/nowhere"), client.get("/fail")]
    kinds = ["GET /?a=%20b", "HEAD /", "POST /", "GET /nowhere", "GET /fail"]
    answers = [(answer.status, len(answer.body)) for answer in got]
    assert [status for status, _ in answers] == [200, 200, 405, 404, 500]
    agents = ["tester/1"] + ["kito-testing"] * 4
    for line, kind, (status, size), agent in zip(lines(), kinds, answers, agents, strict=True):
        wanted = rf'{MOMENT} 127\.0\.0\.1 "{re.escape(kind)} HTTP/1\.1" {status} {size} {MS} {MS} ended "{agent}" "-"'
        assert re.fullmatch(wanted, line), (line, wanted)


def test_json_has_every_field_with_its_type(lines):
    with TestClient(an_app(access_log="json")) as client:
        client.get("/", headers={"x-request-id": "abc", "user-agent": 'a "b" \\'})
    (line,) = lines()
    entry = json.loads(line)
    assert re.fullmatch(MOMENT, entry.pop("time"))
    assert 0 < entry.pop("head_ms") <= entry.pop("total_ms")
    assert entry == {
        "client": "127.0.0.1",
        "method": "GET",
        "target": "/",
        "version": "1.1",
        "status": 200,
        "bytes": 5,
        "end": "ended",
        "user_agent": 'a "b" \\',
        "request_id": "abc",
    }


def test_a_stream_is_logged_at_its_end_with_the_reason(lines):
    with TestClient(an_app(access_log="json")) as client:
        with client.sse("/events") as events:
            assert events.next().data == "one"
            assert lines() == []
            events.cut()
        with client.stream("GET", "/half") as half:
            assert half.next() == b"half"
    left, broken = map(json.loads, lines())
    assert (left["status"], left["bytes"], left["end"]) == (200, 11, "client_left")
    assert (broken["status"], broken["bytes"], broken["end"]) == (200, 4, "error")
    assert left["head_ms"] < left["total_ms"]


def test_a_client_that_leaves_before_the_head_has_no_status(lines):
    app = an_app(access_log=True)
    with TestClient(app) as client:
        leaver = socket.create_connection(client.address)
        leaver.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        leaver.sendall(request("/waiting"))
        poll(lambda: app.asked, "the request")
        leaver.close()
        poll(lines, "the line of who left")
        app.state.loop.call_soon_threadsafe(app.left.set)
    (line,) = lines()
    assert re.search(r'"GET /waiting HTTP/1.1" - 0 - \d+\.\d+ client_left "', line)


@pytest.mark.parametrize("kind", ["text", "json"])
def test_nothing_of_a_client_reaches_the_log_raw_or_without_end(lines, kind):
    agent = b'"quoted" \\ \ttab \x85 \x9b31m \xff'.decode("latin-1")
    with TestClient(an_app(access_log=kind)) as client:
        client.get("/?" + "x" * 4000, headers={"user-agent": "a" * 4000})
        client.get("/", headers={"user-agent": agent, "x-request-id": "\x80"})
    long, hostile = lines()
    assert len(long) < 2 * MAX_VALUE + 300
    if kind == "json":
        assert json.loads(hostile)["user_agent"] == agent
    else:
        assert '"\\x22quoted\\x22 \\\\ \\ttab \\x85 \\x9b31m \\xff" "\\x80"' in hostile


def test_every_character_that_could_do_something_is_escaped():
    every = "".join(map(chr, range(0x180))) + "\u2028\U0001f600"
    assert re.fullmatch(r"[ !#-~]+", escaped(every))
    assert escaped('\r\n\x1b"') == "\\r\\n\\x1b\\x22"
    assert escaped("plain text") == "plain text"


def test_the_answers_own_id_counts_before_the_clients(lines):
    app = an_app(access_log="json")
    app.get("/id", lambda res: res.header("x-request-id", "ours").text("x"))
    with TestClient(app) as client:
        client.get("/id", headers={"x-request-id": "theirs"})
    assert json.loads(lines()[0])["request_id"] == "ours"


def test_a_middleware_of_a_router_logs_what_is_below_it(lines):
    app, api = an_app(), router()
    api.use(access_log("json"))
    api.get("/cats", lambda: "meow")
    app.mount("/api", api)
    with TestClient(app) as client:
        client.get("/")
        client.get("/api/cats")
    assert [json.loads(line)["target"] for line in lines()] == ["/api/cats"]


def test_a_logger_of_ones_own_and_one_that_is_off(caplog):
    app, own = an_app(), logging.getLogger("tests.access")
    app.use(access_log(logger=own))
    with TestClient(app) as client:
        own.setLevel(logging.WARNING)
        client.get("/")
        own.setLevel(logging.INFO)
        client.get("/nowhere")
    own.setLevel(logging.NOTSET)
    assert ["/nowhere" in record.getMessage() for record in caplog.records if record.name == own.name] == [True]


def test_a_server_without_one_pays_nothing(lines):
    app = an_app()
    (plain,) = [route for route in app.routes if route.path == "/"]
    for option, has_chain in ((False, False), ("text", True), (False, False)):
        with TestClient(app, access_log=option) as client:
            client.get("/")
            assert (plain.endpoint.chain is not None) is has_chain
    assert len(lines()) == 1


@pytest.mark.parametrize("kind", ["xml", "", None, True])
def test_another_kind_is_refused(kind):
    with pytest.raises(ConfigError, match="'text', 'json'"):
        access_log(kind)


# === where lines go when nobody has set logging up ===

PROGRAM = """
import asyncio, logging, urllib.request
from kito import server
{setup}
app = server(port=0, access_log=True)
app.get("/", lambda: "hello")
async def main():
    for _ in range(2):
        async with app.running() as (host, port):
            await asyncio.to_thread(lambda: urllib.request.urlopen(f"http://{{host}}:{{port}}/").read())
asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("setup", "place", "start"),
    [
        ("", "stdout", "20"),
        ("logging.basicConfig(format='log %(name)s %(message)s')", "stderr", "log kito.access 20"),
        ("logging.getLogger('kito.access').setLevel('ERROR')", "stdout", None),
    ],
    ids=["nothing", "set up", "turned off"],
)
def test_lines_that_were_asked_for_are_seen(setup, place, start):
    command = [sys.executable, "-c", PROGRAM.format(setup=setup)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert ended.returncode == 0, ended.stderr
    shown = [line[: len(start or "")] for line in getattr(ended, place).splitlines()]
    assert shown == ([start] * 2 if start else [])

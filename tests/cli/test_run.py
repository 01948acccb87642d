"""`kito run` as a process: it serves, with workers too, it is started anew on changes, and it ends."""

import json
import os
import signal
import socket
import urllib.error
import urllib.request

import pytest

from tests.conftest import require_module
from tests.support.programs import lines_with, running

ANSWER_S = 20.0  # seconds for an answer on a busy machine

PROGRAM = """
import os
from kito import server

app = server(port=0)
app.get("/", lambda: "%s")

@app.sse("/events")
async def events():
    yield "first"
    await __import__("asyncio").Event().wait()

@app.on_shutdown
def farewell():
    os.write(1, b"farewell\\n")  # in one piece: workers share the pipe
"""


def get(address, path="/"):
    with urllib.request.urlopen(f"{address}{path}", timeout=ANSWER_S) as answer:
        return answer.read().decode()


def kito_run(folder, *arguments, **options):
    return running("-m", "kito", "run", "program", *arguments, cwd=folder, **options)


def listens(program):
    return program.says(r"INFO kito: listening on (\S+)")[1]


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "program.py"
    write(path, PROGRAM % "one")
    return path


def write(path, text):
    """Write a program as if it had always been of the same second."""
    path.write_text(text)
    os.utime(path, (10**9, 10**9))


def test_it_serves_the_program_of_the_working_directory(source):
    with kito_run(source.parent) as program:
        assert get(listens(program)) == "one"
        program.send(signal.SIGTERM)
        assert program.ended() == 0
        assert lines_with(program, "farewell")


def test_it_serves_with_workers_named_by_the_environment(source):
    with kito_run(source.parent, env={"KITO_WORKERS": "2", "KITO_LOG_LEVEL": "info"}) as program:
        address = program.says(r"INFO kito: listening on (\S+) with 2 workers")[1]
        assert get(address) == "one"
        program.send(signal.SIGINT)
        assert program.ended() == 0
        assert len(lines_with(program, "farewell")) == 2


def test_a_port_in_use_is_told_in_one_line(source):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with kito_run(source.parent, "--port", str(port)) as program:
            assert program.ended() == 1
            assert program.lines[-1] == f"Error: cannot listen on 127.0.0.1:{port}: Address already in use"
            assert not lines_with(program, "Traceback")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_access_log_is_lines_of_their_own(source, workers):
    with kito_run(source.parent, "--access-log=json", "--workers", workers) as program:
        get(listens(program) if workers == "1" else program.says(r"listening on (\S+) with")[1])
        entry = json.loads(program.says(r"^\{.*\}$")[0])
        assert (entry["target"], entry["status"]) == ("/", 200)


# === --reload ===


@pytest.fixture
def reloading(source):
    """A running `kito run --reload`."""
    require_module("watchfiles")
    with kito_run(source.parent, "--reload", env={"PYTHONDONTWRITEBYTECODE": ""}) as program:
        yield program


def test_a_change_starts_it_anew_also_in_the_same_second_and_with_the_same_size(reloading, source):
    assert get(listens(reloading)) == "one"
    for word in ("two", "six"):
        write(source, PROGRAM % word)
        reloading.says(r"INFO kito: program.py changed: the server is started again")
        assert get(listens(reloading)) == word
    reloading.send(signal.SIGTERM)
    assert reloading.ended() == 0
    assert len(lines_with(reloading, "farewell")) == 3


def test_an_open_stream_does_not_hold_it_up(reloading, source):
    address = listens(reloading)
    with urllib.request.urlopen(f"{address}/events", timeout=ANSWER_S) as events:
        assert events.readline() == b"data: first\n"
        source.write_text(PROGRAM % "two")
        assert get(listens(reloading)) == "two"


def test_a_program_that_cannot_be_imported_waits_for_its_repair(reloading, source):
    address = listens(reloading)
    source.write_text(PROGRAM % "two" + "def (")
    reloading.says("SyntaxError")
    reloading.says("ERROR kito: the server has ended with status 1: waiting for a change")
    with pytest.raises(urllib.error.URLError):
        get(address)
    source.write_text(PROGRAM % "two")
    assert get(listens(reloading)) == "two"


def test_what_is_still_being_imported_never_serves(reloading, source):
    listens(reloading)
    source.write_text("print('importing', flush=True)\n__import__('time').sleep(600)\n" + PROGRAM % "half")
    reloading.says("^importing")
    source.write_text(PROGRAM % "whole")
    assert get(listens(reloading)) == "whole"


def test_the_server_does_not_outlive_a_reloader_that_was_killed(reloading):
    listens(reloading)
    reloading.send(signal.SIGKILL)
    assert reloading.ended() == -signal.SIGKILL
    assert lines_with(reloading, "farewell")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_it_ends_on_a_signal_to_it_alone(reloading, number):
    address = listens(reloading)
    reloading.send(number)
    assert reloading.ended() == 0
    assert lines_with(reloading, "farewell")
    with pytest.raises(urllib.error.URLError):
        get(address)

"""The examples, one feature a file: each is run, and does what it says."""

import importlib
import json
import re
import signal
import socket
import urllib.request
from contextlib import contextmanager

import pytest

from kito.testing import TestClient
from tests.support.programs import ROOT, running

EXAMPLES = sorted(path.stem for path in (ROOT / "examples").glob("[a-z]*.py"))
TWINS = (
    "basic",
    "clustering",
    "extend",
    "file",
    "middlewares",
    "params",
    "route",
    "router",
    "schemas",
    "streaming",
    "unix_socket",
)
ID = "7f1d3b52-1c1e-4c3e-9f0e-6a5d7c8b9a10"


@contextmanager
def client_of(name, **options):
    with TestClient(importlib.import_module(f"examples.{name}").app, **options) as client:
        yield client


def test_there_is_one_for_each_feature_and_a_test_for_each():
    assert set(EXAMPLES) == set(TWINS)


def test_basic():
    with client_of("basic") as client:
        assert client.get("/").body == b"Hello, World!"


def test_clustering():
    with running("-m", "kito", "run", "examples.clustering", "--port", "0", "--workers", "2") as program:
        address = program.says(r"listening on (\S+) with 2 workers")[1]
        with urllib.request.urlopen(address, timeout=20) as answer:
            (pid,) = re.fullmatch(r"Hello from process (\d+)!\n", answer.read().decode()).groups()
        assert int(pid) != program.process.pid
        with urllib.request.urlopen(f"{address}/stats", timeout=20) as answer:
            assert json.load(answer)["connections"] == 1
        program.send(signal.SIGTERM)
        assert program.ended() == 0


def test_extend():
    with client_of("extend") as client:
        assert client.get("/").body == b"Hello, stranger!"
        assert client.get("/", headers={"x-user": "neko"}).body == b"Hello, neko!"
        assert client.get("/cats").json() == ["neko", "tama"]


def test_file():
    source = (ROOT / "examples" / "file.py").read_bytes()
    with client_of("file") as client:
        whole = client.get("/")
        assert (whole.body, whole.headers["content-type"]) == (source, "text/plain; charset=utf-8")
        part = client.get("/", headers={"range": "bytes=3-6"})
        assert (part.status, part.body) == (206, source[3:7])
        assert client.get("/", headers={"if-none-match": whole.headers["etag"]}).status == 304
        saved = client.get("/download")
        assert (saved.body, "example.py" in saved.headers["content-disposition"]) == (source, True)
        below = client.get("/examples/file.py")
        assert (below.body, below.headers["cache-control"]) == (source, "public, max-age=3600")
        for path in ("nothing.py", "..%2fpyproject.toml", "%2e%2e/pyproject.toml", "showcase"):
            assert client.get(f"/examples/{path}").status in (400, 403, 404)


def test_middlewares():
    with client_of("middlewares") as client:
        home, refused = client.get("/"), client.get("/private")
        assert home.body == b"anybody may read this"
        assert (refused.status, refused.headers["www-authenticate"]) == (401, "Bearer")
        allowed = client.get("/private", headers={"authorization": "Bearer secret"})
        assert allowed.json() == {"user": "neko"}
        for answer in (home, refused, allowed, client.get("/nowhere")):
            assert re.fullmatch(r"\d+\.\d\dms", answer.headers["x-response-time"])


def test_params():
    with client_of("params") as client:
        assert client.get("/users/7?tab=posts").json() == {"id": "7", "tab": "posts"}
        assert client.get("/users/7/posts/first%20one").json() == {"user": 7, "post": "first one"}
        assert client.get("/users/x/posts/1").status == 400
        assert client.get("/users?number=3&size=50").json() == {"first": 100, "size": 50}
        assert client.get("/users").json() == {"first": 0, "size": 20}
        assert client.get("/users?size=500").status == 400
        assert client.get("/files/a/b%2Fc.txt").json() == {"path": "a/b/c.txt"}


def test_route():
    with client_of("route") as client:
        assert client.get("/cats/neko").status == 404
        assert client.put("/cats/neko", json={"age": 3}).status == 201
        assert client.put("/cats/neko", json={"age": 4}).status == 200
        shown = client.get("/cats/neko")
        assert (shown.json(), shown.headers["x-cats"]) == ({"age": 4}, "1")
        assert client.delete("/cats/neko").status == 204
        assert client.post("/cats/neko").headers["allow"] == "GET, HEAD, PUT, DELETE, OPTIONS"


def test_router():
    with client_of("router") as client:
        listed = client.get("/api/cats")
        assert (listed.json(), listed.headers["x-api-version"]) == (["neko", "tama"], "1")
        assert client.get("/api/cats/tama").json() == {"name": "tama"}
        assert client.delete("/api/cats/tama").status == 204
        assert "x-api-version" not in client.get("/").headers


def test_schemas():
    with client_of("schemas") as client:
        assert client.post("/typed", json={"name": "neko", "age": 3}).json() == {"name": "neko", "born": 2023}
        refused = client.post("/typed", json={"name": "", "age": 99}).json()
        assert [(problem["in"], problem["path"]) for problem in refused["details"]] == [
            ("body", "name"),
            ("body", "age"),
        ]
        made = client.post(f"/users/{ID}?limit=5", json={"email": "a@b.example", "age": 20})
        assert made.json() == {"id": ID, "email": "a@b.example", "age": 20, "limit": 5}
        assert client.post(f"/users/{ID}", json={"email": "a@b.example"}).json()["limit"] == 10
        wrong = client.post("/users/1?limit=0", json={"email": "a", "age": 3})
        assert (wrong.status, {problem["in"] for problem in wrong.json()["details"]}) == (
            400,
            {"params", "query", "body"},
        )
        assert client.post("/json", json={"name": "neko"}).json() == {"name": "neko"}
        assert client.post("/json", json={"name": "n"}).status == 400


def test_unix_socket(tmp_path):
    path = tmp_path / "kito.sock"
    with running("-m", "examples.unix_socket", str(path)) as program:
        program.says(f"listening on {re.escape(str(path))}")
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(20)
            client.connect(str(path))
            client.sendall(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            answer = b"".join(iter(lambda: client.recv(4096), b""))
        assert answer.endswith(b"Hello from a Unix socket!")
        program.send(signal.SIGTERM)
        assert program.ended() == 0
        assert not path.exists()


@pytest.mark.parametrize("name", sorted(set(TWINS) - {"streaming"}))
def test_the_command_line_knows_it(name):
    with running("-m", "kito", "routes", f"examples.{name}") as program:
        assert program.ended() == 0
        assert program.lines[0].split() == ["METHOD", "PATH", "NAME", "HANDLER"]
        assert len(program.lines) > 1

"""Paths with parameters: what the core follows by first choices is what the whole search would have found."""

import itertools
import json

import pytest

from kito.routing import RouteTable

from .answers import read_answer

ROUTES = (
    "GET /:top",
    "GET /a/:x",
    "GET /a/b",
    "GET /a/b/:y/c",
    "GET /a/:x/c",
    "GET /:p/b",
    "POST /:p/b",
    "GET /:p/:q/:r",
    "GET /files/{*rest}",
    "GET /files/:name/raw",
    "GET /img/pre-{n}.png",
    "GET /img/:n",
    "GET /img/:n/c",
    "ALL /all/:x",
    "PUT /all/:x/b",
    "GET /u/:userId/posts/:postId",
)
SEGMENTS = ("", "a", "b", "c", "files", "img", "pre-1.png", "all", "u", "posts", "raw", "%61", "%2F", "x.y")
METHODS = ("GET", "POST", "PUT", "HEAD")


@pytest.fixture
def table(app):
    """The routes in a table of their own, and in the app, where each says what it was given."""
    table = RouteTable()
    for route in ROUTES:
        method, path = route.split()

        def handler(req, res, route=route):
            res.json([route, dict(req.params)])

        table.add("*" if method == "ALL" else method, path, route)
        getattr(app, method.lower())(path, handler)
    return table


def ask(peer, method, path):
    data = peer.send(f"{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n".encode())
    answer = read_answer(data, method)
    return answer.status, json.loads(answer.body) if answer.body else None


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_the_core_finds_what_the_table_finds(table, peer, depth):
    found = 0
    for segments in itertools.product(SEGMENTS, repeat=depth):
        path = "/" + "/".join(segments)
        for method in METHODS if depth < 3 else ("GET",):
            match = table.match(method, path)
            status, said = ask(peer, method, path)
            if match.route is None:
                assert status in {404, 405}, (method, path)
            else:
                found += 1
                assert status == 200, (method, path)
                if method != "HEAD":
                    assert said == [match.route.endpoint, match.params], (method, path)
    assert found > 5


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/u/1/posts/2", {"userId": "1", "postId": "2"}),
        ("/u/1/posts/2/", {"userId": "1", "postId": "2"}),
        ("/u/1/posts/2?postId=3", {"userId": "1", "postId": "2"}),
        ("/u/a%20b/posts/%C3%A4", {"userId": "a b", "postId": "ä"}),
        ("/u/~-._!$&'()*+,;=:@/posts/2", {"userId": "~-._!$&'()*+,;=:@", "postId": "2"}),
    ],
)
def test_parameters(table, peer, path, params):
    assert ask(peer, "GET", path) == (200, ["GET /u/:userId/posts/:postId", params])


def test_a_route_that_comes_later_is_followed(app, peer):
    app.get("/a/:x", lambda res, x: res.text(f"a {x}"))
    assert ask_text(peer, "/a/1") == b"a 1"
    app.get("/a/:x/more", lambda res, x: res.text(f"more {x}"))
    app.get("/a/pre-{x}", lambda res, x: res.text(f"pre {x}"))
    assert ask_text(peer, "/a/1") == b"a 1"
    assert ask_text(peer, "/a/pre-1") == b"pre 1"
    assert ask_text(peer, "/a/1/more") == b"more 1"


def ask_text(peer, path):
    return read_answer(peer.send(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())).body

"""What the clients send: targets, fields, cookies and bodies, as a handler sees them."""

import pytest

from kito import server
from kito.testing import TestClient


def mirror(req):
    return {
        "method": req.method,
        "url": req.url,
        "headers": req.headers.items(),
        "body": req.body.decode("latin-1"),
    }


@pytest.fixture(scope="module")
def client():
    app = server()
    app.all("/mirror", mirror)
    app.get("/", lambda req: req.header("host"))
    app.get("/deep/{*rest}", lambda req: dict(req.cookies.items()))

    @app.get("/cookies")
    def cookies(req, res):
        for name, value in req.query.items():
            res.cookie(name, value, max_age=0 if value == "gone" else None, path="/deep" if name == "deep" else "/")
        return dict(req.cookies.items())

    @app.get("/deep/set")
    def deep(res):
        res.append("set-cookie", "own=1").append("set-cookie", "late=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT")
        res.append("set-cookie", "odd; Path=/").text("set")

    with TestClient(app, headers={"x-every": "one"}) as started:
        yield started


@pytest.fixture(autouse=True)
def no_cookies(client):
    client.cookies.clear()


def seen(response):
    assert response.status == 200
    mirrored = response.json()
    mirrored["headers"] = {name: value for name, value in mirrored["headers"] if name != "host"}
    return mirrored


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_a_method_by_its_name(client, method):
    got = seen(getattr(client, method)("/mirror"))
    assert (got["method"], got["body"]) == (method.upper(), "")
    assert got["headers"]["x-every"] == "one"
    assert ("content-length" in got["headers"]) == (method in ("post", "put", "patch"))


def test_head_and_options(client):
    assert client.head("/").body == b""
    assert client.head("/").headers["content-length"] == str(len(client.get("/").body))
    assert client.options("/deep/a").headers["allow"]


def test_the_host_is_where_the_app_listens(client):
    host, port = client.address
    assert client.get("/").text == f"{host}:{port}"
    assert client.origin == f"http://{host}:{port}"


@pytest.mark.parametrize(
    ("path", "query", "url"),
    [
        ("/mirror", None, "/mirror"),
        ("/mirror", {"a": 1, "b": ["x", "y"]}, "/mirror?a=1&b=x&b=y"),
        ("/mirror?z=0", [("a", "b c"), ("a", "&")], "/mirror?z=0&a=b+c&a=%26"),
        ("/mirror", "raw=ä", "/mirror?raw=%C3%A4"),
        ("/mirror?q=ä", None, "/mirror?q=%C3%A4"),
    ],
)
def test_the_target(client, path, query, url):
    assert seen(client.get(path, query=query))["url"] == url


def test_fields_of_a_request_take_the_place_of_the_clients(client):
    headers = seen(client.get("/mirror", headers=[("X-Every", "two"), ("X-Every", "three"), ("accept", "a/b")]))[
        "headers"
    ]
    assert headers["x-every"] == "three"  # a dict of pairs: the last one
    assert headers["accept"] == "a/b"
    assert client.get("/", headers={"Host": "kito.test"}).text == "kito.test"


def pieces():
    yield b"one "
    yield b""
    yield b"two"


async def async_pieces():
    for piece in pieces():
        yield piece


@pytest.mark.parametrize(
    ("options", "body", "kind"),
    [
        ({"body": b"\x00\xff"}, "\x00\xff", None),
        ({"body": "ä"}, "Ã¤", "text/plain; charset=utf-8"),
        ({"body": pieces()}, "one two", None),
        ({"body": async_pieces()}, "one two", None),
        ({"json": {"a": [1, None]}}, '{"a": [1, null]}', "application/json"),
        ({"json": None}, "null", "application/json"),
        ({"form": {"a": "b c", "d": ["1", "2"]}}, "a=b+c&d=1&d=2", "application/x-www-form-urlencoded"),
    ],
    ids=["bytes", "text", "pieces", "async pieces", "json", "null", "form"],
)
def test_a_body(client, options, body, kind):
    got = seen(client.post("/mirror", **options))
    assert got["body"] == body
    assert got["headers"].get("content-type") == kind
    chunked = not isinstance(options.get("body", b""), str | bytes)
    assert (got["headers"].get("transfer-encoding") == "chunked") == chunked


def test_cookies_are_kept_sent_and_forgotten(client):
    response = client.get("/cookies?a=1&deep=2")
    assert response.cookies == {"a": "1", "deep": "2"}
    assert dict(client.cookies) == {"a": "1", "deep": "2"}
    assert client.get("/cookies").json() == {"a": "1"}  # the other one is for paths below /deep
    assert client.get("/deep/x").json() == {"a": "1", "deep": "2"}
    client.get("/cookies?a=gone")
    assert client.get("/cookies").json() == {}
    client.get("/deep/set")
    assert client.get("/deep/x").json() == {"deep": "2", "own": "1"}
    assert client.get("/cookies").json() == {}


def test_cookies_of_the_test(client):
    client.cookies["mine"] = "1"
    assert client.get("/cookies", cookies={"once": "2"}).json() == {"mine": "1", "once": "2"}
    assert client.get("/cookies").json() == {"mine": "1"}
    del client.cookies["mine"]
    assert repr(client.cookies) == "CookieJar({})"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda client: client.get("mirror"), "has to begin with '/'"),
        (lambda client: client.request("GET /", "/"), "is no method"),
        (lambda client: client.get("/", headers={"a": "b\r\nc: d"}), "cannot be a header"),
        (lambda client: client.get("/", headers={"a b": "c"}), "cannot be a header"),
    ],
)
def test_what_cannot_be_sent_is_refused(client, call, words):
    with pytest.raises(ValueError, match=words):
        call(client)


def test_a_request_has_one_body(client):
    with pytest.raises(TypeError, match="one body: body and json"):
        client.post("/mirror", body=b"a", json=1)


def test_a_body_that_raises_is_the_tests_own_error(client):
    def broken():
        yield b"one"
        raise LookupError("the test's")

    with pytest.raises(LookupError, match="the test's"):
        client.post("/mirror", body=broken())


def test_an_answer_that_comes_before_the_body_was_sent(client):
    response = client.post("/mirror", body=(b"x" * 65536 for _ in range(100)))  # more than the server takes
    assert response.status == 413

"""Methods and targets: HEAD, 405 with Allow, automatic OPTIONS, `OPTIONS *`, absolute-form, and what is not found."""

import json

import pytest

from kito import server
from tests.support.wire import request


def cats():
    """An app with several methods at two paths."""
    app = server()
    app.get("/cats", lambda: "all")
    app.post("/cats", lambda req: req.text().upper())
    app.get("/cats/:name", lambda name: f"cat {name}")
    app.delete("/cats/:name", lambda name, res: res.status(204).end())
    app.put("/only", lambda: "put")
    return app


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/cats", "GET, HEAD, POST, OPTIONS"),
        ("PATCH", "/cats/7", "GET, HEAD, DELETE, OPTIONS"),
        ("GET", "/only", "PUT, OPTIONS"),
        ("HEAD", "/only", "PUT, OPTIONS"),
        ("PROPFIND", "/cats", "GET, HEAD, POST, OPTIONS"),
    ],
)
async def test_a_wrong_method_is_a_405_with_what_is_allowed(net, method, path, allow):
    async with net.serving(cats()) as site:
        wire = await site.connect()
        await wire.get(path, method=method)
        answer = await wire.answer(head_only=method == "HEAD")
        assert answer.status == 405
        assert answer.head.get("allow") == allow
        assert answer.head.get("content-type") == "application/json"
        if method != "HEAD":
            assert json.loads(answer.body)["error"] == "Method Not Allowed"
        await wire.get("/cats")
        assert (await wire.answer()).body == b"all"


@pytest.mark.parametrize(
    ("path", "allow"), [("/cats", "GET, HEAD, POST, OPTIONS"), ("/cats/7", "GET, HEAD, DELETE, OPTIONS")]
)
async def test_options_is_answered_by_itself(net, path, allow):
    async with net.serving(cats()) as site:
        wire = await site.connect()
        await wire.get(path, method="OPTIONS")
        head = (await wire.answer()).head
        assert head.status == 204
        assert head.undated() == {"allow": allow}
        await wire.get("/nowhere", method="OPTIONS")
        assert (await wire.answer()).status == 404


async def test_options_of_the_whole_server(net):
    async with net.serving(cats()) as site:
        head = (await site.get("*", method="OPTIONS")).head
        assert head.status == 204
        assert {"GET", "HEAD", "POST", "OPTIONS"} <= set(head.get("allow").split(", "))
        assert (await site.get("*")).status in (400, 404)


async def test_an_own_options_route_answers_instead(net):
    app = cats()
    app.options("/cats", lambda res: res.header("access-control-allow-origin", "https://a.example").send(""))
    async with net.serving(app) as site:
        head = (await site.get("/cats", method="OPTIONS")).head
        assert head.get("access-control-allow-origin") == "https://a.example"


async def test_all_answers_every_method_without_a_route_of_its_own(net):
    app = server()
    app.all("/", lambda req: req.method)
    app.get("/", lambda: "its own")
    async with net.serving(app) as site:
        for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"):
            assert (await site.get("/", method=method)).body == method.encode()
        assert (await site.get("/")).body == b"its own"


async def test_a_method_in_lower_case_is_another_method(net):
    async with net.serving(cats()) as site:
        assert (await site.get("/cats", method="get")).status in (400, 405, 501)


@pytest.mark.parametrize(
    "target",
    [
        "http://kito.test/cats/7",
        "http://kito.test/cats/7?a=1",
        "HTTP://kito.test:80/cats/7",
        "https://kito.test/cats/7",
        "/cats/7",
        "/cats/7/",
        "/cats/%37",
        "/cats/7?",
    ],
)
async def test_forms_of_one_target(net, target):
    async with net.serving(cats()) as site:
        answer = await site.get(target)
    assert (answer.status, answer.body) == (200, b"cat 7")


async def test_an_absolute_target_counts_more_than_the_host_field(net):
    """RFC 9112 section 3.2.2."""
    app = server()
    app.get("/:a/b", lambda req: [req.path, req.hostname, req.query_string, req.params["a"]])
    async with net.serving(app) as site:
        answer = await site.get("http://other.test:81/x/b?c=d")
    assert json.loads(answer.body) == ["/x/b", "other.test", "c=d", "x"]


@pytest.mark.parametrize("target", ["ftp://kito.test/cats", "http:///cats", "cats", "kito.test:80", "*x"])
async def test_what_is_no_target_is_a_400(net, target):
    async with net.serving(cats()) as site:
        wire = await site.connect()
        await wire.send(request(target))
        answer = await wire.answer()
    assert answer.status == 400


async def test_not_found_says_what_was_looked_for(net):
    async with net.serving(cats()) as site:
        wire = await site.connect()
        await wire.get("/dogs?a=1")
        answer = await wire.answer()
        assert answer.status == 404
        assert json.loads(answer.body) == {"error": "Not Found", "message": "nothing is served at /dogs"}
        await wire.get("/cats")  # and the connection goes on
        assert (await wire.answer()).body == b"all"


@pytest.mark.parametrize("path", ["/cats/%zz", "/cats/%ff"])
async def test_a_path_that_cannot_be_decoded_is_a_400(net, path):
    async with net.serving(cats()) as site:
        answer = await site.get(path)
    assert answer.status == 400
    assert answer.head.get("content-type") == "application/json"


async def test_a_body_reaches_its_handler(net):
    async with net.serving(cats()) as site:
        wire = await site.connect()
        for body in (b"tom", b"x" * 100_000, "grüße".encode()):
            await wire.send(request("/cats", method="POST", body=body))
            assert (await wire.answer()).body == body.decode().upper().encode()
        head = b"POST /cats HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
        await wire.send(head + b"3;x=y\r\nabc\r\n1\r\nd\r\n0\r\nt: v\r\n\r\n")
        assert (await wire.answer()).body == b"ABCD"
        await wire.send(request("/cats", method="POST"))
        assert (await wire.answer()).body == b""


async def test_a_client_that_waits_for_100_continue_is_told(net):
    async with net.serving(cats()) as site:
        wire = await site.connect()
        await wire.send(b"POST /cats HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n")
        head = await wire.head()
        assert (head.status, head.fields) == (100, ())
        await wire.send(b"tom")
        assert (await wire.answer()).body == b"TOM"
        # the body is there already, or the client is too old to be told: no 100
        await wire.send(b"POST /cats HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\nben")
        assert (await wire.answer()).body == b"BEN"
        await wire.send(b"POST /cats HTTP/1.0\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n")
        await wire.send(b"amy")
        assert (await wire.answer()).body == b"AMY"

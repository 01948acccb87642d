"""Bad input of every kind has its clear 4xx, over a real socket; and the next request on the connection is served."""

import json

import msgspec
import pytest

from kito import Limits, schema, server, t

FORM = "application/x-www-form-urlencoded"


class Cat(msgspec.Struct):
    name: str
    lives: int = 9


def make_app():
    app = server(limits=Limits(body_size=1000))
    app.post("/json", lambda req: req.json())
    app.post("/text", lambda req: req.text())
    app.post("/cats", lambda body: body, schema=schema(body=Cat))
    app.get("/cats/:id", lambda id: id, schema=schema(params={"id": t.num().int()}, query={"page": t.num().optional()}))
    app.get("/query", lambda req: len(req.query.items()))
    app.get("/cookies", lambda req: req.cookies)
    app.get("/signed", lambda req: {"user": req.cookie("user", secret="key")})
    app.post("/form", lambda req: req.form().items())
    app.get("/type", lambda res: res.format({"json": {"a": 1}, "html": "<p>"}))
    app.get("/ok", lambda: "fine")
    return app


JSON = "content-type: application/json"
BAD = [
    ("POST /json", (JSON,), b"{", 400, "not JSON"),
    ("POST /json", (JSON,), b"", 400, "not JSON"),
    ("POST /text", (), b"\xff", 400, "not UTF-8"),
    ("POST /cats", (JSON,), b'{"name":', 400, "body: is not JSON"),
    ("POST /cats", (JSON,), b'{"name": 7}', 400, "body.name"),
    ("POST /cats", (JSON,), b"{}", 400, "body.name: is required"),
    ("POST /cats", (JSON,), b"", 400, "body: is required"),
    ("POST /cats", ("content-type: text/xml",), b"<a/>", 415, "application/json"),
    ("POST /cats", (JSON,), b"x" * 1001, 413, "1001 bytes"),
    ("GET /cats/x", (), b"", 400, "params.id"),
    ("GET /cats/1?page=x", (), b"", 400, "query.page"),
    ("GET /cats/%ff", (), b"", 400, "UTF-8"),
    ("GET /cats/%zz", (), b"", 400, "hex digits"),
    ("GET /query?" + "&" * 1000, (), b"", 400, "more than 1000 fields"),
    ("GET /cookies", ("cookie: " + ";" * 1000,), b"", 400, "more than 1000 cookies"),
    ("POST /form", (f"content-type: {FORM}",), b"a&" * 499 + b"b", 200, ""),
    ("POST /form", ("content-type: multipart/form-data",), b"x", 400, "boundary"),
    ("POST /form", ("content-type: text/plain",), b"x", 415, "form is expected"),
    ("GET /type", ("accept: image/png",), b"", 406, "application/json"),
    ("GET /none", (), b"", 404, "nothing is served"),
    ("DELETE /ok", (), b"", 405, "not served"),
]


@pytest.mark.parametrize(("line", "fields", "body", "status", "said"), BAD)
async def test_bad_input_has_its_status_and_says_why(net, line, fields, body, status, said):
    async with net.serving(make_app()) as site:
        wire = await site.connect()
        head = "\r\n".join([f"{line} HTTP/1.1", "host: kito.test", *fields, f"content-length: {len(body)}", "", ""])
        await wire.send(head.encode("latin-1") + body)
        answer = await wire.answer()
        assert answer.status == status, answer.body
        if status >= 400:
            assert said in json.loads(answer.body)["message"]
        if status != 413:
            await wire.get("/ok")
            assert (await wire.answer()).body == b"fine"


@pytest.mark.parametrize(
    ("cookie", "seen"),
    [
        ("", {}), ("a", {}), ("=1", {}), (";;;", {}), ("a=1; a=2", {"a": "1"}), ("a=1;b", {"a": "1"}),
        ('a="1"', {"a": "1"}),
        ("a=\xff", {"a": "\xff"}), ("a = 1 ", {"a": "1"}),
    ],
)  # fmt: skip
async def test_what_is_no_cookie_is_left_out(net, cookie, seen):
    async with net.serving(make_app()) as site:
        assert json.loads((await site.get("/cookies", f"cookie: {cookie}")).body) == seen


@pytest.mark.parametrize("value", ["tom", "tom.", ".x", "tom.AAAA", "tom.\xff", ""])
async def test_a_cookie_that_we_have_not_signed_is_none(net, value):
    async with net.serving(make_app()) as site:
        assert json.loads((await site.get("/signed", f"cookie: user={value}")).body) == {"user": None}

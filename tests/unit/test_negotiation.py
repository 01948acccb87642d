"""What a client prefers: its Accept header, res.format, and fixed answers."""

import json

import pytest

from kito import server, static
from kito.negotiation import best_type
from tests.core.answers import read_answer
from tests.core.rig import serving

JSON, HTML, TEXT = "application/json", "text/html", "text/plain"


@pytest.mark.parametrize(
    ("header", "chosen"),
    [
        (None, JSON), ("", JSON), ("*/*", JSON), ("text/html", HTML), ("text/*", HTML), ("TEXT/PLAIN", TEXT),
        ("text/html;q=0.5, text/plain;q=0.8", TEXT),
        ("text/*;q=0.5, */*;q=0.1", HTML), ("*/*, application/json;q=0", HTML),
        ("text/*, text/html;q=0.1", TEXT), ("image/png", None), ("application/json;q=0", None), ("text/html;q=2", None),

        ("text/html;level=1", None), ("*/*;q=0.001", JSON),
        ("garbage", None), (";;,,", None), ("text/html;q=0.1234", None),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", HTML),
    ],
)  # fmt: skip
def test_the_best_type(header, chosen):
    assert best_type(header, [JSON, HTML, TEXT]) == chosen


def test_parameters_of_a_type():
    offers = ["text/html", "text/html;level=1"]
    assert best_type("text/html;level=1;q=0.9, text/html;q=0.5", offers) == "text/html;level=1"
    assert best_type("text/html", []) is None


def ask(app, *fields, path="/"):
    with serving(app) as rig:
        lines = [f"GET {path} HTTP/1.1", "host: a", *fields, "", ""]
        return read_answer(rig.connect().send("\r\n".join(lines).encode()))


def make_app(**more):
    app = server()

    async def page():
        return "<p>"

    def text():
        return "plain"

    app.get("/", lambda res: res.format({"json": {"a": 1}, "text/html": page, "text": text, **more}))
    return app


@pytest.mark.parametrize(
    ("accept", "kind", "body"),
    [
        ("*/*", b"application/json", b'{"a":1}'),
        ("text/html", b"text/html; charset=utf-8", b"<p>"),
        ("text/plain, text/html;q=0.5", b"text/plain; charset=utf-8", b"plain"),
    ],
)
def test_an_answer_in_the_form_that_is_liked(accept, kind, body):
    got = ask(make_app(), f"accept: {accept}")
    assert (got.status, got.get(b"content-type"), got.body, got.get(b"vary")) == (200, kind, body, b"accept")


def test_no_form_that_is_liked():
    got = ask(make_app(), "accept: image/png")
    assert (got.status, got.get(b"vary")) == (406, b"accept")
    assert json.loads(got.body)["message"] == "there are application/json, text/html, text/plain"
    assert ask(make_app(default="any"), "accept: image/png").body == b"any"


@pytest.mark.parametrize(
    ("body", "options", "kind", "sent"),
    [
        ("ok", {}, b"text/plain; charset=utf-8", b"ok"),
        (b"ok", {}, b"application/octet-stream", b"ok"),
        (bytearray(b"ok"), {}, b"application/octet-stream", b"ok"),
        ({"a": 1}, {}, b"application/json", b'{"a":1}'),
        ("<p>", {"content_type": "html"}, b"text/html; charset=utf-8", b"<p>"),
        ("{}", {"headers": {"content-type": "application/x"}}, b"application/x", b"{}"),
    ],
)
def test_a_fixed_answer(body, options, kind, sent):
    app = server()
    app.get("/", static(body, status=203, **options))
    for _ in range(2):
        got = ask(app)
        assert (got.status, got.get(b"content-type"), got.body) == (203, kind, sent)


def test_a_fixed_answer_is_encoded_once():
    value = {"a": 1}
    app = server()
    app.get("/", static(value))
    value["a"] = 2
    assert ask(app).body == b'{"a":1}'
    with pytest.raises(TypeError):
        static(object())


def test_whether_a_script_asks():
    app = server()
    app.get("/", lambda req: req.xhr)
    assert ask(app, "x-requested-with: xmlHttpRequest").body == b"true"
    assert ask(app).body == b"false"

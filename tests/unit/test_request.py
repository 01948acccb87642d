"""What a handler sees of a request: every view, made on demand from what was sent, and 400 for what cannot be read."""

import json

import pytest

from kito import Headers, server
from kito.headers import MultiDict
from tests.core.answers import read_answer
from tests.core.rig import serving


def raw(target="/", *fields, method="GET", version="1.1", body=b""):
    """The bytes of a request."""
    lines = [f"{method} {target} HTTP/{version}", "host: kito.test", *fields]
    if body:
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def seen(look, data, path="/"):
    """What `look(req)` returns inside a handler for `data`."""
    app = server()
    found = []

    def handler(req):
        found.append(look(req))
        return "x"

    app.all(path, handler)
    with serving(app) as rig:
        answer = read_answer(rig.connect().send(data), "GET")
    assert answer.status == 200, answer.body
    return found[0]


def refused(look, data):
    """The message of the 400 that `look(req)` ends in."""
    app = server()
    app.all("/", lambda req: str(look(req)))
    with serving(app) as rig:
        answer = read_answer(rig.connect().send(data))
    assert answer.status == 400
    assert answer.get(b"content-type") == b"application/json"
    document = json.loads(answer.body)
    assert document["error"] == "Bad Request"
    return document["message"]


# === The line ===


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PROPFIND", "M-SEARCH"])
def test_the_method(method):
    assert seen(lambda req: req.method, raw(method=method)) == method


def test_url_path_and_query_string_are_as_sent():
    def look(req):
        return req.url, req.path, req.query_string, req.raw_target

    assert seen(look, raw("/a%20b?c=%20&d?e"), "/a b") == (
        "/a%20b?c=%20&d?e",
        "/a%20b",
        "c=%20&d?e",
        b"/a%20b?c=%20&d?e",
    )
    assert seen(look, raw("/")) == ("/", "/", "", b"/")
    assert seen(look, raw("/?")) == ("/?", "/", "", b"/?")


@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_the_version(version):
    assert seen(lambda req: req.http_version, raw(version=version)) == version


def test_parameters_of_the_path_are_decoded_once():
    def look(req):
        return req.params, req.param("name"), req.param("rest"), req.param("nobody")

    assert seen(look, raw("/a%2520b/c%2Fd/e"), "/:name/{*rest}") == (
        {"name": "a%20b", "rest": "c/d/e"},
        "a%20b",
        "c/d/e",
        None,
    )
    assert seen(lambda req: req.params, raw()) == {}


# === The query ===


def test_the_query():
    def look(req):
        return req.query

    query = seen(look, raw("/?a=1&b=%C3%BC+x&a=2&c&=d&e=%zz"))
    assert isinstance(query, MultiDict)
    assert query.items() == [("a", "1"), ("b", "ü x"), ("a", "2"), ("c", ""), ("", "d"), ("e", "%zz")]
    assert (query["a"], query.get("a"), query.get_all("a"), query.get("nobody")) == ("1", "1", ["1", "2"], None)
    assert seen(look, raw()).items() == []


def test_one_query_parameter():
    def look(req):
        return req.query_param("a"), req.query_param("nobody")

    assert seen(look, raw("/?a=1&a=2")) == ("1", None)


def test_too_many_fields_in_a_query():
    assert "fields" in refused(lambda req: req.query, raw("/?" + "a&" * 1001))
    assert seen(lambda req: len(req.query.items()), raw("/?" + "&".join("a" * 1000))) == 1000


# === Header fields ===


def test_headers():
    def look(req):
        return req.headers

    headers = seen(look, raw("/", "X-Two: a", "x-ONE:  1 ", "x-two:b", "x-empty:", "x-latin: é"))
    assert isinstance(headers, Headers)
    assert headers.items() == [
        ("host", "kito.test"),
        ("x-two", "a"),
        ("x-one", "1"),
        ("x-two", "b"),
        ("x-empty", ""),
        ("x-latin", "é"),
    ]
    assert headers["X-TWO"] == "a"
    assert headers.get_all("x-two") == ["a", "b"]


def test_one_header():
    def look(req):
        return req.header("X-A"), req.header("x-b"), req.header("ü")

    assert seen(look, raw("/", "x-a: 1", "x-a: 2")) == ("1", None, None)


def test_trailers_are_no_headers():
    data = raw("/", "transfer-encoding: chunked", method="POST") + b"1\r\na\r\n0\r\nx-late: 1\r\ncookie: a=1\r\n\r\n"
    assert seen(lambda req: (req.header("x-late"), req.cookies, req.body), data) == (None, {}, b"a")


def test_cookies():
    def look(req):
        return req.cookies, req.cookie("b"), req.cookie("nobody")

    data = raw("/", "cookie: a=1; b=x%20y", "cookie: a=2; c; =d; e=f=g")
    assert seen(look, data) == ({"a": "1", "b": "x%20y", "e": "f=g"}, "x%20y", None)
    assert seen(lambda req: req.cookies, raw()) == {}


def test_too_many_cookies():
    assert "cookies" in refused(lambda req: req.cookies, raw("/", "cookie: " + "a=1;" * 1001))


@pytest.mark.parametrize(
    ("host", "hostname"),
    [("kito.test", "kito.test"), ("kito.test:81", "kito.test"), ("[::1]:81", "[::1]"), ("[::1]", "[::1]"), ("", "")],
)
def test_the_host_name(host, hostname):
    data = f"GET / HTTP/1.1\r\nhost: {host}\r\n\r\n".encode()
    assert seen(lambda req: req.hostname, data) == hostname


def test_an_http_1_0_request_may_have_no_host():
    assert seen(lambda req: (req.hostname, req.headers.items()), b"GET / HTTP/1.0\r\n\r\n") == ("", [])


def test_the_last_event_id_is_utf_8():
    def look(req):
        return req.last_event_id

    assert seen(look, raw()) is None
    assert seen(look, raw("/", "last-event-id: 7")) == "7"
    assert seen(look, raw("/", "last-event-id: " + "ü€".encode().decode("latin-1"))) == "ü€"
    assert seen(look, raw("/", "last-event-id: \xff")) == "\ufffd"


# === The body ===


def test_a_body():
    def look(req):
        return req.body, req.raw_body

    assert seen(look, raw(method="POST", body=b"\x00\xff")) == (b"\x00\xff", b"\x00\xff")
    assert seen(look, raw()) == (b"", b"")
    assert seen(look, raw("/", "content-length: 0", method="POST")) == (b"", b"")


def test_a_chunked_body():
    data = raw("/", "transfer-encoding: chunked", method="POST") + b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"
    assert seen(lambda req: req.body, data) == b"abcde"


def test_text():
    def look(req):
        return req.text()

    assert seen(look, raw(method="POST", body="grüße".encode())) == "grüße"
    assert seen(look, raw()) == ""
    assert "not UTF-8" in refused(look, raw(method="POST", body=b"ab\xff"))


@pytest.mark.parametrize(
    ("charset", "body", "text"),
    [
        ("utf-8", "ü".encode(), "ü"),
        ('"UTF-8"', "ü".encode(), "ü"),
        ("ISO-8859-1", b"\xfc", "ü"),
        ("us-ascii", b"u", "u"),
        ("", "ü".encode(), "ü"),
        ("us-ascii", b"\xfc", None),
        ("utf-16", b"u\0", None),
        ("rot13", b"u", None),
        ("nothing-known", b"u", None),
    ],
)
def test_text_in_the_charset_that_its_type_names(charset, body, text):
    data = raw("/", f"content-type: text/plain; charset={charset}", method="POST", body=body)
    if text is None:
        assert "the body is not US-ASCII" in (error := refused(lambda req: req.text(), data)) or "send UTF-8" in error
    else:
        assert seen(lambda req: req.text(), data) == text


@pytest.mark.parametrize(
    ("body", "value"),
    [(b'{"a":[1,null,"\xc3\xbc"]}', {"a": [1, None, "ü"]}), (b" 7 ", 7), (b'"x"', "x"), (b"null", None)],
)
def test_json(body, value):
    assert seen(lambda req: req.json(), raw(method="POST", body=body)) == value


@pytest.mark.parametrize("body", [b"", b"{", b"{'a':1}", b"[1,]", b"NaN", b"\xff", b"1 2", b'"\xff"', b"[" * 9999])
def test_what_is_no_json(body):
    assert "not JSON" in refused(lambda req: req.json(), raw(method="POST", body=body))


# === The views as such ===


def test_views_are_made_once():
    def look(req):
        return (
            req.headers is req.headers,
            req.query is req.query,
            req.cookies is req.cookies,
            req.params is req.params,
            req.ctx is req.ctx,
        )

    assert seen(look, raw()) == (True,) * 5


def test_the_context_is_shared_and_takes_attributes():
    app = server()

    def handler(ctx, req, res):
        ctx.cat = "Tom"
        assert req.ctx is ctx
        assert ctx.req is req
        assert ctx.res is res
        res.send(req.ctx.cat)

    app.get("/", handler)
    with serving(app) as rig:
        assert read_answer(rig.connect().send(raw())).body == b"Tom"


def test_requests_do_not_share_their_views():
    app = server()
    kept = []
    app.get("/", lambda req: kept.append((req, req.query["n"], req.header("x-n"))) or "x")
    with serving(app) as rig:
        peer = rig.connect()
        for number in "12":
            peer.send(raw(f"/?n={number}", f"x-n: {number}"))
        assert [entry[1:] for entry in kept] == [("1", "1"), ("2", "2")]
        assert [(req.query["n"], req.header("x-n")) for req, *_ in kept] == [("1", "1"), ("2", "2")]
        kept.clear()


def test_a_request_says_what_it_is():
    assert seen(repr, raw("/?a=1", method="POST", body=b"x")) == "<Request POST /?a=1>"


def test_who_asks():
    assert seen(lambda req: (req.client, req.secure), raw()) == (("192.0.2.1", 50000), False)  # as the transport says

"""The head of a response: every method that sets it, what each writes, and that no value can break out of its line."""

import pytest

from kito import server
from kito.errors import InvalidHeader
from tests.core.answers import read_answer
from tests.core.rig import serving
from tests.support.heads import answer, attempt, head

# === Status and fields ===


@pytest.mark.parametrize("code", [200, 201, 299, 404, 418, 599])
def test_a_status(code):
    got = answer(lambda res: res.status(code).text("x"))
    assert got.status == code
    assert got.body == b"x"


@pytest.mark.parametrize("code", [0, 99, 100, 101, 199, 600, 1000, -1, "200", 200.5, None])
def test_what_is_no_final_status(code):
    assert isinstance(attempt(lambda res: res.status(code)), ValueError | TypeError)


def test_setting_replaces_and_appending_adds():
    def prepare(res):
        res.header("X-One", "1").set("x-one", "2").append("X-Two", "a").append("x-two", "b")
        res.headers({"x-three": 3, "X-Four": b"4"})
        assert (res.get("x-one"), res.get("X-TWO"), res.get("x-none")) == ("2", "a", None)

    assert head(prepare) == [("x-one", "2"), ("x-two", "a"), ("x-two", "b"), ("x-three", "3"), ("x-four", "4")]


def test_removing_takes_every_line_back():
    def prepare(res):
        res.append("x-a", 1).append("x-a", 2).header("x-b", 3).type("html")
        res.remove("X-A").remove("content-type").remove("x-never")

    assert head(prepare) == [("x-b", "3")]


def test_white_space_around_a_value_is_not_a_part_of_it():
    assert head(lambda res: res.header("x-a", " \t a b \t")) == [("x-a", "a b")]


def test_every_setter_returns_the_response():
    def handler(res):
        for chained in (
            res.status(200),
            res.header("x-a", "1"),
            res.set("x-a", "1"),
            res.headers({}),
            res.append("x-a", "1"),
            res.remove("x-a"),
            res.type("text"),
            res.content_type("text"),
            res.cookie("a", "1"),
            res.clear_cookie("a"),
            res.vary("accept"),
            res.links({"next": "/"}),
            res.location("/"),
            res.attachment(),
        ):
            assert chained is res
        res.end()

    assert answer(handler).status == 200


@pytest.mark.parametrize("name", ["transfer-encoding", "keep-alive", "upgrade", "trailer", "connection"])
def test_the_framing_is_not_the_handler_s(name):
    assert isinstance(attempt(lambda res: res.header(name, "chunked")), InvalidHeader)


def test_connection_close_may_be_asked_for():
    app = server()
    app.get("/", lambda res: res.header("connection", "close").text("x"))
    with serving(app) as rig:
        peer = rig.connect()
        assert read_answer(peer.send(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")).get(b"connection") == b"close"
        assert peer.end == "fin"


@pytest.mark.parametrize("length", ["-1", "1.0", "+1", "", "x", "9" * 19])
def test_a_length_that_is_no_number_of_bytes(length):
    assert isinstance(attempt(lambda res: res.header("content-length", length)), InvalidHeader)


def test_a_date_of_one_s_own_stays():
    got = answer(lambda res: res.header("date", "Thu, 01 Jan 1970 00:00:00 GMT").end())
    assert got.get(b"date") == b"Thu, 01 Jan 1970 00:00:00 GMT"


# === No value breaks out of its line ===

BREAKS = ["\r\nx-evil: 1", "\nx-evil: 1", "\rx-evil: 1", "a\x00b", "\x1b[0m", "\x7f", "a\x0bb"]
SETTERS = {
    "header": lambda res, text: res.header("x-a", f"a{text}"),
    "header bytes": lambda res, text: res.header("x-a", f"a{text}".encode()),
    "append": lambda res, text: res.append("x-a", f"a{text}"),
    "headers": lambda res, text: res.headers({"x-a": f"a{text}"}),
    "name": lambda res, text: res.header(f"x-a{text}", "1"),
    "type": lambda res, text: res.type(f"text/plain{text}"),
    "vary": lambda res, text: res.vary(f"accept{text}"),
    "attachment": lambda res, text: res.attachment(f"a{text}"),
    "links rel": lambda res, text: res.links({f"next{text}": "/"}),
    "cookie name": lambda res, text: res.cookie(f"a{text}", "1"),
    "cookie path": lambda res, text: res.cookie("a", "1", path=f"/{text}"),
    "cookie domain": lambda res, text: res.cookie("a", "1", domain=f"a{text}"),
}


@pytest.mark.parametrize("text", BREAKS, ids=repr)
@pytest.mark.parametrize("setter", SETTERS)
def test_a_control_character_is_refused(setter, text):
    error = attempt(lambda res: SETTERS[setter](res, text))
    assert isinstance(error, InvalidHeader)
    assert isinstance(error, ValueError)


ENCODING = {
    "location": (lambda res, text: res.location(f"/{text}"), "location"),
    "links": (lambda res, text: res.links({"next": f"/{text}"}), "link"),
    "cookie": (lambda res, text: res.cookie("a", text), "set-cookie"),
}


@pytest.mark.parametrize("text", BREAKS, ids=repr)
@pytest.mark.parametrize("setter", ENCODING)
def test_where_a_control_character_is_encoded_instead(setter, text):
    call, name = ENCODING[setter]
    fields = head(lambda res: call(res, text))
    assert [field for field, _ in fields] == [name]
    assert "%" in fields[0][1]


def test_a_redirect_cannot_be_split():
    got = answer(lambda res: res.redirect("/a\r\nset-cookie: evil=1\r\n\r\n<html>"))
    assert got.get(b"location") == b"/a%0D%0Aset-cookie:%20evil=1%0D%0A%0D%0A%3Chtml%3E"
    assert got.get(b"set-cookie") is None


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a(b)", "a\tb", "ä", "a\u2028", 7, None])
def test_what_is_no_field_name(name):
    assert isinstance(attempt(lambda res: res.header(name, "1")), InvalidHeader)


@pytest.mark.parametrize("value", ["€", None, 1.5, True, ["a"], object()], ids=repr)
def test_what_is_no_field_value(value):
    assert isinstance(attempt(lambda res: res.header("x-a", value)), InvalidHeader)


def test_latin_1_is_sent_as_it_is():
    assert head(lambda res: res.header("x-a", "é")) == [("x-a", "é")]


# === Types ===


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("text", "text/plain; charset=utf-8"),
        ("html", "text/html; charset=utf-8"),
        ("json", "application/json"),
        ("png", "image/png"),
        (".png", "image/png"),
        ("csv", "text/csv; charset=utf-8"),
        ("text/x-log", "text/x-log; charset=utf-8"),
        ("text/html; charset=latin-1", "text/html; charset=latin-1"),
        ("text/event-stream", "text/event-stream"),
        ("application/x-thing", "application/x-thing"),
    ],
)
def test_a_type(given, sent):
    assert head(lambda res: res.type(given)) == [("content-type", sent)]
    assert head(lambda res: res.content_type(given)) == [("content-type", sent)]


def test_a_type_that_nobody_knows_says_what_to_write():
    error = attempt(lambda res: res.type("xyzzy"))
    assert isinstance(error, InvalidHeader)
    assert "image/png" in str(error)


# === Fields with a form of their own ===


def test_vary_names_each_field_once():
    assert head(lambda res: res.vary("Accept", "accept-encoding").vary("ACCEPT", "Origin").vary()) == [
        ("vary", "Accept, accept-encoding, Origin")
    ]
    assert head(lambda res: res.header("vary", "Accept ,Cookie").vary("cookie", "Origin")) == [
        ("vary", "Accept, Cookie, Origin")
    ]
    assert head(lambda res: res.vary()) == []


def test_links():
    assert head(lambda res: res.links({"next": "/a?p=2", "last": "https://a.example/ü"}).links({})) == [
        ("link", '</a?p=2>; rel="next", <https://a.example/%C3%BC>; rel="last"')
    ]
    assert head(lambda res: res.links({"next": "/a>b"})) == [("link", '</a%3Eb>; rel="next"')]


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("/a?b=c&d=e#f", "/a?b=c&d=e#f"),
        ("https://a.example:1/%20", "https://a.example:1/%20"),
        ("/a b", "/a%20b"),
        ("/ü", "/%C3%BC"),
        ('/"<>\\^`{|}', "/%22%3C%3E%5C%5E%60%7B%7C%7D"),
        ("http://[::1]/", "http://[::1]/"),
    ],
)
def test_a_location(url, sent):
    assert head(lambda res: res.location(url)) == [("location", sent)]


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        (None, "attachment"),
        ("a.txt", 'attachment; filename="a.txt"'),
        ('a"b\\c', "attachment; filename=\"a'b_c\"; filename*=UTF-8''a%22b%5Cc"),
        ("ü€.txt", "attachment; filename=\"??.txt\"; filename*=UTF-8''%C3%BC%E2%82%AC.txt"),
    ],
)
def test_an_attachment(name, sent):
    assert head(lambda res: res.attachment(name)) == [("content-disposition", sent)]


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect(code):
    got = answer(lambda res: res.redirect("/there", code))
    assert (got.status, got.get(b"location"), got.body) == (code, b"/there", b"")


@pytest.mark.parametrize("code", [200, 300, 304, 404])
def test_what_is_no_redirect(code):
    assert isinstance(attempt(lambda res: res.redirect("/there", code)), ValueError)


@pytest.mark.parametrize(("code", "phrase"), [(200, b"OK"), (404, b"Not Found"), (503, b"Service Unavailable")])
def test_a_status_and_its_phrase(code, phrase):
    got = answer(lambda res: res.send_status(code))
    assert (got.status, got.reason, got.body) == (code, phrase, phrase)


def test_a_status_without_a_phrase():
    got = answer(lambda res: res.send_status(299))
    assert (got.status, got.body) == (299, b"299")

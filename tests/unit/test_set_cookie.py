"""Setting cookies: every attribute, what a value may hold, a line for each (RFC 6265)."""

import datetime

import pytest

from kito.errors import InvalidHeader
from tests.support.heads import attempt, head


def cookie(*args, **kwargs):
    """The value of the Set-Cookie line."""
    fields = head(lambda res: res.cookie(*args, **kwargs))
    assert [name for name, _ in fields] == ["set-cookie"]
    return fields[0][1]


BERLIN = datetime.timezone(datetime.timedelta(hours=1))


@pytest.mark.parametrize(
    ("attributes", "line"),
    [
        ({}, "a=1; Path=/; SameSite=Lax"),
        ({"max_age": 60}, "a=1; Max-Age=60; Path=/; SameSite=Lax"),
        ({"max_age": 0}, "a=1; Max-Age=0; Path=/; SameSite=Lax"),
        (
            {"expires": datetime.datetime(2030, 1, 2, 4, 4, 5, tzinfo=BERLIN)},
            "a=1; Expires=Wed, 02 Jan 2030 03:04:05 GMT; Path=/; SameSite=Lax",
        ),
        ({"path": "/cats"}, "a=1; Path=/cats; SameSite=Lax"),
        ({"path": None}, "a=1; SameSite=Lax"),
        ({"domain": "a.example"}, "a=1; Domain=a.example; Path=/; SameSite=Lax"),
        ({"secure": True}, "a=1; Path=/; SameSite=Lax; Secure"),
        ({"http_only": True}, "a=1; Path=/; SameSite=Lax; HttpOnly"),
        ({"same_site": "strict"}, "a=1; Path=/; SameSite=Strict"),
        ({"same_site": None}, "a=1; Path=/"),
        ({"same_site": "none"}, "a=1; Path=/; SameSite=None; Secure"),
        ({"secure": True, "partitioned": True}, "a=1; Path=/; SameSite=Lax; Secure; Partitioned"),
    ],
    ids=repr,
)
def test_a_cookie_attribute(attributes, line):
    assert cookie("a", "1", **attributes) == line


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("", ""),
        ("a b", "a%20b"),
        ("a;b", "a%3Bb"),
        ('"', "%22"),
        ("ü", "%C3%BC"),
        ("a,b\\", "a%2Cb%5C"),
        ("a=b/c", "a=b/c"),
    ],
)
def test_a_cookie_value_is_encoded_where_it_must_be(value, sent):
    assert cookie("a", value) == f"a={sent}; Path=/; SameSite=Lax"


def test_each_cookie_has_a_line_of_its_own():
    def prepare(res):
        res.cookie("a", "1").cookie("b", "2", path=None, same_site=None).clear_cookie(
            "c", path="/x", domain="d.example"
        )

    assert head(prepare) == [
        ("set-cookie", "a=1; Path=/; SameSite=Lax"),
        ("set-cookie", "b=2"),
        ("set-cookie", "c=; Max-Age=0; Domain=d.example; Path=/x; SameSite=Lax"),
    ]


@pytest.mark.parametrize(
    "call",
    [
        lambda res: res.cookie("", "1"),
        lambda res: res.cookie("a b", "1"),
        lambda res: res.cookie("a=b", "1"),
        lambda res: res.cookie("a;b", "1"),
        lambda res: res.cookie("ä", "1"),
        lambda res: res.cookie("a", "1", path="/;x"),
        lambda res: res.cookie("a", "1", domain="a;b"),
        lambda res: res.cookie("a", "1", same_site="Laxx"),
    ],
)
def test_what_is_no_cookie(call):
    assert isinstance(attempt(call), InvalidHeader)

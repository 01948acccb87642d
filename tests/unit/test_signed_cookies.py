"""Cookies that are signed, and those that no browser would keep."""

import json

import pytest

from kito import server
from kito.cookies import sign, unsign
from kito.errors import InvalidHeader
from tests.core.answers import read_answer
from tests.core.rig import serving
from tests.support.heads import attempt, head


@pytest.mark.parametrize("value", ["", "tom", "a.b.c", "ü; =,\"' \\", "%41", "x" * 1000])
def test_a_signed_value_comes_back(value):
    assert unsign("user", sign("user", value, "key"), "key") == value


def test_a_signature_is_of_a_name_a_value_and_a_key():
    signed = sign("user", "tom", "key")
    assert signed.startswith("tom.")
    assert unsign("user", signed.replace("tom", "tim"), "key") is None
    assert unsign("admin", signed, "key") is None
    assert unsign("user", signed, "other") is None
    assert unsign("user", signed[:-1], "key") is None
    assert unsign("user", signed + "=", "key") is None


def test_keys_are_changed_without_signing_anybody_out():
    old = sign("user", "tom", "old")
    assert unsign("user", old, ["new", "old"]) == "tom"
    assert sign("user", "tom", ["new", b"old"]) == sign("user", "tom", b"new") != old
    assert unsign("user", old, ["new"]) is None


@pytest.mark.parametrize("secret", ["", b"", [], ["a", ""]])
def test_an_empty_secret_is_refused(secret):
    with pytest.raises(ValueError, match="not empty"):
        sign("user", "tom", secret)


def test_a_signed_cookie_from_answer_to_request():
    app = server()
    app.get("/set", lambda res: res.cookie("user", "tóm", secret="key", http_only=True).end())
    app.get(
        "/get",
        lambda req: [req.cookie("user", secret="key"), req.cookie("user", secret="no"), req.cookie("x", secret="k")],
    )
    with serving(app) as rig:
        line = read_answer(rig.connect().send(b"GET /set HTTP/1.1\r\nhost: a\r\n\r\n")).get(b"set-cookie")
        pair = line.partition(b";")[0]
        answer = read_answer(rig.connect().send(b"GET /get HTTP/1.1\r\nhost: a\r\ncookie: " + pair + b"\r\n\r\n"))
    assert json.loads(answer.body) == ["tóm", None, None]


@pytest.mark.parametrize(
    "call",
    [
        lambda res: res.cookie("a", "x" * 4095),
        lambda res: res.cookie("__Secure-a", "1"),
        lambda res: res.cookie("__host-a", "1"),
        lambda res: res.cookie("__Host-a", "1", secure=True, path="/x"),
        lambda res: res.cookie("__Host-a", "1", secure=True, domain="a.example"),
    ],
)
def test_what_browsers_drop_is_refused(call):
    assert isinstance(attempt(call), InvalidHeader)


def test_what_browsers_take():
    def prepare(res):
        res.cookie("a", "x" * 4094, same_site=None, path=None)
        res.cookie("__Host-a", "1", secure=True)
        res.cookie("b", "1", partitioned=True)
        res.clear_cookie("__Host-a")

    lines = [value for _, value in head(prepare)]
    assert lines[0] == "a=" + "x" * 4094
    assert lines[1:] == [
        "__Host-a=1; Path=/; SameSite=Lax; Secure",
        "b=1; Path=/; SameSite=Lax; Secure; Partitioned",
        "__Host-a=; Max-Age=0; Path=/; SameSite=Lax; Secure",
    ]

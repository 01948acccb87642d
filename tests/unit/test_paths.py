"""The syntax of route paths: what each spelling means, and what is refused with which remedy."""

import re
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kito.errors import BadRequest, InvalidPath
from kito.paths import Kind, Segment, decode_path, parse_path


def text(piece):
    return Segment(Kind.STATIC, piece)


def param(name):
    return Segment(Kind.PARAM, name=name)


def rest(name):
    return Segment(Kind.REST, name=name)


def affixed(prefix, name, suffix):
    return Segment(Kind.AFFIXED, prefix, name, suffix)


@pytest.mark.parametrize(
    ("path", "segments"),
    [
        ("/", [text("")]),
        ("/cats", [text("cats")]),
        ("/cats/", [text("cats")]),
        ("/cats/:id", [text("cats"), param("id")]),
        ("/cats/{id}/", [text("cats"), param("id")]),
        ("/:a/{b}", [param("a"), param("b")]),
        ("/files/{*rest}", [text("files"), rest("rest")]),
        ("/files/*rest", [text("files"), rest("rest")]),
        ("/{*rest}", [rest("rest")]),
        ("/img-{id}.png", [affixed("img-", "id", ".png")]),
        ("/v{major}", [affixed("v", "major", "")]),
        ("/{name}.json", [affixed("", "name", ".json")]),
        ("/{id}:cancel", [affixed("", "id", ":cancel")]),
        ("/a%2F{id}%7D", [affixed("a/", "id", "}")]),
        ("/café", [text("café")]),
        ("/caf%C3%A9", [text("café")]),
        ("/a b|c", [text("a b|c")]),
        ("/a%20b", [text("a b")]),
        ("/a%2Fb", [text("a/b")]),
        ("/%7Bid%7D", [text("{id}")]),
        ("/%3Aid", [text(":id")]),
        ("/%2A", [text("*")]),
        ("/%25", [text("%")]),
        ("/%3F%23", [text("?#")]),
        ("/at/12:30", [text("at"), text("12:30")]),
        ("/.well-known/...", [text(".well-known"), text("...")]),
        ("/:größe", [param("größe")]),
    ],
)
def test_what_a_path_means(path, segments):
    pattern = parse_path(path)
    assert pattern.text == path
    assert list(pattern.segments) == segments
    assert pattern.params == tuple(segment.name for segment in segments if segment.name)
    assert pattern.is_static is (not pattern.params)


def test_a_slash_at_the_end_counts_when_it_is_told_to():
    assert parse_path("/cats/", strict_slashes=True).segments == (text("cats"), text(""))
    assert parse_path("/:id/", strict_slashes=True).segments == (param("id"), text(""))
    assert parse_path("/", strict_slashes=True).segments == (text(""),)


@pytest.mark.parametrize(
    ("path", "problem", "remedy"),
    [
        (7, "a path is a str such as '/cats', not 7", ""),
        (b"/cats", "a path is a str such as '/cats', not b'/cats'", ""),
        ("", "does not begin with a slash", "write '/'"),
        ("cats", "does not begin with a slash", "write '/cats'"),
        ("*", "does not begin with a slash", "write '/*'"),
        ("//", "two slashes in a row", "write '/'"),
        ("/a//b", "two slashes in a row", "write '/a/b'"),
        ("/a//", "two slashes in a row", "write '/a/'"),
        ("/cats?id=1", "'?' never reaches a route", "write '/cats' and read the rest from req.query"),
        ("/cats#top", "'#' never reaches a route", "write '/cats'"),
        ("/a\nb", r"control character '\n'", "take it out"),
        ("/a\x7f", r"control character '\x7f'", "take it out"),
        ("/100%", "'%' has no two hex digits", "write '/100%25'"),
        ("/%zz/a", "'%' has no two hex digits", "write '/%25zz/a'"),
        ("/%ff", "are not UTF-8", "write the characters themselves"),
        ("/\ud800", "half a surrogate pair", "write the character itself"),
        ("/a/../b", "clients resolve '..'", "write the path that is left then"),
        ("/%2e", "clients resolve '.'", "write the path that is left then"),
        ("/:", "':' has no name", "write one, such as '/:id'"),
        ("/{}", "'{}' has no name", "write one"),
        ("/*", "'*' has no name", "'/{*rest}'"),
        ("/{*}", "'{*}' has no name", "'/{*rest}'"),
        ("/a-{}", "'a-{}' has no name", "write one"),
        ("/:id.json", "'id.json' is not a name", "write '{id}.json'"),
        ("/:user-id", "'user-id' is not a name", "write '{user}-id'"),
        ("/{user-id}", "'user-id' is not a name", "write 'user_id'"),
        ("/{1st}", "'1st' is not a name", "write '_1st'"),
        ("/:1st", "'1st' is not a name", "write '_1st'"),
        ("/{*1st}", "'1st' is not a name", "write '_1st'"),
        ("/{ id }", "' id ' is not a name", "write '_id_'"),
        ("/users:id", "':id' is no parameter inside of a segment", "write 'users/:id', or %3A for a plain colon"),
        ("/files/*.png", "'*' in '*.png' is no wildcard", "write {*rest} as the last segment"),
        ("/a*b", "'*' in 'a*b' is no wildcard", "write {*rest} as the last segment to match everything, or %2A"),
        ("/{id", "the braces of '{id' do not match", "write {name}, or %7B and %7D"),
        ("/id}", "the braces of 'id}' do not match", "write {name}"),
        ("/}{", "the braces of '}{' do not match", "write {name}"),
        ("/{{id}}", "the braces of '{{id}}' do not match", "write {name}"),
        ("/{id}}", "the braces of '{id}}' do not match", "write {name}"),
        ("/{a}-{b}", "'{a}-{b}' has two parameters", "keep one in each segment"),
        ("/x{*rest}", "{*rest} takes whole segments", "write it alone: '/{*rest}'"),
        ("/{*rest}x", "{*rest} takes whole segments", "write it alone: '/{*rest}'"),
        ("/{*rest}/a", "{*rest} takes all that is left", "make it the last segment"),
        ("/*a/*b", "{*a} takes all that is left", "make it the last segment"),
        ("/:id/{id}", "two parameters called 'id'", "give each a name of its own"),
        ("/:a/x-{a}", "two parameters called 'a'", "give each a name of its own"),
    ],
)
def test_a_bad_path_is_refused_with_its_remedy(path, problem, remedy):
    with pytest.raises(InvalidPath) as caught:
        parse_path(path)
    assert problem in str(caught.value)
    assert remedy in str(caught.value)


@given(st.text("/:*{}%a1.-\x00?\xe9", max_size=12))
def test_any_path_is_understood_or_refused(path):
    try:
        pattern = parse_path("/" + path)
    except InvalidPath:
        return
    assert len(set(pattern.params)) == len(pattern.params)
    assert all(name.isidentifier() for name in pattern.params)
    assert all(segment.kind is not Kind.REST for segment in pattern.segments[:-1])


# === On the wire ===


@pytest.mark.parametrize(
    ("path", "raw"),
    [
        ("/", "/"),
        ("/cats/", "/cats"),
        ("/café", "/caf%C3%A9"),
        ("/a b", "/a%20b"),
        ("/a%2fb", "/a%2Fb"),
        ("/%25", "/%25"),
        ("/a-._~!$&'()+,;=@1:2", "/a-._~!$&'()+,;=@1:2"),
        ("/a|b", "/a%7Cb"),
    ],
)
def test_the_spelling_on_the_wire(path, raw):
    assert parse_path(path).raw() == raw


@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1), min_size=1))
def test_what_is_escaped_is_decoded_once(pieces):
    assert [decode_path(quote(piece, safe="")) for piece in pieces] == pieces


def test_a_plus_is_a_plus():
    assert decode_path("a+b%2B") == "a+b+"


@pytest.mark.parametrize("path", ["%", "a%", "%1", "%zz", "%%30", "%u0041", "% 1", "%-1", "%+1", "%\uff11\uff11"])
def test_a_broken_escape_is_a_bad_request(path):
    with pytest.raises(BadRequest, match="two hex digits"):
        decode_path(path)


@pytest.mark.parametrize("path", ["%ff", "%C3", "%C3%28", "%ED%A0%80", "%C0%AF", "%F5%80%80%80", "%41\ud800"])
def test_an_escape_that_is_not_utf_8_is_a_bad_request(path):
    with pytest.raises(BadRequest, match="not UTF-8"):
        decode_path(path)


def test_the_messages_of_bad_paths_are_sentences():
    with pytest.raises(InvalidPath) as caught:
        parse_path("cats")
    assert re.fullmatch(r"the path 'cats' is not valid: [^;]+; write '/cats'", str(caught.value))

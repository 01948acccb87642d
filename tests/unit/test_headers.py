"""Header, query, form and cookie mappings: what a name gives, what is kept, what is refused."""

from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kito.errors import BadRequest
from kito.headers import Headers, MultiDict, parse_cookies, parse_query

RAW = [(b"accept", b"a"), (b"x-name", b"caf\xe9"), (b"accept", b"b"), (b"empty", b"")]


@pytest.fixture
def headers():
    return Headers(RAW)


@pytest.fixture
def fields():
    return MultiDict([("a", "1"), ("b", "2"), ("a", "3"), ("", "4")])


# === Headers ===


@pytest.mark.parametrize("name", ["accept", "Accept", "ACCEPT"])
def test_a_header_is_found_in_any_case(headers, name):
    assert headers[name] == headers.get(name) == "a"
    assert headers.get_all(name) == ["a", "b"]
    assert name in headers


@pytest.mark.parametrize("name", ["missing", "", "accept ", "añb", "\ud800", "?"])
def test_a_missing_header(headers, name):
    with pytest.raises(KeyError):
        headers[name]
    assert headers.get(name) is None
    assert headers.get(name, 7) == 7
    assert headers.get_all(name) == []
    assert name not in headers


def test_only_text_names_a_header(headers):
    assert b"accept" not in headers
    assert 1 not in headers


def test_values_are_latin_1(headers):
    assert headers["x-name"] == "café"
    assert ("x-name", "café") in headers.items()


def test_an_empty_value_is_there(headers):
    assert "empty" in headers
    assert headers.get("empty", "default") == ""


def test_headers_keep_every_pair_and_count_each_name_once(headers):
    assert headers.items() == [("accept", "a"), ("x-name", "café"), ("accept", "b"), ("empty", "")]
    assert list(headers) == list(headers.keys()) == ["accept", "x-name", "empty"]
    assert len(headers) == 3
    assert dict(headers) == {"accept": "a", "x-name": "café", "empty": ""}


def test_headers_are_a_view():
    raw = [(b"a", b"1")]
    headers = Headers(raw)
    assert headers.raw is raw
    raw.append((b"b", b"2"))
    assert headers["b"] == "2"
    with pytest.raises(AttributeError):
        headers.raw = []


def test_headers_are_equal_by_their_pairs(headers):
    assert headers == Headers(tuple(RAW))
    assert headers != Headers(RAW[::-1])
    assert Headers() == Headers([])
    assert headers != {"accept": "a"}
    with pytest.raises(TypeError, match="unhashable"):
        hash(headers)


def test_mappings_show_what_they_hold(fields):
    assert repr(Headers([(b"a", b"1")])) == "Headers([('a', '1')])"
    assert repr(fields) == "MultiDict([('a', '1'), ('b', '2'), ('a', '3'), ('', '4')])"


# === MultiDict ===


def test_a_field_gives_its_first_value(fields):
    assert fields["a"] == fields.get("a") == "1"
    assert fields.get_all("a") == ["1", "3"]
    assert "a" in fields
    assert fields[""] == "4"


def test_a_field_is_named_exactly(fields):
    with pytest.raises(KeyError):
        fields["A"]
    assert fields.get("A", "x") == "x"
    assert fields.get_all("A") == []
    assert "A" not in fields
    assert 1 not in fields


def test_fields_keep_every_pair_and_count_each_name_once(fields):
    assert fields.items() == [("a", "1"), ("b", "2"), ("a", "3"), ("", "4")]
    assert list(fields) == list(fields.keys()) == ["a", "b", ""]
    assert len(fields) == 3
    assert dict(fields) == {"a": "1", "b": "2", "": "4"}


def test_the_list_of_pairs_is_a_copy(fields):
    fields.items().clear()
    assert len(fields.items()) == 4


def test_fields_are_equal_by_their_pairs(fields):
    assert fields == MultiDict(iter(fields.items()))
    assert hash(fields) == hash(MultiDict(fields.items()))
    assert fields != MultiDict(fields.items()[::-1])
    assert fields != dict(fields)


# === Queries and forms ===


@pytest.mark.parametrize(
    ("query", "pairs"),
    [
        ("", []),
        ("&&", []),
        ("a", [("a", "")]),
        ("a=", [("a", "")]),
        ("=b", [("", "b")]),
        ("=", [("", "")]),
        ("a=b=c", [("a", "b=c")]),
        ("a=1&&b=2&", [("a", "1"), ("b", "2")]),
        ("a=1;b=2", [("a", "1;b=2")]),
        ("a+b=c+d", [("a b", "c d")]),
        ("a=%2B%26%3D%25", [("a", "+&=%")]),
        ("a=%252B", [("a", "%2B")]),
        ("%c3%A9=%E2%82%AC", [("é", "€")]),
        ("a=%&b=%z1&c=%1", [("a", "%"), ("b", "%z1"), ("c", "%1")]),
        ("a=%FF%C3", [("a", "\ufffd\ufffd")]),
        ("a=%EF%BB%BFx", [("a", "\ufeffx")]),
        ("a=%00", [("a", "\0")]),
        ("é=ü", [("é", "ü")]),
    ],
)
def test_a_query_is_read_as_browsers_write_it(query, pairs):
    assert parse_query(query).items() == pairs
    assert parse_query(query.encode()).items() == pairs


def test_bytes_that_are_not_utf_8_are_replaced():
    assert parse_query(b"a=\xff").items() == [("a", "\ufffd")]
    assert parse_query("a=\udc80")["a"].startswith("\ufffd")


def test_a_query_has_a_bound():
    assert len(parse_query("&".join(f"a{n}=1" for n in range(1000)))) == 1000
    with pytest.raises(BadRequest, match="more than 1000 fields"):
        parse_query("&".join(f"a{n}=1" for n in range(1001)))
    with pytest.raises(BadRequest, match="more than 2 fields"):
        parse_query("&&", max_fields=2)
    assert len(parse_query("a=1&b=2", max_fields=2)) == 2


@given(st.lists(st.tuples(st.text(), st.text()), max_size=20))
def test_what_is_encoded_comes_back(pairs):
    assert parse_query(urlencode(pairs, errors="surrogatepass")).items() == pairs


@given(st.text("ab%+=&;2fF\xe9", max_size=40))
def test_any_text_is_read_as_the_standard_library_reads_it(query):
    assert parse_query(query).items() == parse_qsl(query, keep_blank_values=True, errors="replace")


@given(st.binary(max_size=60))
def test_a_byte_means_what_its_escape_means(data):
    escaped = "".join(chr(byte) if byte < 0x80 else f"%{byte:02x}" for byte in data)
    assert parse_query(data) == parse_query(escaped)


# === Cookies ===


@pytest.mark.parametrize(
    ("values", "cookies"),
    [
        ([], {}),
        ([""], {}),
        (["a=1"], {"a": "1"}),
        (["a=1; b=2"], {"a": "1", "b": "2"}),
        (["a=1;b=2 ;\tc=3"], {"a": "1", "b": "2", "c": "3"}),
        (["a=1; a=2"], {"a": "1"}),
        (["a=1", "a=2; b=3"], {"a": "1", "b": "3"}),
        (["a=; b"], {"a": ""}),
        (["=1; ; =; a=1"], {"a": "1"}),
        (["a=b=c=="], {"a": "b=c=="}),
        (['a="x y"'], {"a": "x y"}),
        (['a=""'], {"a": ""}),
        (['a="'], {"a": '"'}),
        (['a="x'], {"a": '"x'}),
        (['a=x"y"'], {"a": 'x"y"'}),
        (["a=%20+%C3%A9"], {"a": "%20+%C3%A9"}),
        (["A=1; a=2"], {"A": "1", "a": "2"}),
        (["$Version=1; a=1"], {"$Version": "1", "a": "1"}),
        (["a=1,2"], {"a": "1,2"}),
        (["a = 1"], {"a": "1"}),
    ],
)
def test_cookies_are_read_as_they_were_set(values, cookies):
    assert parse_cookies(values) == cookies


def test_cookies_have_a_bound_over_all_headers():
    assert len(parse_cookies(["; ".join(f"c{n}=1" for n in range(1000))])) == 1000
    with pytest.raises(BadRequest, match="more than 1000 cookies"):
        parse_cookies([";" * 1000])
    assert parse_cookies(["a=1", "b=2"], max_cookies=2) == {"a": "1", "b": "2"}
    with pytest.raises(BadRequest, match="more than 2 cookies"):
        parse_cookies(["a=1", "b=2; c=3"], max_cookies=2)


@given(st.dictionaries(st.text("abc-_", min_size=1), st.text('xyz=%!"', min_size=1).filter(lambda v: v[0] != '"')))
def test_a_jar_of_cookies_comes_back(jar):
    assert parse_cookies(["; ".join(f"{name}={value}" for name, value in jar.items())]) == jar

"""Conversion to what an annotation names: path parameters, bodies, and the parts with names and values."""

import dataclasses
import datetime as dt
import enum
import uuid
from collections.abc import Mapping
from inspect import Parameter
from typing import Annotated, Any, Literal, Optional, TypedDict

import msgspec
import pytest

from kito.errors import HTTPError
from kito.headers import Headers, MultiDict, parse_query
from kito.validation import PARTS, make_converter


class Color(enum.Enum):
    RED = "red"


class Size(enum.IntEnum):
    BIG = 2


class Item(msgspec.Struct):
    name: str
    count: int = 1


class Strict(msgspec.Struct, forbid_unknown_fields=True):
    page: int = 1


class Filter(msgspec.Struct):
    q: str = ""
    page: int = 1
    tag: list[str] = []
    ids: set[int] | None = None
    per_page: int = msgspec.field(name="perPage", default=10)


@dataclasses.dataclass
class Page:
    page: int = 1


class Paging(TypedDict, total=False):
    page: int


class Unknown: ...


def param(type_):
    return make_converter("id", type_, Parameter.empty, is_param=True)


def part(name, type_, default=Parameter.empty):
    return make_converter(name, type_, default, is_param=False)


# === Path parameters ===


@pytest.mark.parametrize(
    ("type_", "text", "value"),
    [
        (int, "7", 7),
        (int, "-7", -7),
        (float, "1.5", 1.5),
        (bool, "true", True),
        (bool, "0", False),
        (uuid.UUID, "12345678-1234-5678-1234-567812345678", uuid.UUID("12345678-1234-5678-1234-567812345678")),
        (dt.datetime, "2026-11-22T20:00:00", dt.datetime(2026, 11, 22, 20)),  # noqa: DTZ001
        (dt.date, "2026-11-22", dt.date(2026, 11, 22)),
        (Literal["a", "b"], "a", "a"),
        (Literal[1, 2], "2", 2),
        (Color, "red", Color.RED),
        (Size, "2", Size.BIG),
        (int | None, "7", 7),
        (Optional[int], "7", 7),  # noqa: UP045
        (int | str, "seven", "seven"),
        (Annotated[int, msgspec.Meta(ge=1)], "1", 1),
    ],
)
def test_a_path_parameter_becomes_its_type(type_, text, value):
    converted = param(type_)(text)
    assert (converted, type(converted)) == (value, type(value))


@pytest.mark.parametrize(
    ("type_", "text"),
    [
        (int, ""),
        (int, "seven"),
        (int, " 7"),
        (int, "1_0"),
        (int, "\u0667"),
        (int, "0x10"),
        (int, "9" * 5000),
        (float, "1e999"),
        (bool, "yes"),
        (uuid.UUID, "1234"),
        (dt.date, "22.11.2026"),
        (Literal["a"], "b"),
        (Color, "blue"),
        (Annotated[int, msgspec.Meta(ge=1)], "0"),
    ],
)
def test_a_path_parameter_that_is_not_its_type_is_a_400_that_names_it(type_, text):
    with pytest.raises(HTTPError, match="Path parameter 'id': ") as caught:
        param(type_)(text)
    assert caught.value.status == 400
    assert isinstance(caught.value.__cause__, msgspec.ValidationError)


@pytest.mark.parametrize("type_", [str, Any, object])
def test_text_stays_text(type_):
    assert param(type_) is None


@pytest.mark.parametrize("type_", [Unknown, Unknown | None, list[int] | tuple[int, ...]])
def test_a_type_that_no_text_becomes_is_refused(type_):
    with pytest.raises(TypeError):
        param(type_)


# === Bodies ===


def test_a_body_is_decoded_as_json():
    assert part("body", Item)(b'{"name": "cat", "count": 2}') == Item("cat", 2)
    assert part("body", list[int])(b"[1, 2]") == [1, 2]
    assert part("body", Page)(b'{"page": 3}') == Page(3)
    assert part("body", dict)(b'{"a": 1}') == {"a": 1}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "Request body: Input data was truncated"),
        (b"{", "Request body: Input data was truncated"),
        (b"{}x", "Request body: "),
        (b"{}", "Request body: Object missing required field `name`"),
        (b'{"name": 1}', r"Request body: Expected `str`, got `int` - at `\$.name`"),
        (b'{"name": "\xff"}', "Request body: .*utf-8"),
        (b'{"name": "a", "x": ' + b"[" * 100_000, "Request body: .*recursion"),
    ],
)
def test_a_body_that_is_not_its_type_is_a_400_with_the_reason(body, message):
    with pytest.raises(HTTPError, match=message) as caught:
        part("body", Item)(body)
    assert caught.value.status == 400


def test_a_body_as_sent():
    for type_ in (bytes, Any, object):
        assert part("body", type_) is None
    assert part("body", bytes | None)(b"[]") == b"[]"
    assert part("body", bytes | None)(b"") is None
    assert part("body", bytes, b"nothing")(b"") == b"nothing"


def test_a_body_as_text():
    assert part("body", str)("ü".encode()) == "ü"
    assert part("body", str)(b"") == ""
    assert part("body", str | None)(b"") is None
    with pytest.raises(HTTPError, match=r"400 Request body: .*utf-8"):
        part("body", str)(b"\xff")


def test_an_empty_body_may_be_left_out():
    assert part("body", Item | None)(b"") is None
    assert part("body", Item | None)(b"null") is None
    assert part("body", Item | None)(b'{"name": "cat"}') == Item("cat")
    fallback = Item("none")
    assert part("body", Item, fallback)(b"") is fallback
    assert part("body", Item | None, fallback)(b"") is fallback
    assert part("body", Item, None)(b"") is None
    with pytest.raises(HTTPError, match="Request body"):
        part("body", Item, None)(b"{}")


def test_a_body_of_an_unknown_class_is_refused():
    with pytest.raises(TypeError, match="such as a Struct, a dataclass or a TypedDict"):
        part("body", Unknown)


# === Parts with names and values ===


@pytest.mark.parametrize(
    ("query", "value"),
    [
        (b"", Filter()),
        (b"q=cats&page=2", Filter("cats", 2)),
        (b"q=a&q=b&other=1", Filter("a")),
        (b"tag=a", Filter(tag=["a"])),
        (b"tag=a&tag=b&q=x", Filter("x", tag=["a", "b"])),
        (b"ids=2&ids=1&ids=2", Filter(ids={1, 2})),
        (b"perPage=50&per_page=1", Filter(per_page=50)),
    ],
)
def test_a_query_becomes_a_struct(query, value):
    assert part("query", Filter)(parse_query(query)) == value


def test_a_query_becomes_a_dataclass_or_a_typed_dict():
    assert part("query", Page)(parse_query("page=2")) == Page(2)
    assert part("query", Paging)(parse_query("page=2")) == {"page": 2}
    assert part("query", Paging)(parse_query("")) == {}


@pytest.mark.parametrize(("type_", "query"), [(Page, "page=x"), (Paging, "page="), (Strict, "pag=1")])
def test_a_query_that_is_not_its_type_is_a_400(type_, query):
    with pytest.raises(HTTPError, match="400 Request query: "):
        part("query", type_)(parse_query(query))


def test_headers_are_named_with_underscores():
    class Wanted(msgspec.Struct):
        user_agent: str
        content_length: int = 0
        accept: list[str] = []

    raw = [(b"user-agent", b"cat/1"), (b"content-length", b"7"), (b"accept", b"a"), (b"accept", b"b")]
    assert part("headers", Wanted)(Headers(raw)) == Wanted("cat/1", 7, ["a", "b"])
    with pytest.raises(HTTPError, match="400 Request headers: Object missing required field `user_agent`"):
        part("headers", Wanted)(Headers())


@pytest.mark.parametrize("name", ["params", "cookies"])
def test_params_and_cookies_become_a_type(name):
    assert part(name, Page)({"page": "2"}) == Page(2)
    with pytest.raises(HTTPError, match=f"400 Request {name}: "):
        part(name, Page)({"page": "x"})


@pytest.mark.parametrize(
    ("name", "type_"),
    [
        ("query", MultiDict),
        ("headers", Headers),
        ("params", dict),
        ("params", dict[str, str]),
        ("cookies", Mapping[str, str]),
        *((name, Any) for name in PARTS),
    ],
)
def test_a_part_stays_what_it_is(name, type_):
    assert part(name, type_) is None


@pytest.mark.parametrize(
    ("name", "type_"),
    [
        ("query", int),
        ("query", dict[str, int]),
        ("query", Headers),
        ("params", dict[str, int]),
        ("cookies", list[str]),
        ("headers", Unknown),
        ("query", Page | None),
    ],
)
def test_a_part_that_cannot_become_its_type_is_refused(name, type_):
    with pytest.raises(TypeError, match="write a Struct, a dataclass or a TypedDict"):
        part(name, type_)

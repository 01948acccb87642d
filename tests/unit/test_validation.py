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

from kito.errors import HTTPError, ValidationError
from kito.headers import Headers, MultiDict, parse_query
from kito.validation import PARTS, make_reader, read_all
from kito.validation.diagnosis import diagnose
from tests.support.asked import Asked


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
    """What reads the path parameter `id`, from a text; None: it stays a text."""
    read = make_reader("id", type_, is_param=True)
    return read and (lambda text: read(Asked(params={"id": text})))


def part(name, type_, default=Parameter.empty):
    """What reads a part of the request, from what the request holds; None: it stays as it is."""
    read = make_reader(name, type_, default)
    return read and (lambda sent: read(Asked(**{name: sent})))


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
    with pytest.raises(ValidationError, match=r"params\.id: ") as caught:
        param(type_)(text)
    assert caught.value.status == 400
    assert [(detail["in"], detail["path"]) for detail in caught.value.details] == [("params", "id")]


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
        (b"", "body: is required"),
        (b"{", "body: is not JSON: Input data was truncated"),
        (b"{}x", "body: is not JSON: "),
        (b"{}", "body.name: is required"),
        (b'{"name": 1}', r"body\.name: Expected `str`, got `int`"),
        (b'{"name": "\xff"}', "body: is not JSON: .*utf-8"),
        (b'{"name": "a", "x": ' + b"[" * 100_000, "body: is not JSON: .*recursion"),
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
    with pytest.raises(HTTPError, match=r"400 body: is not UTF-8"):
        part("body", str)(b"\xff")


def test_an_empty_body_may_be_left_out():
    assert part("body", Item | None)(b"") is None
    assert part("body", Item | None)(b"null") is None
    assert part("body", Item | None)(b'{"name": "cat"}') == Item("cat")
    fallback = Item("none")
    assert part("body", Item, fallback)(b"") is fallback
    assert part("body", Item | None, fallback)(b"") is fallback
    assert part("body", Item, None)(b"") is None
    with pytest.raises(HTTPError, match=r"body\.name: is required"):
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
    with pytest.raises(HTTPError, match="400 query"):
        part("query", type_)(parse_query(query))


def test_headers_are_named_with_underscores():
    class Wanted(msgspec.Struct):
        user_agent: str
        content_length: int = 0
        accept: list[str] = []

    raw = [(b"user-agent", b"cat/1"), (b"content-length", b"7"), (b"accept", b"a"), (b"accept", b"b")]
    assert part("headers", Wanted)(Headers(raw)) == Wanted("cat/1", 7, ["a", "b"])
    with pytest.raises(HTTPError, match=r"400 headers\.user-agent: is required"):
        part("headers", Wanted)(Headers())


@pytest.mark.parametrize("name", ["params", "cookies"])
def test_params_and_cookies_become_a_type(name):
    assert part(name, Page)({"page": "2"}) == Page(2)
    with pytest.raises(HTTPError, match=rf"400 {name}\.page: "):
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


# === Every problem ===


class Address(msgspec.Struct):
    street: str
    number: int


class Person(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(min_length=2)]
    age: Annotated[int, msgspec.Meta(ge=0)]
    addresses: list[Address] = []
    scores: dict[str, int] = {}
    partner: "Person | None" = None


@dataclasses.dataclass
class Account:
    name: str
    limit: int = 0

    def __post_init__(self):
        if self.limit < 0:
            raise ValueError("a limit is not negative")


class Tree(msgspec.Struct):
    children: "list[Tree]" = []
    value: int = 0


def problems(type_, body):
    """Path and message of everything that is wrong with a body."""
    with pytest.raises(ValidationError) as caught:
        part("body", type_)(body)
    assert {detail["in"] for detail in caught.value.details} == {"body"}
    return [(detail["path"], detail["message"]) for detail in caught.value.details]


def test_every_problem_of_a_body_is_told_with_its_place():
    body = {
        "name": "x",
        "addresses": [{"street": "a", "number": 1}, {"street": 2}, 7],
        "scores": {"a": 1, "b": "x"},
        "partner": {"name": "Tom", "age": -1},
    }
    assert problems(Person, msgspec.json.encode(body)) == [
        ("name", "Expected `str` of length >= 2"),
        ("age", "is required"),
        ("addresses[1].street", "Expected `str`, got `int`"),
        ("addresses[1].number", "is required"),
        ("addresses[2]", "Expected `object`, got `int`"),
        ("scores.b", "Expected `int`, got `str`"),
        ("partner.age", "Expected `int` >= 0"),
    ]


def test_what_a_class_refuses_as_a_whole_is_told():
    assert problems(Person, b'{"name": "Tom", "age": 1, "x": 1}') == [("", "Object contains unknown field `x`")]
    assert problems(Account, b'{"name": "a", "limit": -1}') == [("", "a limit is not negative")]
    assert problems(Account, b'{"limit": "x"}') == [("name", "is required"), ("limit", "Expected `int`, got `str`")]
    assert problems(list[Account], b'[{"name": "a", "limit": -1}]') == [("[0]", "a limit is not negative")]
    assert problems(Person, b"[]") == [("", "Expected `object`, got `array`")]


def test_the_problems_that_are_told_have_a_bound():
    assert len(problems(list[int], msgspec.json.encode(["x"] * 5000))) == 100


def test_a_large_body_is_not_searched_for_long():
    body = msgspec.json.encode([1] * 200_000 + ["x"])
    assert problems(list[int], body) == [("[200000]", "Expected `int`, got `str`")]  # what msgspec found itself
    seen = []
    diagnose([1] * 20_000, list[int], lambda value, type_: seen.append(value), ValueError("first"))
    assert len(seen) < 10_000


def test_a_deep_body_is_no_error_of_the_server():
    body = b'{"children":[' * 400 + b'{"value":"x"}' + b"]}" * 400
    assert [message for _, message in problems(Tree, body)] in (
        ["Expected `int`, got `str`"],
        ["is not JSON: maximum recursion depth exceeded while deserializing an object"],
    )


def test_the_problems_of_several_parts_come_together():
    readers = [make_reader("id", int, is_param=True), make_reader("query", Page), make_reader("body", Item)]
    asked = Asked(params={"id": "x"}, query=parse_query("page=y"), body=b"{}")
    with pytest.raises(ValidationError) as caught:
        read_all(asked, readers)
    assert [(d["in"], d["path"]) for d in caught.value.details] == [
        ("params", "id"),
        ("query", "page"),
        ("body", "name"),
    ]
    assert str(caught.value) == "400 params.id: Expected `int`, got `str` (and 2 more)"
    asked = Asked(params={"id": "1"}, query=parse_query("page=2"), body=b'{"name": "a"}')
    assert read_all(asked, readers) == [1, Page(2), Item("a")]


# === What a body is ===


@pytest.mark.parametrize("kind", [None, "application/json", "application/JSON; charset=utf-8", "application/x+json"])
def test_a_body_of_no_other_type_is_json(kind):
    read = make_reader("body", Item)
    assert read(Asked(body=b'{"name": "cat"}', content_type=kind)) == Item("cat")


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "image/png"])
def test_a_body_of_another_type_is_415(kind):
    with pytest.raises(HTTPError, match="application/json") as caught:
        make_reader("body", Item)(Asked(body=b'{"name": "cat"}', content_type=kind))
    assert caught.value.status == 415


def test_a_form_becomes_a_type():
    form = "application/x-www-form-urlencoded"
    assert make_reader("body", Item)(Asked(body=b"name=cat&count=3", content_type=form)) == Item("cat", 3)
    assert make_reader("body", Filter)(Asked(body=b"tag=a&tag=b", content_type=form)) == Filter(tag=["a", "b"])
    with pytest.raises(ValidationError, match=r"body\.count"):
        make_reader("body", Item)(Asked(body=b"name=cat&count=x", content_type=form))
    with pytest.raises(HTTPError, match="415"):
        make_reader("body", list[int])(Asked(body=b"a=1", content_type=form))


def test_json_that_is_sent_as_a_form_says_so():
    with pytest.raises(ValidationError, match="looks like JSON"):
        make_reader("body", Item)(Asked(body=b'{"name": "cat"}', content_type="application/x-www-form-urlencoded"))

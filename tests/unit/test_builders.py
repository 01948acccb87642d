"""The rules of `t`, and the JSON schemas that say the same: which values they take, and what they say of the others."""

import datetime as dt
import re

import pytest

from kito import schema, t
from kito.validation.builders import as_type
from kito.validation.decoding import Mismatch, decoder_of
from kito.validation.json_schema import rule_of


def text(rule, value):
    return decoder_of(as_type(rule)).from_text(value)


def value(rule, value):
    return decoder_of(as_type(rule)).from_python(value)


def refusal(rule, wrong, *, how=value):
    with pytest.raises(Mismatch) as caught:
        how(rule, wrong)
    return caught.value.problems


def json(**words):
    return rule_of(words)


STRINGS = [
    (t.str(), json(type="string"), ["", "a\n"], [1, None]),
    (t.str().min(2), json(type="string", minLength=2), ["ab", "üü"], ["ü"]),
    (t.str().max(2), json(type="string", maxLength=2), ["", "üü"], ["abc"]),
    (t.str().length(2), json(type="string", minLength=2, maxLength=2), ["ab"], ["a", "abc"]),
    (
        t.str().email(),
        json(type="string", format="email"),
        ["a@b.de", "a.b+c@d-e.example"],
        ["", "a", "a@b", "a@b.", "@b.de", "a b@c.de", "a@b.de\n", "a@-b.de", "a@b..de"],
    ),
    (
        t.str().url(),
        json(type="string", format="uri"),
        ["http://a", "https://a.de/b?c#d", "ftp://[::1]/"],
        ["", "a.de", "http://", "http:///a", "http://a b", "http://a\n", "//a"],
    ),
    (
        t.str().uuid(),
        json(type="string", format="uuid"),
        ["12345678-1234-5678-1234-567812345678", "ABCDEF00-1234-5678-1234-567812345678"],
        ["12345678123456781234567812345678", "", "12345678-1234-5678-1234-56781234567g"],
    ),
    (t.str().regex("^a+$"), json(type="string", pattern="^a+$"), ["aa"], ["b", "ab"]),
    (t.str().regex("b"), json(type="string", pattern="b"), ["abc"], ["ac"]),
]
NUMBERS = [
    (t.num(), json(type="number"), [1, 1.5, -2], ["1", True, None, float("nan"), float("inf"), float("-inf")]),
    (t.num().min(1), json(type="number", minimum=1), [1, 1.0], [0, 0.99]),
    (t.num().max(1), json(type="number", maximum=1), [1, 1.0, -5], [2, 1.01]),
    (t.num().int(), json(type="integer"), [1, -1], [1.5, "1"]),
    (t.num().int().min(1).max(3), json(type="integer", minimum=1, maximum=3), [1, 3], [0, 4]),
    (t.num().positive(), json(type="number", exclusiveMinimum=0), [1, 0.1], [0, 0.0, -1]),
    (t.num().negative(), json(type="number", exclusiveMaximum=0), [-1, -0.1], [0, 1]),
    (t.num().min(2).positive(), json(type="number", minimum=2, exclusiveMinimum=0), [2], [1]),
    (t.num().min(-2).positive(), json(type="number", minimum=-2, exclusiveMinimum=0), [1], [0]),
]
OTHERS = [
    (t.bool(), json(type="boolean"), [True, False], [1, "true"]),
    (t.array(t.num()), json(type="array", items={"type": "number"}), [[], [1, 2.5]], [{}, ["a"]]),
    (
        t.array(t.str()).min(1).max(2),
        json(type="array", items={"type": "string"}, minItems=1, maxItems=2),
        [["a"], ["a", "b"]],
        [[], ["a", "b", "c"]],
    ),
    (t.literal("a", 1), json(enum=["a", 1]), ["a", 1], ["b", 2]),
    (t.literal(True), json(type="boolean", const=True), [True], [False]),
    (t.literal(None), json(type="null"), [None], [0]),
    (t.union(t.str(), t.num()), json(anyOf=[{"type": "string"}, {"type": "number"}]), ["a", 1, 1.5], [None, True]),
    (t.union(t.str(), t.literal(None)), json(type=["string", "null"]), ["a", None], [1]),
    (
        t.union(t.str().uuid(), t.str().email()),
        json(oneOf=[{"type": "string", "format": "uuid"}, {"type": "string", "format": "email"}]),
        ["a@b.de", "12345678-1234-5678-1234-567812345678"],
        ["a", 1],
    ),
]


@pytest.mark.parametrize(("rule", "schema_rule", "right", "wrong"), [*STRINGS, *NUMBERS, *OTHERS])
def test_a_rule_takes_what_it_says_and_a_json_schema_the_same(rule, schema_rule, right, wrong):
    for one in (rule, schema_rule):
        for given in right:
            assert value(one, given) == given
        for given in wrong:
            assert refusal(one, given)


def test_texts_stand_for_numbers_and_the_like():
    assert text(t.num(), "1.5") == 1.5
    assert text(t.num(), "7") == 7
    assert isinstance(text(t.num().int(), "7"), int)
    assert [text(t.bool(), given) for given in ("true", "1", "false", "0")] == [True, True, False, False]
    assert text(t.array(t.num().int()), ["1", "2"]) == [1, 2]
    assert text(t.union(t.num().int(), t.str()), "7") == 7
    assert text(t.date(), "2026-11-22") == dt.date(2026, 11, 22)
    assert text(t.datetime(), "2026-11-22T20:00:00Z") == dt.datetime(2026, 11, 22, 20, tzinfo=dt.UTC)
    for wrong in ("nan", "inf", "-inf", "", "one"):
        assert refusal(t.num(), wrong, how=text)


def test_dates_of_a_json_schema():
    assert text(json(type="string", format="date"), "2026-11-22") == dt.date(2026, 11, 22)
    assert text(json(type="string", format="date-time"), "2026-11-22T20:00:00Z").hour == 20


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (t.str().email(), "Expected an e-mail address"),
        (t.str().url(), "Expected an absolute URL"),
        (t.str().uuid(), "Expected a UUID"),
        (t.str().email().uuid(), "Expected an e-mail address and a UUID"),
        (t.str().regex("^a$"), "Expected `str` matching regex '^a$'"),
    ],
)
def test_what_a_pattern_stands_for_is_said_in_words(rule, said):
    assert refusal(rule, "x") == [("", said)]
    assert refusal(t.object({"a": rule}), {"a": "x"}) == [("a", said)]
    assert refusal(t.object({"a": rule}), {"a": 1}) == [("a", "Expected `str`, got `int`")]


def test_several_patterns_hold_together():
    rule = t.str().regex("a").regex("b$")
    assert value(rule, "ab") == "ab"
    assert refusal(rule, "a")
    assert refusal(rule, "b a")


def test_a_compiled_pattern_keeps_its_flags():
    rule = t.str().regex(re.compile("^a$", re.IGNORECASE))
    assert value(rule, "A") == "A"
    assert refusal(rule, "b")
    with pytest.raises(re.error):
        t.str().regex("(")


def test_a_rule_is_never_changed():
    short = t.str().max(2)
    short.min(1)
    short.optional()
    short.default("a")
    assert value(short, "") == ""
    assert refusal(t.object({"a": short}), {}) == [("a", "is required")]


# === Objects ===


def test_an_object_has_its_fields_as_attributes_and_items():
    rule = t.object({"name": t.str(), "x-token": t.str().optional(), "class": t.num().default(3), "get": t.bool()})
    made = value(rule, {"name": "a", "get": True, "more": 1})
    assert (made.name, made["name"], made.get, made["x-token"], made["class"]) == ("a", "a", True, None, 3)
    assert dict(type(made).items(made)) == {"name": "a", "x-token": None, "class": 3, "get": True}
    assert list(made.keys()) == ["name", "x-token", "class", "get"]
    assert "class" in made
    assert "more" not in made
    with pytest.raises(KeyError):
        made["more"]


def test_get_of_an_object():
    made = value(t.object({"a": t.num()}), {"a": 1})
    assert (made.get("a"), made.get("b"), made.get("b", 7)) == (1, None, 7)


def test_fields_may_be_absent():
    rule = t.object({"a": t.num().optional(), "b": t.array(t.num()).default([1])})
    first, second = value(rule, {}), value(rule, {"a": None})
    assert (first.a, first.b, second.a) == (None, [1], None)
    first.b.append(2)
    assert value(rule, {}).b == [1]


def test_names_that_are_no_names_in_python_do_not_collide():
    made = value(
        t.object({"a-b": t.num(), "a_b": t.num(), "a.b": t.num(), "": t.num(), "0": t.num()}),
        {
            "a-b": 1,
            "a_b": 2,
            "a.b": 3,
            "": 4,
            "0": 5,
        },
    )
    assert [made[name] for name in ("a-b", "a_b", "a.b", "", "0")] == [1, 2, 3, 4, 5]


def test_an_object_may_forbid_more_fields():
    for rule in (
        t.object({"a": t.num()}, extra="forbid"),
        json(type="object", properties={"a": {"type": "number"}}, required=["a"], additionalProperties=False),
    ):
        assert refusal(rule, {"a": 1, "b": 2}) == [("", "Object contains unknown field `b`")]


def test_objects_in_a_union():
    rule = t.union(t.object({"cat": t.str()}), t.object({"dog": t.str()}))
    assert value(rule, {"dog": "a"})["dog"] == "a"
    ((path, said),) = refusal(t.array(rule), [{"cat": "a"}, {"bird": "a"}])
    assert path == "[1]"
    assert "none of the alternatives" in said
    assert "`cat`" in said
    assert "`dog`" in said


def test_an_object_of_a_json_schema():
    rule = json(
        type="object",
        title="A cat",
        properties={"name": {"type": "string"}, "age": {"type": "integer", "default": 1}, "tag": {"type": "string"}},
        required=["name", "age"],
    )
    made = value(rule, {"name": "Tom"})
    assert (made.name, made.age, made.tag) == ("Tom", 1, None)
    assert refusal(rule, {}) == [("name", "is required")]


# === What cannot be meant ===


@pytest.mark.parametrize(
    "make",
    [
        lambda: t.str().min("1"),
        lambda: t.num().max(True),
        lambda: t.num().min(5).default(1),
        lambda: t.str().default(None),
        t.literal,
        lambda: t.literal(1.5),
        t.union,
        lambda: t.object({1: t.str()}),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(make):
    with pytest.raises(TypeError):
        make()


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("string", "schema: a JSON schema is a dictionary"),
        ({}, "say the type"),
        ({"type": "text"}, "'text' is not known"),
        ({"type": "string", "format": "ipv4"}, "'ipv4' is not known"),
        ({"type": "string", "minimum": 1}, "minimum is not understood"),
        ({"type": "string", "format": "date", "minLength": 1}, "minLength is not understood"),
        ({"type": "array"}, "say the items"),
        ({"type": "object", "properties": {"a": {"type": "number", "multipleOf": 2}}}, r"schema\.a: multipleOf"),
        ({"type": "object", "properties": {}, "required": ["a"]}, "a is not understood"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "additionalProperties"),
        ({"type": "number", "default": "x"}, "default 'x' breaks"),
        ({"anyOf": [{"type": "string"}], "type": "string"}, "beside anyOf: type"),
        ({"anyOf": [{"type": "no"}]}, r"schema\.anyOf\[0\]"),
        ({"$ref": "#/a"}, r"\$ref is not understood"),
    ],
)
def test_a_json_schema_that_is_not_understood_is_refused_with_its_place(source, place):
    with pytest.raises(TypeError, match=place):
        rule_of(source)


@pytest.mark.parametrize(
    "make",
    [
        lambda: schema({"nothing": t.str()}),
        lambda: schema(query=int),
        lambda: schema(query=t.str()),
        lambda: schema.json({"body": {"type": "cat"}}),
    ],
)
def test_a_schema_that_cannot_be_meant_is_refused(make):
    with pytest.raises(TypeError):
        make()

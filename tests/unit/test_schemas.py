"""Validation on the wire: what a route's schema and its handler's annotations make of a request and of the answer."""

import json
from typing import Any

import msgspec
import pydantic
import pytest

from kito import schema, server, t
from kito.errors import InvalidAnswer, RoutingError
from tests.core.answers import read_answer
from tests.core.rig import serving


class Cat(msgspec.Struct):
    name: str
    lives: int = 9


class Model(pydantic.BaseModel):
    name: str = pydantic.Field(min_length=2)
    lives: int = pydantic.Field(default=9, alias="livesLeft", ge=0)
    tags: list[str] = []


def ask(app, target="/", *fields, method="GET", body=b"", kind="application/json"):
    """The answer to one request."""
    lines = [f"{method} {target} HTTP/1.1", "host: kito.test", *fields]
    if body:
        lines += [f"content-type: {kind}", f"content-length: {len(body)}"]
    data = "\r\n".join([*lines, "", ""]).encode("latin-1") + body
    with serving(app) as rig:
        got = read_answer(rig.connect().send(data), method)
        logged, rig.log.records[:] = list(rig.log.records), []
        return got, logged


def said(app, *args, **kwargs):
    """Status and JSON of an answer that logs nothing."""
    got, logged = ask(app, *args, **kwargs)
    assert not logged, [record.getMessage() for record in logged]
    return got.status, json.loads(got.body)


def places(document):
    return [(detail["in"], detail["path"]) for detail in document["details"]]


def full() -> dict[str, Any]:
    return {
        "params": {"id": t.num().int()},
        "query": {"page": t.num().int().min(1).default(1), "tag": t.array(t.str()).default([])},
        "headers": {"x-token": t.str().min(3)},
        "cookies": {"theme": t.literal("light", "dark").default("light")},
        "body": {"name": t.str().min(2), "email": t.str().email().optional()},
    }


def test_validated_values_take_the_place_of_the_raw_ones():
    app = server()

    @app.post("/cats/:id", schema=schema(full()))
    def add(id, req, body, query, headers, cookies, params):
        assert (id, req.params, req.param("id"), params) == (7, {"id": 7}, 7, {"id": 7})
        assert (req.query is query, req.query.page, query["tag"], req.query_param("page")) == (True, 2, ["a", "b"], "2")
        assert (req.headers is headers, headers["x-token"], req.header("Host")) == (True, "abc", "kito.test")
        assert (req.cookies is cookies, cookies.theme, req.cookie("other")) == (True, "dark", "1")
        assert (req.body is body, body.name, body.email) == (True, "Tom", None)
        assert req.json() == {"name": "Tom"}
        return {"id": id, "page": query.page}

    status, document = said(
        app,
        "/cats/7?page=2&tag=a&tag=b",
        "x-token: abc",
        "cookie: theme=dark; other=1",
        method="POST",
        body=b'{"name": "Tom"}',
    )
    assert (status, document) == (200, {"id": 7, "page": 2})


def test_all_that_is_wrong_in_every_part_is_told_at_once():
    app = server()
    app.post("/cats/:id", lambda: pytest.fail("the handler ran"), schema=full())
    status, document = said(
        app, "/cats/x?page=0", "cookie: theme=pink", method="POST", body=b'{"name": "T", "email": "x"}'
    )
    assert status == 400
    assert document["error"] == "Bad Request"
    assert document["message"] == "params.id: Expected `int`, got `str` (and 5 more)"
    assert places(document) == [
        ("params", "id"),
        ("query", "page"),
        ("headers", "x-token"),
        ("cookies", "theme"),
        ("body", "name"),
        ("body", "email"),
    ]
    assert document["details"][2]["message"] == "is required"
    assert document["details"][5] == {"in": "body", "path": "email", "message": "Expected an e-mail address"}


def test_annotations_of_several_parameters_are_told_together():
    app = server()

    @app.post("/cats/:id/:day")
    def add(id: int, res, day: int, *, body: Cat):
        res.json([id, day, body])

    assert said(app, "/cats/1/2", method="POST", body=b'{"name": "Tom"}') == (200, [1, 2, {"name": "Tom", "lives": 9}])
    status, document = said(app, "/cats/x/y", method="POST", body=b"{}")
    assert (status, places(document)) == (400, [("params", "id"), ("params", "day"), ("body", "name")])


def test_a_schema_goes_with_annotations_of_the_rest():
    app = server()

    @app.post("/:id", schema=schema(query={"n": t.num()}))
    async def add(id: int, body: Cat, query: dict[str, int]):
        return [id, body.name, query["n"]]

    assert said(app, "/1?n=2", method="POST", body=b'{"name": "Tom"}') == (200, [1, "Tom", 2])
    assert places(said(app, "/x?n=y", method="POST", body=b"[]")[1]) == [("params", "id"), ("body", ""), ("query", "n")]


def test_types_of_every_kind_in_a_schema():
    app = server()

    @app.post("/", schema=schema(query=Cat, body=list[Cat]))
    def add(req):
        return [req.query.lives, [cat.name for cat in req.body]]

    assert said(app, "/?name=a&lives=3", method="POST", body=b'[{"name": "Tom"}]') == (200, [3, ["Tom"]])


def test_json_schemas_do_the_same():
    app = server()
    definition = {
        "query": {"type": "object", "properties": {"page": {"type": "integer", "minimum": 1, "default": 1}}},
        "body": {
            "type": "object",
            "properties": {"email": {"type": "string", "format": "email"}},
            "required": ["email"],
        },
    }
    app.post("/", lambda req: [req.query.page, req.body.email], schema=schema.json(definition))
    assert said(app, method="POST", body=b'{"email": "a@b.de"}') == (200, [1, "a@b.de"])
    assert places(said(app, "/?page=0", method="POST", body=b"{}")[1]) == [("query", "page"), ("body", "email")]


def test_an_empty_query_is_enough_where_nothing_is_required():
    app = server()
    app.get("/", lambda req: req.query.page, schema=schema(query={"page": t.num().default(1)}))
    assert said(app) == (200, 1)


def test_a_body_may_be_left_out_only_where_the_schema_says_so():
    app = server()
    app.post("/must", lambda req: "x", schema=schema(body={"a": t.num().optional()}))
    app.post("/may", lambda req: {"body": req.body}, schema=schema(body=t.object({"a": t.num()}).optional()))
    status, document = said(app, "/must", method="POST")
    assert (status, document["details"]) == (400, [{"in": "body", "path": "", "message": "is required"}])
    assert said(app, "/may", method="POST") == (200, {"body": None})


@pytest.mark.parametrize("body", [b"{", b"{'name': 1}", b'{"name": "\xff"}', b"nan", b"[" * 5000, b'{"name": 1}x'])
def test_bad_json_is_a_400(body):
    app = server()
    app.post("/", lambda body: "x", schema=schema(body=Cat))
    status, document = said(app, method="POST", body=body)
    assert (status, document["details"][0]["in"]) == (400, "body")


# === pydantic ===


def test_pydantic_models_are_taken():
    app = server()

    @app.post("/")
    def add(body: Model, query: Model):
        return [body, query.tags, query.lives]

    status, document = said(app, "/?name=abc&tags=a&tags=b&livesLeft=3", method="POST", body=b'{"name": "Tom"}')
    assert (status, document) == (200, [{"name": "Tom", "livesLeft": 9, "tags": []}, ["a", "b"], 3])
    status, document = said(app, "/?name=abc", method="POST", body=b'{"name": "T", "livesLeft": -1, "tags": [1]}')
    assert status == 400
    assert places(document) == [("body", "name"), ("body", "livesLeft"), ("body", "tags[0]")]
    assert places(said(app, "/?name=abc", method="POST", body=b"{")[1]) == [("body", "")]


def test_pydantic_models_in_a_schema_and_inside_of_other_types():
    app = server()
    app.post("/a", lambda req: req.body.lives, schema=schema(body=Model))
    app.post("/b", lambda req: [one.name for one in req.body], schema=schema(body=list[Model]))

    class Holder(msgspec.Struct):
        model: Model

    app.post("/c", lambda req: req.body.model.name, schema=schema(body=Holder))
    assert said(app, "/a", method="POST", body=b'{"name": "Tom", "livesLeft": 1}') == (200, 1)
    assert said(app, "/b", method="POST", body=b'[{"name": "Tom"}]') == (200, ["Tom"])
    assert places(said(app, "/b", method="POST", body=b'[{"name": "T"}]')[1]) == [("body", "[0].name")]
    assert ask(app, "/c", method="POST", body=b'{"model": {"name": "Tom"}}')[0].body == b"Tom"
    assert places(said(app, "/c", method="POST", body=b'{"model": {"name": "T"}}')[1]) == [("body", "model")]


# === Answers ===


@pytest.mark.parametrize(
    ("response", "value", "sent"),
    [
        (Cat, {"name": "Tom", "secret": 1}, {"name": "Tom", "lives": 9}),
        (Cat, Cat("Tom", 1), {"name": "Tom", "lives": 1}),
        (list[Cat], [Cat("Tom")], [{"name": "Tom", "lives": 9}]),
        (t.object({"name": t.str()}), {"name": "Tom", "secret": 1}, {"name": "Tom"}),
        ({"name": t.str()}, {"name": "Tom", "secret": 1}, {"name": "Tom"}),
        ({200: Cat, "404": {"why": t.str()}}, {"name": "Tom"}, {"name": "Tom", "lives": 9}),
        (Model, {"name": "Tom", "livesLeft": 1, "secret": 1}, {"name": "Tom", "livesLeft": 1, "tags": []}),
    ],
)
def test_an_answer_is_what_its_schema_says_and_no_more(response, value, sent):
    app = server()
    app.get("/returned", lambda: value, schema=schema(response=response))
    app.get("/sent", lambda res: res.json(value), schema=schema(response=response))

    @app.get("/later", schema=schema(response=response))
    async def later():
        return value

    for path in ("/returned", "/sent", "/later"):
        assert said(app, path) == (200, sent)


def test_an_answer_that_is_not_what_its_schema_says_is_a_logged_500():
    app = server()
    app.get("/", lambda: {"nome": "Tom", "lives": "x"}, schema=schema(response=Cat))
    got, logged = ask(app)
    assert (got.status, json.loads(got.body)) == (500, {"error": "Internal Server Error"})
    error = logged[0].exc_info[1]
    assert isinstance(error, InvalidAnswer)
    assert str(error) == (
        "the answer with status 200 is not what its schema says: name: is required; lives: Expected `int`, got `str`"
    )


def test_only_declared_statuses_are_held_against_the_schema():
    app = server()
    app.get("/a", lambda res: res.status(404).json("x"), schema=schema(response=Cat))
    app.get(
        "/b", lambda res: res.status(404).json({"why": "x", "more": 1}), schema=schema(response={404: {"why": t.str()}})
    )
    app.get("/c", lambda res: "any", schema=schema(response={404: {"why": t.str()}}))

    @app.get("/d", schema=schema(response={500: Cat, 400: Cat}, query={"n": t.num()}))
    def fails():
        raise RuntimeError("oops")

    assert said(app, "/a") == (404, "x")
    assert said(app, "/b") == (404, {"why": "x"})
    assert ask(app, "/c")[0].body == b"any"
    assert said(app, "/d")[0] == 400  # an error's answer is not the route's
    got, logged = ask(app, "/d?n=1")
    assert (got.status, len(logged)) == (500, 1)


# === What cannot be meant ===


def test_a_schema_is_a_schema():
    app = server()
    with pytest.raises(TypeError, match="schema= takes"):
        app.get("/", lambda: "x", schema=7)
    with pytest.raises(TypeError, match="nothing converts query"):
        app.get("/", lambda: "x", schema={"query": int})
    with pytest.raises(RoutingError, match="no route option 'skema'"):
        app.get("/", lambda: "x", skema=schema())


def test_routes_without_any_of_it_are_called_directly():
    from kito.binding import CALL_RES, bind

    def handler(res):
        res.text("x")

    assert bind(handler)[:2] == (CALL_RES, handler)

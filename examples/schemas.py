"""Schemas: what a request has to be, by types, builders or JSON schemas; all that is wrong is told at once."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from kito import Response, schema, server, t

app = server()


class Cat(Struct):
    """A cat, as it is sent."""

    name: Annotated[str, Meta(min_length=1, max_length=40)]
    age: Annotated[int, Meta(ge=0, le=40)]


@app.post("/typed")
def typed(res: Response, body: Cat) -> None:
    res.status(201).json({"name": body.name, "born": 2026 - body.age})


user = schema(
    params={"id": t.str().uuid()},
    query={"limit": t.num().int().min(1).max(100).default(10)},
    body={"email": t.str().email(), "age": t.num().min(18).optional()},
)


@app.post("/users/:id", schema=user)
def built(id: str, query: Any, body: Any) -> dict[str, Any]:
    return {"id": id, "email": body.email, "age": body.age, "limit": query.limit}


by_json = schema.json(
    {"body": {"type": "object", "properties": {"name": {"type": "string", "minLength": 2}}, "required": ["name"]}}
)


@app.post("/json", schema=by_json)
def from_json(body: Any) -> dict[str, Any]:
    return {"name": body.name}


if __name__ == "__main__":
    app.listen(3000)

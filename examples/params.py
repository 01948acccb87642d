"""Params: what stands in the path and in the query, as text or converted."""

from typing import Annotated

from msgspec import Meta, Struct

from kito import Request, Response, server

app = server()


class Page(Struct):
    """The query of a list; what is absent has its default."""

    number: Annotated[int, Meta(ge=1)] = 1
    size: Annotated[int, Meta(ge=1, le=100)] = 20


@app.get("/users/:id")
def user(req: Request, res: Response) -> None:
    res.json({"id": req.params["id"], "tab": req.query_param("tab")})


@app.get("/users/:id/posts/:post")
def post(id: int, post: str) -> dict[str, object]:
    return {"user": id, "post": post}


@app.get("/users")
def users(query: Page) -> dict[str, int]:
    return {"first": (query.number - 1) * query.size, "size": query.size}


@app.get("/files/{*path}")
def file(path: str) -> dict[str, str]:
    return {"path": path}


if __name__ == "__main__":
    app.listen(3000)

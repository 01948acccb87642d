"""Route: every method of one path in one place, with what runs around all of them."""

from typing import Any

from kito import Context, HTTPError, Next, Response, server

app = server()
cats: dict[str, Any] = {}


def counted(ctx: Context, next: Next) -> object:
    ctx.res.header("x-cats", len(cats))
    return next()


def show(name: str) -> object:
    if name not in cats:
        raise HTTPError(404, f"there is no cat called {name}")
    return cats[name]


def save(res: Response, name: str, body: dict[str, Any]) -> None:
    res.status(200 if name in cats else 201)
    cats[name] = body
    res.json(body)


def remove(res: Response, name: str) -> None:
    cats.pop(name, None)
    res.status(204).end()


app.route("/cats/:name", counted).get(show).put(save).delete(remove).end()

if __name__ == "__main__":
    app.listen(3000)

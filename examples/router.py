"""Router: a part of an app with its own prefix and middlewares; what it gets later is served, too."""

from kito import Context, Next, Response, router, server

cats = router()
api = router()
app = server()


def versioned(ctx: Context, next: Next) -> object:
    ctx.res.header("x-api-version", "1")
    return next()


@cats.get("/")
def all_cats() -> list[str]:
    return ["neko", "tama"]


@cats.get("/:name")
def one_cat(name: str) -> dict[str, str]:
    return {"name": name}


api.use(versioned)
api.mount("/cats", cats)
app.mount("/api", api)


@app.get("/")
def home(res: Response) -> None:
    res.text("the cats are at /api/cats")


# This comes after the mount, and is served all the same.
@cats.delete("/:name")
def remove(res: Response, name: str) -> None:
    res.send_status(204)


if __name__ == "__main__":
    app.listen(3000)

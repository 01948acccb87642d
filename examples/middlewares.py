"""Middlewares: around everything, around one route, plain and async, by position and not by order of definition."""

import time

from kito import Context, HTTPError, Next, Response, middleware, server

app = server()


@middleware
async def timing(ctx: Context, next: Next) -> None:
    began = time.perf_counter()

    def tell(res: Response) -> None:
        res.header("x-response-time", f"{(time.perf_counter() - began) * 1000:.2f}ms")

    ctx.res.on_head(tell)
    await next()


@middleware
def authenticated(ctx: Context, next: Next) -> object:
    if ctx.req.header("authorization") != "Bearer secret":
        raise HTTPError(401, "who are you?", headers={"www-authenticate": "Bearer"})
    ctx.user = "neko"
    return next()


@app.get("/")
def home(res: Response) -> None:
    res.send("anybody may read this")


@app.get("/private", use=authenticated)
def private(ctx: Context) -> dict[str, object]:
    return {"user": ctx.user}


app.use(timing)

if __name__ == "__main__":
    app.listen(3000)

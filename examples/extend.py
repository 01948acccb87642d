"""Extend: what every handler may ask for by name: values, functions of the request, and resources that are closed."""

import sqlite3
from collections.abc import Iterator

from kito import Context, Response, server

app = server()
app.extend(greeting="Hello")


@app.extend(scope="request")
def database() -> Iterator[sqlite3.Connection]:
    """Opened for the handlers that ask for it, closed before the first byte of a stream leaves."""
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE cats AS SELECT 'neko' AS name UNION SELECT 'tama'")
    try:
        yield connection
    finally:
        connection.close()


def visitor(ctx: Context) -> dict[str, str]:
    return {"user": ctx.req.header("x-user") or "stranger"}


app.extend(visitor)


@app.get("/")
def hello(res: Response, greeting: str, user: str) -> None:
    res.send(f"{greeting}, {user}!")


@app.get("/cats")
def cats(database: sqlite3.Connection) -> list[str]:
    return [name for (name,) in database.execute("SELECT name FROM cats ORDER BY name")]


if __name__ == "__main__":
    app.listen(3000)

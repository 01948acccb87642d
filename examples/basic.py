"""Basic: one route, and an answer. `python -m examples.basic` or `kito run examples.basic`."""

from kito import Response, server

app = server()


@app.get("/")
def hello(res: Response) -> None:
    res.send("Hello, World!")


if __name__ == "__main__":
    app.listen(3000, "127.0.0.1", lambda: print("Server is running on port 3000"))

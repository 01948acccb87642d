"""File: answers from the disk, in ranges and on conditions, and never from outside of their folder."""

from pathlib import Path

from kito import Response, server

HERE = Path(__file__).parent

app = server()


@app.get("/")
async def source(res: Response) -> None:
    await res.type("text").send_file(__file__)


@app.get("/download")
async def download(res: Response) -> None:
    await res.download(__file__, "example.py")


@app.get("/examples/{*path}")
async def below(res: Response, path: str) -> None:
    await res.send_file(path, root=HERE, max_age=3600)


if __name__ == "__main__":
    app.listen(3000)

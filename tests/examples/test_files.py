"""The files of the live page: complete, self-contained, and the same code that is published elsewhere."""

import re
from typing import TYPE_CHECKING

from tests.clients.processes import ROOT

if TYPE_CHECKING:
    import httpx2

EXAMPLES = ROOT / "examples"
WEB = EXAMPLES / "showcase" / "web"

CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
LINK = re.compile(r"""(?:src|href)="(/[^"#]+)"|from "\.(/[^"]+)\"""")
ELSEWHERE = re.compile(r"""https?:(?!//www\.w3\.org/2000/svg")|["'(]//|@import|url\(""")


def test_every_file_is_served_and_nothing_comes_from_elsewhere(client: "httpx2.Client") -> None:
    waiting, served = ["/"], {}
    while waiting:
        path = waiting.pop()
        response = client.get(path)
        assert response.status_code == 200, path
        assert response.headers["content-security-policy"].startswith("default-src 'self';")
        assert not ELSEWHERE.search(response.text), path
        served[path] = response
        links = {absolute or relative for absolute, relative in LINK.findall(response.text)}
        waiting += links - served.keys() - set(waiting)
    files = {"/" if file.name == "index.html" else f"/{file.name}": file for file in WEB.iterdir()}
    assert served.keys() == files.keys()
    for path, response in served.items():
        assert response.headers["content-type"] == CONTENT_TYPES[files[path].suffix]
        if path != "/":
            assert response.content == files[path].read_bytes()


def test_the_page_prints_the_source_of_every_handler(client: "httpx2.Client") -> None:
    page = client.get("/").text
    assert "{{" not in page
    for line in (
        "def stream(res):",
        "async def events(res):",
        "async def ai(req: Request, res: Response) -&gt; None:",
        "def logs(res: Response) -&gt; None:",
    ):
        assert line in page
    assert "stream.write(&quot;Chunk 1\\n&quot;)" in page


def test_the_two_published_handlers_are_served_unchanged() -> None:
    program = (EXAMPLES / "streaming.py").read_text()
    handlers = [block for block in program.split("\n\n") if block.startswith("@app.")]
    showcase = (EXAMPLES / "showcase" / "published.py").read_text()
    assert len(handlers) == 2
    for handler in handlers:
        assert handler in showcase


def test_a_path_that_is_no_file_is_not_found(client: "httpx2.Client") -> None:
    for path in ("/index.html", "/app.py", "/..%2fapp.py"):
        assert client.get(path).status_code == 404

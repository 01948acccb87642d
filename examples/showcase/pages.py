"""The page itself: the files of ``web/``, read once at start-up, with the source of the handlers put in."""

import html
import inspect
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from kito import Response, Server

WEB = Path(__file__).parent / "web"

CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

# The page loads nothing from elsewhere, and the browser holds it to that.
SECURITY_POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

Handler = Callable[..., Any]


def publish(app: Server, handlers: Iterable[Handler]) -> None:
    """Add a route for every file of ``web/``; ``{{ name }}`` in the page becomes that handler's source."""
    sources = {handler.__name__: html.escape(inspect.getsource(handler).rstrip()) for handler in handlers}
    for file in sorted(WEB.iterdir()):
        body = file.read_text("utf-8")
        if file.name == "index.html":
            app.get("/", _page(re.sub(r"\{\{ (\w+) \}\}", lambda slot: sources[slot[1]], body), file.suffix))
        else:
            app.get(f"/{file.name}", _page(body, file.suffix))


def _page(text: str, suffix: str) -> Handler:
    body = text.encode()

    def page(res: Response) -> None:
        res.header("content-type", CONTENT_TYPES[suffix])
        res.header("content-security-policy", SECURITY_POLICY)
        res.header("cache-control", "no-cache")
        res.send(body)

    return page

"""What an error looks like to a client: JSON, or a page for people, with the traceback while debugging."""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Mapping
from html import escape
from typing import TYPE_CHECKING, Final

from .errors import error_document
from .negotiation import best_type

if TYPE_CHECKING:
    from .request import Request
    from .response import Response

__all__ = ("answer_error",)

_OFFERS: Final = ("application/json", "text/html")  # of equals the first: programs rarely say what they want

_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 10vh auto; max-width: {width}; padding: 0 1rem; }}
pre {{ overflow-x: auto; padding: 1rem; border: 1px solid; }}
table {{ border-collapse: collapse; }}
th, td {{ text-align: left; vertical-align: top; padding: 0 1rem 0 0; overflow-wrap: anywhere; }}
</style>
</head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""


def answer_error(
    req: Request,
    res: Response,
    status: int,
    message: str | None = None,
    code: str | None = None,
    details: Iterable[Mapping[str, str]] | None = None,
    *,
    shown: BaseException | None = None,
) -> None:
    """Answer with an error status, as JSON or as a page, whichever the client wants more.

    `shown` is an exception that a developer may see: its traceback is on the page, the request beside it.
    """
    document = error_document(status, message, code, details)
    res.status(status).vary("accept")
    if best_type(req.header("accept"), _OFFERS) != "text/html":
        res.json(document)
        return
    lines = [f"<p>{escape(document[name])}</p>" for name in ("message", "code") if name in document]
    if shown is not None:
        lines += _explanation(req, shown)
    title = escape(f"{status} {document['error']}")
    res.html(_PAGE.format(title=title, body="\n".join(lines), width="40rem" if shown is None else "70rem"))


def _explanation(req: Request, error: BaseException) -> list[str]:
    """Return the parts of a page that only a developer gets."""
    trace = "".join(traceback.format_exception(error))
    return [
        f"<h2>{escape(type(error).__qualname__)}</h2>",
        f"<pre>{escape(trace)}</pre>",
        f"<h2>{escape(req.method)} {escape(req.url)}</h2>",
        _table(req.params.items()),
        _table(req.headers.items()),
        "<p>This page is shown because the server was made with debug=True.</p>",
    ]


def _table(pairs: Iterable[tuple[str, object]]) -> str:
    rows = [f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>" for name, value in pairs]
    return "\n".join(["<table>", *rows, "</table>"])

"""static_files: a folder of files below a path."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ..errors import HTTPError
from ..files import FileAnswer, FileOptions, file_exists
from ..paths import decode_path

if TYPE_CHECKING:
    from ..chains import Middleware, Next
    from ..request import Context

__all__ = ("static_files",)


def static_files(
    root: str | os.PathLike[str],
    prefix: str = "/",
    *,
    index: str | None = "index.html",
    max_age: int | None = None,
    immutable: bool = False,
    dotfiles: bool = False,
    precompressed: bool = True,
) -> Middleware:
    """Return a middleware that serves the files below `root` at the paths below `prefix`.

    A request for a file that is not there goes on to the routes; another method than GET and HEAD for one that is
    there is a 405. A folder is answered by its `index`, and by a redirect where the slash is missing. Names that
    begin with a dot are not served unless `dotfiles`. No path and no link leads out of `root`. The rest is as in
    `Response.send_file`. Each request below `prefix` looks at the disk, in a thread: choose a `prefix` of its own
    where there are many other routes. Raises `ValueError` for a prefix without its slash and a root that is no
    folder.
    """
    top = os.fspath(root)
    if not prefix.startswith("/"):
        raise ValueError(f"a prefix begins with '/', not {prefix!r}")
    if not os.path.isdir(top):
        raise ValueError(f"{top!r} is no folder that could be served")
    base = prefix.rstrip("/") + "/"
    options = FileOptions(top, None, max_age, immutable, dotfiles, precompressed)

    async def serve(ctx: Context, next: Next) -> Any:
        place = ctx.req.path
        if not place.startswith(base):
            return await next()
        name = decode_path(place[len(base) :])
        asks_folder = not name or name.endswith("/")
        if asks_folder and index is None:
            return await next()
        name = name + (index or "") if asks_folder else name
        if ctx.req.method not in ("GET", "HEAD"):
            return await _other_method(ctx, next, name, options)
        if await FileAnswer(ctx.res, name, options).send():
            return None
        if not asks_folder and index is not None and await file_exists(f"{name}/{index}", options):
            query = ctx.req.query_string
            ctx.res.redirect(f"{place}/{'?' if query else ''}{query}", 308)
            return None
        return await next()

    return serve


async def _other_method(ctx: Context, next: Next, name: str, options: FileOptions) -> Any:
    if ctx.req.method != "OPTIONS" and await file_exists(name, options):
        raise HTTPError(405, f"{ctx.req.method} is not served here", headers={"allow": "GET, HEAD, OPTIONS"})
    return await next()

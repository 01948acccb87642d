"""``python serve.py PROGRAM``: run a server program as it is, but on a free port, and announce its origin on stdout."""

import runpy
import sys
from typing import Any

from kito import Server

serve = Server.serve


async def serve_anywhere(self: Server, *, on_ready: Any = None, **options: Any) -> None:
    """`Server.serve` on a port that is free, whichever the program asks for."""

    def announce() -> Any:
        assert isinstance(self.address, tuple)
        sys.stdout.write("http://{}:{}\n".format(*self.address))
        sys.stdout.flush()
        return on_ready() if on_ready is not None else None

    await serve(self, on_ready=announce, **{**options, "port": 0})


Server.serve = serve_anywhere  # type: ignore[method-assign]
runpy.run_path(sys.argv[1], run_name="__main__")

"""``python serve.py PROGRAM``: run a server program as it is, but on a free port, and announce its origin on stdout."""

import runpy
import sys
from typing import Any

from kito import Server

listen = Server.listen


def listen_anywhere(self: Server, *position: Any, **options: Any) -> None:
    """`Server.listen` on a port that is free, whichever the program asks for."""
    asked = [*filter(callable, position), options.pop("on_ready", None)][0]

    def announce() -> Any:
        assert isinstance(self.address, tuple)
        sys.stdout.write("http://{}:{}\n".format(*self.address))
        sys.stdout.flush()
        return asked() if asked is not None else None

    listen(self, announce, **{**options, "port": 0})


Server.listen = listen_anywhere  # type: ignore[method-assign]
runpy.run_path(sys.argv[1], run_name="__main__")

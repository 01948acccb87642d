"""A running nginx in front of a server, with the configurations that the guide prints."""

import asyncio
import os
import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import require_tool
from tests.support.wire import request

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "proxies.md"
PROCESS_S = 10.0  # seconds for nginx to end
PATH = "unix:/run/kito/kito.sock"  # as the guide prints them
LISTEN = "listen 127.0.0.1:8080;"

MAIN = """
daemon off;
{user}
pid {folder}/nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {more}
    {site}
}}
"""

# The least that makes a proxy: what the guide says holds without its lines.
BARE = f"server {{ {LISTEN} location / {{ proxy_pass http://{PATH}; }} }}"


def printed(number: int) -> str:
    """The n-th configuration of the guide."""
    return re.findall(r"```nginx\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)[number]


def site() -> str:
    """The one of the proxy itself."""
    block = printed(0)
    assert block.count(PATH) == block.count(LISTEN) == 1
    return block


def compression() -> str:
    """The one of compression."""
    return printed(1)


@contextmanager
def nginx(folder: Path, path: str, block: str, more: str = "", *, cuts: bool = False) -> Iterator[tuple[str, int]]:
    """A running nginx in front of the socket at `path`; yields its address. It logs errors only where a body is cut."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    user = "user root;" if os.geteuid() == 0 else ""
    block = block.replace(PATH, f"unix:{path}").replace(LISTEN, f"listen 127.0.0.1:{port};")
    config = folder / "nginx.conf"
    config.write_text(MAIN.format(folder=folder, user=user, site=block, more=more))
    command = [require_tool("nginx"), "-p", str(folder), "-c", str(config)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield "127.0.0.1", port
        finally:
            process.terminate()
            _, errors = process.communicate(timeout=PROCESS_S)
        assert ("[error]" in errors) == cuts, errors


def accepts(address: tuple[str, int]) -> bool:
    """Whether somebody listens."""
    with socket.socket() as probe:
        return probe.connect_ex(address) == 0


async def asked(address: tuple[str, int], path: str, *fields: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection on which a request has been sent; nginx' heads are too liberal for the strict client."""
    reader, writer = await asyncio.open_connection(*address)
    writer.write(request(path, *fields, "connection: close"))
    return reader, writer

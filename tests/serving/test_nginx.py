"""Behind nginx, with the configuration that the guide prints."""

import asyncio
import os
import re
import socket
import subprocess
from contextlib import contextmanager
from pathlib import Path

from kito import server
from tests.conftest import require_tool
from tests.support.wire import request, soon, until

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "deploy.md"
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
    {site}
}}
"""


def site(path, port):
    """The configuration of the guide, at a path and a port of this test."""
    block = re.search(r"```nginx\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)[1]
    assert block.count(PATH) == block.count(LISTEN) == 1
    return block.replace(PATH, f"unix:{path}").replace(LISTEN, f"listen 127.0.0.1:{port};")


@contextmanager
def nginx(folder, path):
    """A running nginx in front of the socket at `path`; yields its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    user = "user root;" if os.geteuid() == 0 else ""
    config = folder / "nginx.conf"
    config.write_text(MAIN.format(folder=folder, user=user, site=site(path, port)))
    command = [require_tool("nginx"), "-p", str(folder), "-c", str(config)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield "127.0.0.1", port
        finally:
            process.terminate()
            _, errors = process.communicate(timeout=PROCESS_S)
        assert "[error]" not in errors, errors


def accepts(address):
    with socket.socket() as probe:
        return probe.connect_ex(address) == 0


async def test_the_configuration_of_the_guide(net, tmp_path):
    app = server(unix_socket=net.folder / "kito.sock", unix_mode=0o660, trust_proxy="unix")
    app.get("/", lambda req: [req.ip, list(req.ips), req.protocol, req.hostname])
    more = asyncio.Event()

    @app.sse("/events")
    async def events():
        yield "first"
        await more.wait()
        yield "second"

    async with app.running() as path:
        with nginx(tmp_path, path) as address:
            await until(lambda: accepts(address))
            plain = '["127.0.0.1",["127.0.0.1"],"http","kito.test"]'
            assert await body_of(*await asked(address, "/")) == plain
            lies = ("x-forwarded-for: 10.0.0.1", "x-forwarded-proto: https", "x-forwarded-host: evil.test")
            assert await body_of(*await asked(address, "/", *lies)) == plain
            assert await body_of(*await asked(address, "/", "forwarded: for=10.0.0.1;proto=https")) == plain
            reader, writer = await asked(address, "/events")
            await soon(reader.readuntil(b"data: first\n\n"))  # before there is a second
            more.set()
            assert b"data: second" in await soon(reader.read())
            writer.close()


async def asked(address, path, *fields):
    """A connection on which a request has been sent; nginx' heads are too liberal for the strict client."""
    reader, writer = await asyncio.open_connection(*address)
    writer.write(request(path, *fields, "connection: close"))
    return reader, writer


async def body_of(reader, writer):
    answer = await soon(reader.read())
    writer.close()
    return answer.partition(b"\r\n\r\n")[2].decode()

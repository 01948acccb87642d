"""curl, which has a TLS and a PROXY protocol of its own."""

import asyncio

import pytest

from kito import server
from tests.conftest import require_tool

CURL_S = 10.0  # seconds for one transfer


async def curl(*arguments: str) -> str:
    """What curl shows; it must succeed."""
    command = (require_tool("curl"), "--silent", "--show-error", "--noproxy", "*", "--max-time", "5", *arguments)
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    async with asyncio.timeout(CURL_S):
        output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode()


@pytest.fixture
def app():
    app = server()
    app.get("/", lambda req: f"{req.protocol} {req.ip}")
    app.post("/echo", lambda body: body)

    @app.sse("/events")
    async def events():
        for number in range(3):
            yield number

    return app


@pytest.mark.parametrize("version", ["--tlsv1.2", "--tlsv1.3"])
async def test_tls(net, pair, app, version):
    async with app.running(port=0, tls=pair) as (_, port):
        trusting = ("--cacert", pair.certificate, version, "--tls-max", version[-3:])
        resolved = ("--resolve", f"localhost:{port}:127.0.0.1")
        url = f"https://localhost:{port}"
        assert await curl(*trusting, *resolved, f"{url}/") == "https 127.0.0.1"
        assert await curl(*trusting, *resolved, f"{url}/events") == "data: 0\n\ndata: 1\n\ndata: 2\n\n"
        assert await curl(*trusting, *resolved, "--data", "x" * 100_000, f"{url}/echo") == "x" * 100_000
        assert await curl(*trusting, *resolved, "--http1.0", f"{url}/", "--next", *trusting, *resolved, f"{url}/") == (
            "https 127.0.0.1" * 2
        )


async def test_the_proxy_protocol(net, app):
    async with app.running(port=0, proxy_protocol=True) as (_, port):
        assert await curl("--haproxy-protocol", f"http://127.0.0.1:{port}/") == "http 127.0.0.1"


async def test_the_proxy_protocol_ahead_of_tls(net, pair, app):
    async with app.running(port=0, proxy_protocol=True, tls=pair) as (_, port):
        url = f"https://127.0.0.1:{port}/"
        assert await curl("--haproxy-protocol", "--cacert", pair.certificate, url) == "https 127.0.0.1"

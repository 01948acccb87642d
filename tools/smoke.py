"""Serves one request over a real socket with the installed package: the least that a wheel must be able to do."""

import asyncio
import sys

import kito

TIMEOUT_S = 20


async def main() -> str:
    """Starts a server on a free port, asks it once, and returns what it answered."""
    app = kito.server()
    app.get("/", lambda: "served")
    async with app.running(port=0) as address:
        host, port = address[:2] if isinstance(address, tuple) else (address.host, address.port)
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"GET / HTTP/1.1\r\nhost: kito\r\nconnection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    return answer.decode()


if __name__ == "__main__":
    answer = asyncio.run(asyncio.wait_for(main(), TIMEOUT_S))
    if not (answer.startswith("HTTP/1.1 200 ") and answer.endswith("\r\n\r\nserved")):
        sys.exit(f"error: not what was asked for: {answer!r}")
    print(f"kito from {kito.__file__} served one request")

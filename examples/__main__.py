"""``python -m examples``: serve the live page of the examples."""

import argparse
import os

from examples.showcase.app import app


def main() -> None:
    """Read the flags (or their environment variables) and serve until Ctrl-C."""
    host = os.environ.get("KITO_HOST", "127.0.0.1")
    port = os.environ.get("KITO_PORT", "3000")
    parser = argparse.ArgumentParser("python -m examples", description="Serve kito's examples as one page.")
    parser.add_argument("--host", default=host, help="address to listen on (or KITO_HOST)")
    parser.add_argument("--port", default=port, type=int, help="port, 0 for any free one (or KITO_PORT)")
    options = parser.parse_args()
    try:
        app.listen(options.port, options.host, announce)
    except OSError as error:
        parser.exit(1, f"{parser.prog}: {error}\n")


def announce() -> None:
    """Say where the page is, once the socket listens."""
    assert isinstance(app.address, tuple)  # it listens now, and not on a Unix socket
    host, port = app.address
    print(f"kito's examples: open http://{host}:{port} in a browser, Ctrl+C stops", flush=True)


if __name__ == "__main__":
    main()

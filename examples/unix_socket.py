"""Unix socket: no port, but a file that says who may connect. `curl --unix-socket kito.sock http://localhost/`."""

import sys

from kito import Response, server

app = server(unix_socket=sys.argv[1] if len(sys.argv) > 1 else "./kito.sock", unix_mode=0o660)


@app.get("/")
def hello(res: Response) -> None:
    res.send("Hello from a Unix socket!")


if __name__ == "__main__":
    app.listen(lambda: print(f"listening on {app.address}", flush=True))

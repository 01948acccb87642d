"""Clustering: one process a core, all at one port; a worker that crashes is replaced."""

import os

from kito import Response, server

app = server(workers=os.cpu_count() or 1)


@app.get("/")
def hello(res: Response) -> None:
    res.send(f"Hello from process {os.getpid()}!\n")


@app.get("/stats")
def stats() -> dict[str, object]:
    """Counts of the process that happens to answer: workers share nothing."""
    return app.stats


if __name__ == "__main__":
    app.listen(3000, "127.0.0.1", lambda: print(f"Worker {os.getpid()} is ready", flush=True))

"""What a handler's response looks like to its client, without a socket."""

from kito import server
from tests.core.answers import read_answer
from tests.core.rig import serving


def answer(handler):
    """What a client gets from a route with this handler."""
    app = server()
    app.get("/", handler)
    with serving(app) as rig:
        return read_answer(rig.connect().send(b"GET / HTTP/1.1\r\nhost: kito.test\r\n\r\n"))


def head(prepare):
    """The fields of a response after `prepare(res)`, without those that every response has."""

    def handler(res):
        prepare(res)
        res.end()

    fields = [(name.decode(), value.decode("latin-1")) for name, value in answer(handler).fields]
    return [field for field in fields if field[0] not in ("date", "content-length")]


def attempt(call):
    """The exception of `call(res)`, which must leave the response as it was: the rest of the handler answers."""
    caught = []

    def handler(res):
        try:
            call(res)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test looks at it
            caught.append(error)
        res.text("still fine")

    got = answer(handler)
    assert (got.status, got.body) == (200, b"still fine")
    names = [name for name, _ in got.fields]
    assert names == [b"content-type", b"content-length", b"date"]
    return caught[0] if caught else None

"""What an app answers by itself: errors as JSON, what is allowed, and the hooks; without a socket."""

import asyncio
import json

import pytest

from kito import HTTPError, server
from kito.app import App
from kito.errors import BadRequest, BodyTooLarge, InvalidHeader, NothingAnswered
from tests.core.answers import read_answer
from tests.core.rig import serving


def ask(app, target="/", method="GET", log=None):
    """One request; `log` is a part of what is logged with it, None: nothing is."""
    with serving(app) as rig:
        data = rig.connect().send(f"{method} {target} HTTP/1.1\r\nhost: a\r\n\r\n".encode())
        if log is not None:
            rig.log.take(log)
    return read_answer(data, method)


def raising(error):
    """An app whose one route raises."""
    app = App()

    def fail():
        raise error

    app.all("/", fail)
    return app


def document(answer):
    """The JSON body of an error."""
    assert answer.get(b"content-type") == b"application/json"
    return json.loads(answer.body)


# === Errors ===


@pytest.mark.parametrize(
    ("error", "status", "body"),
    [
        (HTTPError(404), 404, {"error": "Not Found"}),
        (HTTPError(404, "no such cat"), 404, {"error": "Not Found", "message": "no such cat"}),
        (HTTPError(503, "asleep"), 503, {"error": "Service Unavailable", "message": "asleep"}),
        (BadRequest(), 400, {"error": "Bad Request", "message": "the request is malformed"}),
        (BodyTooLarge("2 MiB"), 413, {"error": "Content Too Large", "message": "2 MiB"}),
    ],
    ids=repr,
)
def test_an_error_on_purpose_is_its_own_answer(error, status, body):
    answer = ask(raising(error))
    assert answer.status == status
    assert document(answer) == body


@pytest.mark.parametrize(
    "error", [ValueError("secret"), KeyError("secret"), InvalidHeader("secret"), NothingAnswered()]
)
def test_any_other_error_is_a_500_that_tells_nothing(error):
    answer = ask(raising(error), log="GET / failed")
    assert answer.status == 500
    assert document(answer) == {"error": "Internal Server Error"}


def test_an_error_on_a_head_request_has_no_body():
    answer = ask(raising(HTTPError(404)), method="HEAD")
    assert answer.status == 404
    assert int(answer.get(b"content-length")) > 0


def test_headers_of_an_error_are_lines_of_the_answer():
    error = HTTPError(401, headers=[("www-authenticate", "Basic"), ("www-authenticate", "Bearer"), ("x-a", "1")])
    fields = [field for field in ask(raising(error)).fields if field[0] in (b"www-authenticate", b"x-a")]
    assert fields == [(b"www-authenticate", b"Basic"), (b"www-authenticate", b"Bearer"), (b"x-a", b"1")]


def test_an_error_that_cannot_be_sent_is_a_500():
    answer = ask(raising(HTTPError(400, headers={"x-a": "1\r\nx-b: 2"})), log="an error handler failed")
    assert answer.status == 500
    assert answer.get(b"x-b") is None


def test_what_was_set_before_the_error_is_forgotten():
    app = App()

    @app.get("/")
    def handler(res):
        res.status(201).header("x-a", "1").cookie("a", "1").type("html").header("content-length", "7")
        raise HTTPError(409)

    answer = ask(app)
    assert answer.status == 409
    assert [name for name, _ in answer.fields] == [b"vary", b"content-type", b"content-length", b"date"]
    assert document(answer) == {"error": "Conflict"}


# === Where no route is ===


def test_not_found():
    answer = ask(App(), "/cats?a=1")
    assert answer.status == 404
    assert document(answer) == {"error": "Not Found", "message": "nothing is served at /cats"}


@pytest.mark.parametrize("target", ["/a", "/b/1"])
def test_a_wrong_method_names_the_right_ones(target):
    app = App()
    app.post("/a", lambda: "x").post("/b/:id", lambda ctx: "x")
    answer = ask(app, target)
    assert answer.status == 405
    assert answer.get(b"allow") == b"POST, OPTIONS"
    assert document(answer) == {"error": "Method Not Allowed", "message": "GET is not served here"}


def test_options_is_answered():
    app = App()
    app.get("/a", lambda: "x").put("/b", lambda: "x")
    answer = ask(app, "/a", "OPTIONS")
    assert (answer.status, answer.get(b"allow")) == (204, b"GET, HEAD, OPTIONS")
    answer = ask(app, "*", "OPTIONS")
    assert answer.status == 204
    assert {b"GET", b"HEAD", b"PUT", b"OPTIONS"} <= set(answer.get(b"allow").split(b", "))
    assert ask(app, "/nowhere", "OPTIONS").status == 404


def test_a_slash_at_the_end_changes_nothing():
    app = App()
    app.get("/a", lambda: "x").get("/b/:name/", lambda name: name)
    assert [ask(app, target).body for target in ("/a", "/a/", "/b/1", "/b/1/")] == [b"x", b"x", b"1", b"1"]


def test_values_are_converted_before_the_handler_runs():
    app = App()
    ran = []

    @app.get("/cats/:id")
    def show(id: int):
        ran.append(id)
        return {"id": id}

    assert ask(app, "/cats/7").body == b'{"id":7}'
    answer = ask(app, "/cats/seven")
    assert answer.status == 400
    assert "id" in document(answer)["message"]
    assert ran == [7]


# === Routes and dispatchers ===


def test_one_app_may_be_served_on_several_loops():
    app = App()
    with serving(app) as one, serving(app) as other:
        app.get("/late", lambda: "x")
        for rig in (one, other):
            answer = read_answer(rig.connect().send(b"GET /late HTTP/1.1\r\nhost: a\r\n\r\n"))
            assert answer.body == b"x"


# === Hooks ===


def test_hooks_are_decorators_that_return_their_function():
    app = server()

    def hook():
        return None

    assert app.on_startup(hook) is hook
    assert app.on_shutdown(hook) is hook

    class Life:
        async def __aenter__(self):
            return self

        async def __aexit__(self, *_):
            return None

    assert app.lifespan(Life) is Life


def test_lifespans_are_entered_in_order_and_left_in_reverse():
    from contextlib import AsyncExitStack, asynccontextmanager

    app, seen = App(), []

    def life(name):
        @asynccontextmanager
        async def lifespan():
            seen.append(f"{name} in")
            yield
            seen.append(f"{name} out")

        return lifespan

    app.lifespan(life("a"))
    app.on_startup(lambda: seen.append("start"))
    app.on_shutdown(lambda: seen.append("stop"))
    app.lifespan(life("b"))

    async def run():
        async with AsyncExitStack() as stack:
            await app.enter_lifespans(stack)
            seen.append("serving")

    asyncio.run(run())
    assert seen == ["a in", "start", "b in", "serving", "b out", "stop", "a out"]

"""Registration: every verb as call, chain and decorator, and mistakes that are told at once with what to write."""

import asyncio
import functools
import re

import pytest

from kito import RoutingError, server
from kito.errors import DuplicateRoute, InvalidPath

VERBS = ("get", "post", "put", "delete", "patch", "head", "options", "all")


def hello():
    return "hello"


def routes(app):
    """The registered routes as (method, path)."""
    return [(route.method, route.path) for route in app.routes]


def handlers(app):
    """The registered handlers."""
    return [route.handler for route in app.routes]


def start(app):
    """What a start does first: everything is decided that can be."""
    loop = asyncio.new_event_loop()
    loop.close()
    app.make_dispatcher(loop)


def method_of(verb):
    return "*" if verb == "all" else verb.upper()


# === Forms ===


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_as_a_call_returns_the_app(verb):
    app = server()
    assert getattr(app, verb)("/a", hello) is app
    assert routes(app) == [(method_of(verb), "/a")]
    assert handlers(app) == [hello]


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_as_a_decorator_returns_the_function(verb):
    app = server()

    def decorated():
        return "x"

    assert getattr(app, verb)("/a")(decorated) is decorated
    assert routes(app) == [(method_of(verb), "/a")]
    assert handlers(app) == [decorated]


def test_calls_chain():
    app = server()
    assert app.get("/a", hello).post("/a", hello).get("/b", hello) is app
    assert routes(app) == [("GET", "/a"), ("POST", "/a"), ("GET", "/b")]


def test_decorators_stack():
    app = server()

    @app.get("/a")
    @app.post("/a")
    @app.get("/b")
    def handler():
        return "x"

    assert routes(app) == [("GET", "/b"), ("POST", "/a"), ("GET", "/a")]
    assert handlers(app) == [handler] * 3


def test_a_route_chain_registers_at_one_path():
    app = server()
    chain = app.route("/a")
    for verb in VERBS:
        assert getattr(chain, verb)(hello) is chain
    assert chain.end() is app
    assert routes(app) == [(method_of(verb), "/a") for verb in VERBS]


def test_a_route_chain_takes_options():
    app = server()
    app.route("/a").get(hello, on_disconnect="detach").end().get("/b", hello)
    with pytest.raises(RoutingError, match="no route option 'slow'"):
        app.route("/c").post(hello, slow=True)
    assert routes(app) == [("GET", "/a"), ("GET", "/b")]


def test_an_sse_route_is_a_get_route():
    app = server()

    @app.sse("/events")
    def events():
        yield 1

    async def more():
        yield 2

    assert app.sse("/more", more) is app
    assert routes(app) == [("GET", "/events"), ("GET", "/more")]
    assert all(route.spec.options["events"] for route in app.routes)


class Cats:
    def show(self, name):
        return name

    def __call__(self, res):
        res.send("x")


@pytest.mark.parametrize(
    "handler",
    [Cats().show, Cats(), functools.partial(Cats().show), lambda name: name],
    ids=["method", "instance", "partial", "lambda"],
)
def test_every_kind_of_callable_is_a_handler(handler):
    app = server()
    app.get("/cats/:name", handler)
    assert len(routes(app)) == 1


@pytest.mark.parametrize("policy", ["cancel", "detach", "finish"])
def test_route_options(policy):
    app = server()
    app.get("/a", hello, on_disconnect=policy)

    @app.get("/b", on_disconnect=policy)
    def decorated():
        return "x"

    assert len(routes(app)) == 2


# === Mistakes ===


@pytest.mark.parametrize("form", ["call", "decorator", "chain"])
@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("cats", "write '/cats'"),
        ("", "write '/'"),
        ("/a//b", "write '/a/b'"),
        ("/a?b=1", "write '/a'"),
        ("/:", "write one, such as '/:id'"),
        ("/{a", "the braces of '{a' do not match"),
        ("/:a/:a", "two parameters called 'a'"),
        ("/{*a}/b", "make it the last segment"),
        ("/%zz", "write '/%25zz'"),
    ],
)
def test_a_bad_path_says_what_to_write(form, path, message):
    app = server()
    with pytest.raises(InvalidPath, match=re.escape(message)):
        register(app, form, path, lambda: "x")
    assert routes(app) == []


def register(app, form, path, handler):
    """Register a handler in one of the three forms."""
    if form == "call":
        app.get(path, handler)
    elif form == "decorator":
        app.get(path)(handler)
    else:
        app.route(path).get(handler)


@pytest.mark.parametrize("form", ["call", "decorator", "chain"])
@pytest.mark.parametrize(
    ("again", "shown"),
    [("/cats/:id", "/cats/:id"), ("/cats/:name", "/cats/:id"), ("/cats/{id}/", "/cats/:id")],
)
def test_a_duplicate_names_both_paths(form, again, shown):
    app = server()
    app.get("/cats/:id", lambda req: "x")
    with pytest.raises(DuplicateRoute) as caught:
        register(app, form, again, lambda ctx: "x")
    assert shown in str(caught.value)
    assert again in str(caught.value)
    assert "GET" in str(caught.value)
    assert routes(app) == [("GET", "/cats/:id")]


def test_the_same_path_for_another_method_is_no_duplicate():
    app = server()
    app.get("/a", hello).post("/a", hello).head("/a", hello).all("/a", hello)
    assert len(routes(app)) == 4
    with pytest.raises(DuplicateRoute):
        app.all("/a", hello)


@pytest.mark.parametrize("form", ["call", "decorator", "chain"])
def test_an_unknown_parameter_names_the_handler_and_what_there_is(form):
    app = server()

    def show_cat(req, idd):
        return idd

    register(app, form, "/cats/:id", show_cat)  # it may be an extension, or a parameter of where this is mounted
    with pytest.raises(TypeError) as caught:
        start(app)
    message = str(caught.value)
    assert "GET /cats/:id" in message
    assert "show_cat" in message
    assert "'idd'" in message
    assert re.search(r"\bid\b", message), "what was probably meant"


def test_an_unknown_parameter_is_told_at_once_where_the_server_runs():
    app = server()
    start(app)
    with pytest.raises(TypeError, match="'idd'"):
        app.get("/cats/:id", lambda req, idd: idd)
    assert routes(app) == []


@pytest.mark.parametrize(("name", "hint"), [("self", "method of an instance"), ("next", "is a middleware")])
def test_a_parameter_that_nobody_ever_gives_is_told_at_once(name, hint):
    app = server()
    with pytest.raises(TypeError, match=hint):
        app.get("/", eval(f"lambda ctx, {name}: None"))
    assert routes(app) == []


def test_a_parameter_of_another_path_is_unknown():
    app = server()
    app.get("/cats/:name", lambda req, name: name)
    app.get("/dogs/:id", lambda req, name: name)
    with pytest.raises(TypeError, match=r"GET /dogs/:id.*'name'"):
        start(app)


@pytest.mark.parametrize("handler", ["a text", 7, {}, Cats], ids=["str", "int", "dict", "class"])
@pytest.mark.parametrize("form", ["call", "decorator", "chain"])
def test_what_cannot_be_called_with_a_request_is_no_handler(form, handler):
    app = server()
    with pytest.raises(TypeError, match=r"a handler is a function|register a function"):
        register(app, form, "/", handler)
    assert routes(app) == []


def test_none_is_no_handler():
    app = server()
    with pytest.raises(TypeError, match="a handler is a function"):
        app.get("/", None)


@pytest.mark.parametrize("verb", [*VERBS, "sse"])
def test_a_decorator_without_its_path_is_told(verb):
    """`@app.get` above a function, the parentheses forgotten."""
    app = server()
    with pytest.raises((TypeError, InvalidPath), match="path"):
        getattr(app, verb)(hello)


@pytest.mark.parametrize("form", ["call", "decorator"])
def test_an_unknown_option_names_the_known_ones(form):
    app = server()
    arguments = ("/", hello) if form == "call" else ("/",)
    with pytest.raises(RoutingError, match=r"'on_disconect'.*known are.*on_disconnect"):
        app.get(*arguments, on_disconect="detach")
    assert routes(app) == []


@pytest.mark.parametrize("value", ["detached", None, True, 1])
def test_a_bad_value_of_an_option_names_the_good_ones(value):
    app = server()
    with pytest.raises((ValueError, TypeError), match="on_disconnect"):
        app.get("/", hello, on_disconnect=value)
    assert routes(app) == []


@pytest.mark.parametrize(
    ("option", "match"),
    [
        ({"body_size": -1}, "body_size is -1: write a number of bytes"),
        ({"body_size": "1 MiB"}, "body_size is '1 MiB'"),
        ({"body_size": True}, "body_size is True"),
        ({"body_size": 2**63}, "body_size is"),
        ({"body_size": None}, "add stream_body=True"),
        ({"timeout": 0}, "timeout is 0: write seconds"),
        ({"timeout": -1.5}, "timeout is -1.5"),
        ({"timeout": float("nan")}, "timeout is nan"),
        ({"timeout": 10**9}, "timeout is 1000000000"),
        ({"timeout": "5"}, "timeout is '5'"),
    ],
)
def test_a_bound_of_a_route_has_to_be_one(option, match):
    app = server()
    with pytest.raises(ValueError, match=match):
        app.post("/", hello, **option)
    assert routes(app) == []
    app.post("/", hello, body_size=0, timeout=0.5)
    app.put("/", hello, stream_body=True, body_size=None, timeout=None)


def test_a_streamed_body_is_no_parameter():
    with pytest.raises(TypeError, match=r"/up: a streamed body is no parameter.*req\.stream\(\)"):
        server().post("/up", lambda body: None, stream_body=True)


@pytest.mark.parametrize("handler", [hello, lambda res: res.sse()], ids=["function", "lambda"])
def test_an_sse_handler_has_to_yield(handler):
    app = server()
    with pytest.raises(TypeError, match=r"/events.*write a generator, or get\(\) with res\.sse\(\)"):
        app.sse("/events", handler)
    assert routes(app) == []


def test_a_failed_registration_changes_nothing():
    app = server()
    app.get("/a", hello)
    for mistake in (
        lambda: app.get("/a", hello),
        lambda: app.get("b", hello),
        lambda: app.get("/c", lambda self, knows: None),
        lambda: app.get("/d", hello, bad=1),
        lambda: app.sse("/e", hello),
    ):
        with pytest.raises((RoutingError, TypeError)):
            mistake()
    assert routes(app) == [("GET", "/a")]
    app.get("/c", hello).get("/d", hello)
    assert routes(app) == [("GET", "/a"), ("GET", "/c"), ("GET", "/d")]

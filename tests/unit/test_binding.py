"""What a handler names is what it gets; a name that nobody knows is refused when the route is registered."""

import asyncio
import datetime as dt
import functools
import inspect
import traceback
from types import SimpleNamespace

import pytest

from kito.binding import (
    CALL_CTX,
    CALL_GENERAL,
    CALL_NONE,
    CALL_REQ,
    CALL_REQ_RES,
    CALL_RES,
    CALL_RES_REQ,
    bind,
)
from kito.errors import HTTPError

PARAMS = ("id", "day")
EXTENSIONS = ("db", "log")

RES = object()


@pytest.fixture
def req():
    return SimpleNamespace(
        ctx=SimpleNamespace(db="the db", log="the log"),
        params={"id": "7", "day": "2026-11-22"},
        body=b"the body",
        query="the query",
        headers="the headers",
        cookies="the cookies",
    )


def bound(handler, params=PARAMS, extensions=EXTENSIONS):
    return bind(handler, params=params, extensions=extensions)


def called(handler, req, **options):
    """What a handler that needs a caller of its own is given, by what it returns."""
    binding = bound(handler, **options)
    assert binding.kind == CALL_GENERAL
    return binding.call(req, RES)


class Methods:
    def plain(self, req, res):
        return self, req, res

    def alone(self):
        return self

    @classmethod
    def on_class(cls, id):
        return cls, id

    @staticmethod
    def on_nothing(res):
        return res

    async def __call__(self, id, res):
        return self, id, res


# === The calls that the core makes itself ===


@pytest.mark.parametrize(
    ("handler", "kind", "names"),
    [
        (lambda: None, CALL_NONE, ()),
        (lambda res: None, CALL_RES, ("res",)),
        (lambda req: None, CALL_REQ, ("req",)),
        (lambda req, res: None, CALL_REQ_RES, ("req", "res")),
        (lambda res, req: None, CALL_RES_REQ, ("res", "req")),
        (lambda ctx: None, CALL_CTX, ("ctx",)),
        (lambda context: None, CALL_CTX, ("ctx",)),
        (lambda c, n=1: None, CALL_CTX, ("ctx",)),
        (lambda res, /: None, CALL_RES, ("res",)),
        (lambda res, n=1: None, CALL_RES, ("res",)),
        (lambda res, *, n=1: None, CALL_RES, ("res",)),
        (lambda res=None: None, CALL_RES, ("res",)),
        (lambda n=1: None, CALL_NONE, ()),
        (lambda res, *args, **kwargs: None, CALL_RES, ("res",)),
        (Methods().plain, CALL_REQ_RES, ("req", "res")),
        (Methods.on_nothing, CALL_RES, ("res",)),
        (functools.partial(lambda n, res: None, 1), CALL_RES, ("res",)),
        (functools.partial(lambda res, n: None, n=1), CALL_RES, ("res",)),
    ],
)
def test_a_simple_handler_is_called_as_it_is(handler, kind, names):
    binding = bound(handler)
    assert (binding.kind, binding.names) == (kind, names)
    assert binding.call is handler


def test_the_kinds_differ():
    kinds = (CALL_NONE, CALL_RES, CALL_REQ, CALL_REQ_RES, CALL_RES_REQ, CALL_CTX, CALL_GENERAL)
    assert kinds == tuple(range(7))


# === The callers that are made ===


@pytest.mark.parametrize(
    ("handler", "given"),
    [
        (lambda id: id, "7"),
        (lambda day, id: (day, id), ("2026-11-22", "7")),
        (lambda db: db, "the db"),
        (lambda log, res, db: (log, res, db), ("the log", RES, "the db")),
        (lambda body: body, b"the body"),
        (lambda query, headers, cookies: (query, headers, cookies), ("the query", "the headers", "the cookies")),
        (lambda params: params, {"id": "7", "day": "2026-11-22"}),
        (lambda *, res: res, RES),
        (lambda *, id, res: (id, res), ("7", RES)),
        (lambda id, /, db, *, res: (id, db, res), ("7", "the db", RES)),
        (lambda id="none": id, "7"),
        (lambda id, n=4: (id, n), ("7", 4)),
        (lambda n=4, id="none": (n, id), (4, "7")),
        (lambda n=4, /, id="none": (n, id), (4, "7")),
        (lambda n=4, m=5, /, id="none", *, k=6, res: (n, m, id, k, res), (4, 5, "7", 6, RES)),
        (lambda id, *args, **kwargs: (id, args, kwargs), ("7", (), {})),
        (functools.partial(lambda n, id: (n, id), 1), (1, "7")),
        (functools.partial(lambda id, db: (id, db), db="mine"), ("7", "mine")),
        (functools.partial(lambda id, res, db: (id, res, db), id="mine"), ("mine", RES, "the db")),
        (Methods.on_class, (Methods, "7")),
    ],
)
def test_a_handler_gets_what_it_names(handler, given, req):
    assert called(handler, req) == given


def test_ctx_req_and_res_beside_others(req):
    assert called(lambda ctx, id, req, res: (ctx, id, req, res), req) == (req.ctx, "7", req, RES)


def test_a_callable_object_is_a_handler(req):
    handler = Methods()
    binding = bound(handler)
    assert binding.is_async
    assert asyncio.run(binding.call(req, RES)) == (handler, "7", RES)


def test_a_wrapped_handler_asks_for_what_the_function_inside_does(req):
    def inner(id, res):
        return id, res

    @functools.wraps(inner)
    def outer(*args, **kwargs):
        return ("outer", *inner(*args, **kwargs))

    assert called(outer, req) == ("outer", "7", RES)


def test_the_names_are_in_the_order_of_the_parameters():
    assert bound(lambda res, n=1, *, id, db: None).names == ("res", "id", "db")


# === Which of several things a name means ===


@pytest.mark.parametrize("part", ["body", "query", "params", "headers", "cookies"])
def test_a_path_parameter_hides_a_part_and_an_extension(part):
    request = SimpleNamespace(params={part: "from the path"})
    handler = eval(f"lambda {part}: {part}")
    assert called(handler, request, params=(part,), extensions=(part,)) == "from the path"


def test_a_part_hides_an_extension(req):
    assert called(lambda query: query, req, extensions=("query",)) == "the query"


@pytest.mark.parametrize(("name", "kind"), [("ctx", CALL_CTX), ("req", CALL_REQ), ("res", CALL_RES)])
def test_nothing_hides_request_response_and_context(name, kind):
    assert bound(eval(f"lambda {name}: None"), params=(name,), extensions=(name,)).kind == kind


# === What calling gives ===


def test_what_a_call_gives_is_known_beforehand():
    def plain(res): ...

    async def coroutine(res): ...

    def generator(res):
        yield

    async def async_generator(res):
        yield

    class Generator:
        def __call__(self, res):
            yield

    flags = {
        plain: (False, False, False),
        coroutine: (True, False, False),
        generator: (False, True, False),
        async_generator: (False, False, True),
        functools.partial(coroutine): (True, False, False),
        functools.partial(async_generator): (False, False, True),
        functools.partial(Generator()): (False, True, False),
        Generator(): (False, True, False),
        Generator().__call__: (False, True, False),
        Methods(): (True, False, False),
        functools.lru_cache(plain): (False, False, False),
    }
    for handler, expected in flags.items():
        binding = bound(handler)
        assert (binding.is_async, binding.is_generator, binding.is_async_generator) == expected


def test_a_made_caller_returns_what_the_handler_returns(req):
    async def coroutine(id):
        return id

    async def events(id):
        yield id

    assert asyncio.run(called(coroutine, req)) == "7"
    assert inspect.isasyncgen(called(events, req))
    assert list(called(lambda id: iter([id]), req)) == ["7"]


# === What is refused ===


@pytest.mark.parametrize(
    ("handler", "message"),
    [
        (lambda reqs, res: None, r"asks for 'reqs', which is not known: did you mean 'req'\?"),
        (lambda res, idd: None, r"asks for 'idd', which is not known: did you mean 'id'\?"),
        (lambda res, boddy: None, r"did you mean 'body'\?"),
        (lambda res, zzz: None, "asks for 'zzz', which is not known: rename it or give it a default"),
        (lambda *, c, id: None, "asks for 'c'"),
        (Methods.plain, r"Methods\.plain asks for 'self', .* register the method of an instance"),
        (Methods.alone, r"asks for 'self', .* register the method of an instance"),
        (lambda *args: None, r"hides what it asks for behind \*args and \*\*kwargs: .* functools\.wraps"),
        (lambda **kwargs: None, r"functools\.wraps"),
        (Methods, "Methods is a class: register a function or an instance's method"),
        ("handler", "a handler is a function or another callable, not 'handler'"),
        (None, "a handler is a function or another callable, not None"),
        (type, "type is a class"),
        (min, "does not tell its parameters: write a def around it"),
        (functools.partial(min, 1), "does not tell its parameters: write a def around it"),
    ],
)
def test_a_wrong_handler_is_refused(handler, message):
    with pytest.raises(TypeError, match=message):
        bound(handler)


def test_the_message_names_the_handler_and_what_there_is():
    def cats(res, zzz): ...

    with pytest.raises(TypeError) as caught:
        bound(cats)
    message = str(caught.value)
    assert cats.__qualname__ in message
    assert "(there are ctx, req, res; path parameters id, day; parts body, query" in message
    assert message.endswith("extensions db, log)")
    with pytest.raises(TypeError, match=r"\(there are ctx, req, res; parts body, query, params, headers, cookies\)$"):
        bound(cats, params=(), extensions=())


# === Annotations ===


def test_annotations_convert(req):
    def handler(id: int, day: dt.date):
        return id, day

    assert called(handler, req) == (7, dt.date(2026, 11, 22))


def test_an_annotation_may_be_a_string(req):
    def handler(id: "int", day: "dt.date | None" = None):
        return id, day

    assert called(handler, req) == (7, dt.date(2026, 11, 22))


def test_an_annotation_may_name_a_local_type(req):
    class Local(int): ...

    alias = int

    def handler(id: "alias"):
        return id, alias, Local

    assert called(handler, req)[0] == 7


def test_an_enclosing_variable_may_have_no_value_yet(req):
    def handler(id: "int"):
        return id, later

    assert bound(handler).kind == CALL_GENERAL
    later = 1
    assert called(handler, req) == (7, later)


def test_annotations_are_found_behind_wrappers(req):
    def inner(self, id: "int"):
        return id

    @functools.wraps(inner)
    def outer(*args):
        return inner(*args)

    class Handlers:
        method = outer
        __call__ = outer

    for handler in (Handlers().method, Handlers(), functools.partial(Handlers().method), functools.partial(Handlers())):
        assert called(handler, req) == 7


def test_annotations_that_nobody_needs_may_be_unknown():
    def handler(res: "Response", n: "Nothing" = 1) -> "Something": ...  # noqa: F821

    assert bound(handler).kind == CALL_RES


def test_an_annotation_that_cannot_be_resolved_is_refused():
    def handler(id: "Nowhere"): ...  # noqa: F821

    with pytest.raises(TypeError, match=r"annotates 'id' with 'Nowhere', which cannot be resolved .*module level"):
        bound(handler)


def test_an_annotation_that_nothing_converts_to_is_refused():
    def handler(id: Methods): ...

    with pytest.raises(TypeError, match=r"handler annotates 'id' with <class .*>, which nothing converts to: write"):
        bound(handler)


def test_a_value_that_does_not_convert_stops_the_call(req):
    calls = []

    def handler(id: int):
        calls.append(id)

    call = bound(handler).call
    req.params["id"] = "seven"
    with pytest.raises(HTTPError) as caught:
        call(req, RES)
    assert caught.value.status == 400
    assert "params.id" in caught.value.message
    assert calls == []


def test_a_made_caller_is_named_in_tracebacks(req):
    def cats(id):
        raise RuntimeError

    with pytest.raises(RuntimeError) as caught:
        called(cats, req)
    files = [frame.filename for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert any("caller of the handler" in name and "cats" in name for name in files)

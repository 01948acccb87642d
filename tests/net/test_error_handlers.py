"""Errors over the wire: one road for all of them, the most specific handler, JSON or a page."""

import asyncio
import json

import pytest

from kito import HTTPError, Limits, RoutingError, Timeouts, error, router, server
from kito.errors import BadRequest, BodyTooLarge, ProtocolError, RemoteProtocolError
from tests.support.wire import request, soon

CatNotFound = error("CAT_NOT_FOUND").status(404).message(lambda id: f"there is no cat {id}").build()


def raising(app, path, failure):
    def fail():
        raise failure

    app.get(path, fail)


async def status_and_body(site, path, *fields, method="GET"):
    answer = await site.get(path, *fields, method=method)
    return answer.status, answer.body.decode()


# === Kinds ===


async def test_a_kind_of_error_is_made_once_and_raised_with_its_data(net):
    limited = error("LIMITED").status(429).message("slower").headers({"retry-after": "7"}).build()
    app = server()
    raising(app, "/cat", CatNotFound(id=7))
    raising(app, "/fast", limited())
    raising(app, "/plain", error("plain").build()())
    async with net.serving(app) as site:
        status, body = await status_and_body(site, "/cat")
        assert (status, json.loads(body)) == (
            404,
            {"error": "Not Found", "message": "there is no cat 7", "code": "CAT_NOT_FOUND"},
        )
        answer = await site.get("/fast")
        assert (answer.status, answer.head.get("retry-after")) == (429, "7")
        assert (await status_and_body(site, "/plain"))[0] == 500
    assert CatNotFound.__name__ == "CatNotFound"
    assert issubclass(CatNotFound, HTTPError)
    assert CatNotFound(id=1).data == {"id": 1}


def test_kinds_that_cannot_be_meant_are_told():
    for mistake in (lambda: error(""), lambda: error("---"), lambda: error("A").status(200)):
        with pytest.raises(ValueError, match=r"code|599"):
            mistake()


# === Which handler ===


async def test_the_most_specific_handler_answers_whatever_the_order(net):
    app = server()
    app.on_error(Exception, lambda error: {"by": "Exception"})
    app.on_error(HTTPError, lambda error: {"by": "HTTPError"})
    app.on_error(404, lambda error: {"by": "404"})
    app.on_error(LookupError, lambda error: {"by": "LookupError"})
    app.on_error("CAT_NOT_FOUND", lambda error, res: res.status(410).json({"by": "code", "id": error.data["id"]}))
    app.on_error(500, lambda error: {"by": "500"})

    @app.on_error([KeyError, 418])
    async def of_both(failure, req):
        await asyncio.sleep(0)
        return {"by": f"both: {type(failure).__name__} at {req.path}"}

    for path, failure, status, by in (
        ("/code", CatNotFound(id=3), 410, "code"),
        ("/key", KeyError(1), 200, "both: KeyError at /key"),
        ("/index", IndexError(1), 200, "LookupError"),
        ("/teapot", HTTPError(418), 200, "both: HTTPError at /teapot"),
        ("/gone", HTTPError(410), 200, "HTTPError"),
        ("/value", ValueError(), 200, "500"),
        ("/bad", BadRequest(), 200, "Exception"),
    ):
        raising(app, path, failure)
        async with net.serving(app) as site:
            found, body = await status_and_body(site, path)
            assert (found, json.loads(body)["by"]) == (status, by), path
    async with net.serving(app) as site:
        assert json.loads((await status_and_body(site, "/nowhere"))[1])["by"] == "404"


async def test_errors_of_the_server_itself_take_the_same_road(net):
    seen = []
    app = server(limits=Limits(body_size=10), timeouts=Timeouts(handler=1))
    app.observe_error(lambda error: seen.append(type(error).__name__))
    for status in (400, 404, 405, 413, 503):
        app.on_error(status, lambda res, error: res.status(error.status).text(f"mine: {error.status}"))
    app.get("/cats/:id", lambda id: id, name="cat")

    @app.get("/typed/:id")
    def typed(id: int):
        return id

    @app.get("/slow")
    async def slow():
        await asyncio.Event().wait()

    async with net.serving(app) as site:
        for path, method, status in (("/x", "GET", 404), ("/cats/1", "PUT", 405), ("/typed/x", "GET", 400)):
            assert await status_and_body(site, path, method=method) == (status, f"mine: {status}")
        assert (await site.get("/cats/1", method="PUT")).head.get("allow") is None  # the handler has the word
        wire = await site.connect()
        await wire.send(request("/cats/1", method="POST", body=b"x" * 11))
        assert (await wire.answer()).body == b"mine: 413"
        await wire.ended()
        assert await status_and_body(site, "/slow") == (503, "mine: 503")
    assert seen == ["HTTPError", "HTTPError", "ValidationError", "HTTPError", "BodyTooLarge", "HandlerTimeout"]


async def test_handlers_of_a_router_come_before_those_above(net):
    app, outer, inner = server(), router(), router()
    app.mount("/outer", outer)
    outer.mount("/inner", inner)
    raising(inner, "/key", KeyError())
    raising(inner, "/value", ValueError())
    raising(inner, "/type", TypeError())
    raising(app, "/key", KeyError())
    app.on_error(Exception, lambda error: "app")
    outer.on_error(ValueError, lambda error: "outer")

    @inner.on_error(LookupError)
    async def of_inner(error, res):
        res.status(404).text("inner")

    inner.on_error(404, lambda error: "nothing here")

    @inner.get("/later")
    async def later():
        await asyncio.sleep(0)
        raise KeyError

    async with net.serving(app) as site:
        for path, expected in (
            ("/outer/inner/key", (404, "inner")),
            ("/outer/inner/later", (404, "inner")),
            ("/outer/inner/value", (200, "outer")),
            ("/outer/inner/type", (200, "app")),
            ("/outer/inner/nowhere", (200, "nothing here")),
            ("/key", (200, "app")),
        ):
            assert await status_and_body(site, path) == expected, path


async def test_a_handler_that_fails_or_does_not_answer_is_a_plain_500(net):
    app = server()
    app.on_error(KeyError, lambda error: 1 / 0)
    app.on_error(IndexError, lambda error: None)

    @app.on_error(ValueError)
    async def later(error):
        await asyncio.sleep(0)
        raise error

    @app.on_error(TypeError)
    async def silent(error): ...

    for path, failure in (("/a", KeyError()), ("/b", IndexError()), ("/c", ValueError()), ("/d", TypeError())):
        raising(app, path, failure)
    async with net.serving(app) as site:
        for path in ("/a", "/b", "/c", "/d"):
            status, body = await status_and_body(site, path)
            assert (status, json.loads(body)) == (500, {"error": "Internal Server Error"}), path
    for record in list(net.records):
        assert record.getMessage() == "an error handler failed"
        net.records.remove(record)


async def test_what_nobody_handles_is_logged_and_given_to_the_last_one(net):
    app = server()
    app.on_unhandled_error(lambda error, res: res.status(500).text(f"sorry: {error}"))
    app.on_error(KeyError, lambda error: "handled")
    raising(app, "/crash", RuntimeError("x"))
    raising(app, "/key", KeyError())
    raising(app, "/conflict", HTTPError(409))
    async with net.serving(app) as site:
        assert await status_and_body(site, "/crash") == (500, "sorry: x")
        net.logged("GET /crash failed")
        assert await status_and_body(site, "/key") == (200, "handled")
        assert (await status_and_body(site, "/conflict"))[0] == 409


async def test_observers_are_told_of_every_error_and_hurt_nobody(net):
    seen = asyncio.Queue()
    app, below = server(), router()
    app.mount("/below", below)
    below.on_error(KeyError, lambda error: "handled")

    @app.observe_error
    async def watch(error, req):
        await asyncio.sleep(0)
        seen.put_nowait((req.path, type(error)))

    app.observe_error(lambda error: 1 / 0)
    raising(app, "/crash", RuntimeError())
    raising(below, "/key", KeyError())

    @app.get("/half")
    async def half(res):
        res.stream().write("x")
        raise OSError("in the middle")

    async with net.serving(app) as site:
        assert (await status_and_body(site, "/crash"))[0] == 500
        assert await soon(seen.get()) == ("/crash", RuntimeError)
        assert await status_and_body(site, "/below/key") == (200, "handled")
        assert await soon(seen.get()) == ("/below/key", KeyError)
        wire = await site.connect()
        await wire.get("/half")
        await wire.gone()
        assert await soon(seen.get()) == ("/half", OSError)
    for record in list(net.records):
        if record.getMessage() == "an observer of errors failed":
            net.records.remove(record)
    net.logged("GET /crash failed")
    net.logged("a handler failed after the head")


def test_targets_that_cannot_be_meant_are_told():
    app = server()
    for target in (200, 600, 99):
        with pytest.raises(ValueError, match="400 to 599"):
            app.on_error(target, print)
    for target in (True, None, "", int, BaseException, 4.5, object()):
        with pytest.raises(TypeError, match="on_error takes"):
            app.on_error(target, lambda error: None)
    app.on_error(ProtocolError, lambda error: None)
    app.on_error([RemoteProtocolError, BodyTooLarge], lambda error: None)
    with pytest.raises(RoutingError, match="a handler here already"):
        app.on_error([404, ProtocolError], lambda error: None)
    with pytest.raises(TypeError, match="'idd'"):
        app.on_error(404, lambda error, idd, more: None)


# === What it looks like ===

BROWSER = "accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


async def test_people_get_a_page_and_programs_get_json(net):
    app = server()
    raising(app, "/", HTTPError(404, "<b>no</b> such cat", code="NO<CAT"))
    async with net.serving(app) as site:
        for accept, kind in (
            (BROWSER, "text/html; charset=utf-8"),
            ("accept: text/html", "text/html; charset=utf-8"),
            ("accept: text/*, application/json;q=0.5", "text/html; charset=utf-8"),
            ("accept: application/json, text/html;q=0.9", "application/json"),
            ("accept: text/html;q=0, */*", "application/json"),
            ("accept: image/png", "application/json"),
            ("accept: */*", "application/json"),
            ("accept: ;;q=x,,", "application/json"),
            ("x-accept: none", "application/json"),
        ):
            answer = await site.get("/", accept)
            assert (answer.status, answer.head.get("content-type")) == (404, kind), accept
            assert answer.head.get("vary") == "accept"
            if "html" in kind:
                assert b"<h1>404 Not Found</h1>" in answer.body
                assert b"&lt;b&gt;no&lt;/b&gt; such cat" in answer.body
                assert b"NO&lt;CAT" in answer.body
                assert b"<b>" not in answer.body


@pytest.mark.parametrize("debug", [False, True])
async def test_a_traceback_is_for_developers_only(net, debug):
    app = server(debug=debug)

    @app.get("/:id")
    def fail(id):
        raise ValueError("<script>alert(1)</script>")

    async with net.serving(app) as site:
        answer = await site.get("/%3Ci%3E?a=<i>", BROWSER, "x-secret: <u>")
        net.logged("failed")
        assert answer.status == 500
        page = answer.body.decode()
        assert ("Traceback" in page) is ("x-secret" in page) is ("ValueError" in page) is debug
        assert "<script>" not in page
        assert "<i>" not in page
        assert "<u>" not in page
        assert b"Traceback" not in (await site.get("/1")).body
        net.logged("failed")


async def test_behind_the_head_no_handler_answers(net):
    called = []
    app, below = server(), router()
    app.mount("/below", below)
    for one in (app, below):
        one.on_error(Exception, called.append)

        @one.get("/half")
        async def half(res):
            res.stream().write("x")
            raise KeyError

    async with net.serving(app) as site:
        for path in ("/half", "/below/half"):
            wire = await site.connect()
            await wire.get(path)
            await wire.head()
            await wire.truncated()
            assert net.logged("a handler failed after the head").exc_info[0] is KeyError
    assert called == []

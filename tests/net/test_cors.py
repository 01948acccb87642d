"""cors over the wire: preflights, answers, errors, and the origins that are let in."""

import pytest

from kito import HTTPError, server
from kito.errors import ConfigError
from kito.middlewares import cors

PAGE = "origin: https://app.example.com"
ASKS = "access-control-request-method: PUT"
pytestmark = pytest.mark.wirings("uvloop-tcp")


def app_with(*args, **options):
    app = server().use(cors(*args, **options))
    app.get("/", lambda res: res.vary("accept").text("x")).put("/", lambda: "x")
    app.get("/stream", lambda res: res.stream().end("x"))

    @app.get("/fails")
    def fails():
        raise HTTPError(409)

    return app


def allowed(answer):
    fields = answer.head.fields
    return {name.removeprefix("access-control-"): value for name, value in fields if name.startswith("access-control-")}


async def test_a_preflight_is_answered_before_any_route(net):
    app = app_with("https://app.example.com", max_age=60, expose=["x-a"])
    async with net.serving(app) as site:
        answer = await site.get("/", PAGE, ASKS, "access-control-request-headers: x-b, content-type", method="OPTIONS")
        assert answer.status == 204
        assert allowed(answer) == {
            "allow-origin": "https://app.example.com",
            "allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
            "allow-headers": "x-b, content-type",
            "max-age": "60",
        }
        wanted = "access-control-request-method, access-control-request-headers, origin"
        assert answer.head.get("vary") == wanted
        for fields in ((PAGE,), (ASKS,), ()):
            plain = await site.get("/", *fields, method="OPTIONS")  # no preflight: the automatic answer
            assert plain.head.get("allow") == "GET, HEAD, PUT, OPTIONS"


async def test_answers_streams_and_errors_may_be_read(net):
    app = app_with(["https://app.example.com"], expose=["x-a", "x-b"], credentials=True)
    async with net.serving(app) as site:
        for path, status in (("/", 200), ("/stream", 200), ("/fails", 409), ("/nowhere", 404)):
            answer = await site.get(path, PAGE)
            assert answer.status == status
            assert allowed(answer) == {
                "allow-origin": "https://app.example.com",
                "allow-credentials": "true",
                "expose-headers": "x-a, x-b",
            }
            assert "origin" in answer.head.get("vary").split(", ")
        assert (await site.get("/", PAGE)).head.get("vary") == "accept, origin"


async def test_an_origin_that_is_not_ours_gets_no_word(net):
    app = app_with(["https://app.example.com", "https://*.example.org:8000"])
    async with net.serving(app) as site:
        for origin, wanted in (
            ("https://app.example.com", True),
            ("HTTPS://APP.example.com", True),
            ("https://a.b.example.org:8000", True),
            ("https://example.org:8000", False),
            ("https://a.example.org", False),
            ("https://app.example.com.evil.net", False),
            ("https://evil.net/app.example.com", False),
            ("http://app.example.com", False),
            ("https://appXexample.com", False),
            ("null", False),
            ("", False),
        ):
            for method, fields in (("GET", ()), ("OPTIONS", (ASKS,))):
                answer = await site.get("/", f"origin: {origin}", *fields, method=method)
                assert ("allow-origin" in allowed(answer)) is wanted, origin
                assert "origin" in answer.head.get("vary").split(", ")
        assert "origin" in (await site.get("/")).head.get("vary").split(", ")  # a cache has to know


async def test_every_origin_or_those_that_a_function_knows(net):
    async with net.serving(app_with("*", headers=["x-c"], methods=["GET"])) as site:
        answer = await site.get("/", "origin: null")
        assert allowed(answer) == {"allow-origin": "*"}
        assert answer.head.get("vary") == "accept"
        preflight = allowed(await site.get("/", PAGE, ASKS, method="OPTIONS"))
        assert (preflight["allow-headers"], preflight["allow-methods"]) == ("x-c", "GET")
    async with net.serving(app_with(lambda origin: origin.endswith("//b"), credentials=True)) as site:
        assert allowed(await site.get("/", "origin: http://b"))["allow-origin"] == "http://b"
        assert allowed(await site.get("/", "origin: http://c")) == {}


async def test_what_a_preflight_asks_for_is_not_echoed_when_it_is_odd(net):
    async with net.serving(app_with("*")) as site:
        for wanted in ("x-a: y", "x" * 1025, '"'):
            asked = f"access-control-request-headers: {wanted}"
            assert "allow-headers" not in allowed(await site.get("/", PAGE, ASKS, asked, method="OPTIONS"))


def test_origins_that_cannot_be_meant_are_told():
    for origin in ("example.com", "https://a/b", "https://", "https://a b", "https://*.", ""):
        with pytest.raises(ConfigError, match="is no origin"):
            cors(origin)
    with pytest.raises(ConfigError, match="credentials"):
        cors("*", credentials=True)

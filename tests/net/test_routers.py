"""Routers over the wire: mounted at any depth, live, by host, with names, and their conflicts."""

import pytest

from kito import RoutingError, router, server
from kito.errors import DuplicateRoute, InvalidPath
from tests.support.wire import request


async def ask(site, path, host="kito.test", method="GET"):
    wire = await site.connect()
    await wire.send(request(path, method=method).replace(b"kito.test", host.encode()))
    answer = await wire.answer()
    wire.close()
    return answer.status, answer.body.decode()


# === Mounting ===


async def test_a_router_is_served_below_its_prefix_and_its_root_is_the_prefix(net):
    app, cats, toys = server(), router(), router()
    cats.get("/", lambda: "cats").get("/:id", lambda id: f"cat {id}").mount("/:id/toys", toys)
    toys.get("/", lambda id: f"toys of {id}").get("/:toy", lambda id, toy: f"{toy} of {id}")
    app.mount("/cats", cats).get("/", lambda: "root")
    async with net.serving(app) as site:
        for path, body in (
            ("/", "root"),
            ("/cats", "cats"),
            ("/cats/", "cats"),
            ("/cats/7", "cat 7"),
            ("/cats/7/toys", "toys of 7"),
            ("/cats/7/toys/ball", "ball of 7"),
        ):
            assert await ask(site, path) == (200, body)
        assert (await ask(site, "/cats/7/toys/ball/x"))[0] == 404


async def test_what_a_router_gets_later_is_served_too(net):
    app, outer, inner = server(), router(), router()
    app.mount("/a", outer)
    outer.mount("/b", inner)
    inner.get("/before", lambda: "before")
    async with net.serving(app) as site:
        assert await ask(site, "/a/b/before") == (200, "before")
        assert (await ask(site, "/a/b/after"))[0] == 404
        inner.get("/after", lambda: "after").post("/before", lambda: "posted")
        assert await ask(site, "/a/b/after") == (200, "after")
        assert await ask(site, "/a/b/before", method="POST") == (200, "posted")
        late = router().get("/x", lambda: "late")
        inner.mount("/late", late)
        assert await ask(site, "/a/b/late/x") == (200, "late")


async def test_one_router_may_be_mounted_often(net):
    app, shared = server(), router()
    app.mount("/one", shared).mount("/two", shared).mount("/", shared)
    shared.get("/x", lambda req: req.path)
    async with net.serving(app) as site:
        for path in ("/one/x", "/two/x", "/x"):
            assert await ask(site, path) == (200, path)


async def test_strict_slashes_tell_two_paths_apart(net):
    app, cats = server(strict_slashes=True), router()
    app.get("/a", lambda: "without").get("/a/", lambda: "with").get("/b", lambda: "b").mount("/cats", cats)
    cats.get("/", lambda: "cats").get("/x/", lambda: "x")
    async with net.serving(app) as site:
        assert await ask(site, "/a") == (200, "without")
        assert await ask(site, "/a/") == (200, "with")
        assert (await ask(site, "/b/"))[0] == 404
        assert await ask(site, "/cats") == (200, "cats")
        assert (await ask(site, "/cats/"))[0] == 404
        assert await ask(site, "/cats/x/") == (200, "x")


def test_conflicts_are_told_where_they_are_made_and_change_nothing():
    app, cats = server(), router()
    app.get("/cats/:id", lambda id: id)
    cats.get("/:name", lambda name: name)
    with pytest.raises(DuplicateRoute, match=r"GET /cats/:name is taken by GET /cats/:id"):
        app.mount("/cats", cats)
    app.mount("/dogs", cats)
    with pytest.raises(DuplicateRoute):
        app.get("/dogs/:id", lambda id: id)
    with pytest.raises(DuplicateRoute):
        cats.get("/{other}", lambda other: other)
    assert [route.path for route in app.routes] == ["/cats/:id", "/dogs/:name"]
    app.get("/dogs/a/b", lambda: "x")
    with pytest.raises(DuplicateRoute):
        cats.get("/a/b", lambda: "x")
    assert len(cats.routes) == 1


def test_an_empty_router_mounted_twice_at_one_prefix_takes_no_route():
    app, shared = server(), router()
    app.mount("/a", shared).mount("/a/", shared)
    with pytest.raises(DuplicateRoute):
        shared.get("/x", lambda: "x")
    assert app.routes == shared.routes == ()


def test_what_cannot_be_mounted_is_told():
    app, one, two = server(), router(), router()
    one.mount("/two", two)
    for mistake in (lambda: two.mount("/one", one), lambda: one.mount("/one", one)):
        with pytest.raises(RoutingError, match="below itself"):
            mistake()
    with pytest.raises(RoutingError, match="catch-all"):
        app.mount("/{*rest}", one)
    with pytest.raises(InvalidPath, match="slash"):
        app.mount("one", one)
    with pytest.raises(TypeError, match="router"):
        app.mount("/one", "one")
    with pytest.raises(InvalidPath, match="two parameters"):
        app.mount("/:id", router().get("/:id", lambda id: id))


# === Hosts ===


async def test_a_host_has_routes_of_its_own_the_most_specific_first(net):
    app, api, tenants, wild = (
        server(),
        router(host="API.example.com"),
        router(host="{tenant}.example.com"),
        router(host="*.example.com"),
    )
    for one in (wild, tenants, api):
        app.mount("/", one)
    api.get("/", lambda: "api")
    tenants.get("/", lambda tenant: f"tenant {tenant}").get("/cats/:id", lambda tenant, id: f"{id} of {tenant}")
    wild.get("/", lambda: "wild").post("/only", lambda: "posted")
    app.get("/", lambda: "any").get("/here", lambda: "here", host="here.org").get("/only", lambda: "any only")
    async with net.serving(app) as site:
        for host, path, expected in (
            ("api.example.com", "/", (200, "api")),
            ("Api.Example.Com:80", "/", (200, "api")),
            ("blue.example.com", "/", (200, "tenant blue")),
            ("blue.example.com", "/cats/7", (200, "7 of blue")),
            ("a.b.example.com", "/", (200, "wild")),
            ("example.com", "/", (200, "any")),
            ("api.example.com", "/only", (200, "any only")),
            ("here.org", "/here", (200, "here")),
        ):
            assert await ask(site, path, host) == expected, (host, path)
        assert (await ask(site, "/here", "there.org"))[0] == 404
        wire = await site.connect()
        await wire.send(request("/only", method="OPTIONS").replace(b"kito.test", b"x.example.com"))
        assert set((await wire.answer()).head.get("allow").split(", ")) == {"GET", "HEAD", "POST", "OPTIONS"}


def test_hosts_that_cannot_be_meant_are_told():
    for host in ("", "http://a", "a:80", "a.*.b", "*", "a..b", "{x", "{x}.{x}.com", "ä.de"):
        with pytest.raises(RoutingError):
            router(host=host)
    app = server().get("/", lambda: "x", host="a.com").get("/", lambda: "x", host="{x}.com")
    with pytest.raises(DuplicateRoute):
        app.get("/", lambda: "x", host="{y}.com")
    with pytest.raises(InvalidPath, match="both have a parameter"):
        app.get("/:x", lambda x: x, host="{x}.org")


# === Names ===


def test_the_path_of_a_name():
    app, cats = server(), router()
    cats.get("/:id", lambda id: id, name="show").put("/:id", lambda id: id, name="show")
    cats.get("/img-{name}.png", lambda name: name, name="picture")
    app.mount("/the cats", cats, name="cats")
    app.get("/files/{*rest}", lambda rest: rest, name="file").get("/", lambda: "x", name="home")
    assert app.url_for("home") == "/"
    assert app.url_for("cats.show", id=7) == "/the%20cats/7"
    assert app.url_for("cats.show", id="a/b c?") == "/the%20cats/a%2Fb%20c%3F"
    assert app.url_for("cats.picture", name="ü") == "/the%20cats/img-%C3%BC.png"
    assert app.url_for("file", rest="a b/c.txt") == "/files/a%20b/c.txt"
    assert cats.url_for("show", id=1) == "/1"


def test_names_that_cannot_be_meant_are_told():
    app = server().get("/a/:id", lambda id: id, name="a")
    for name, params, words in (
        ("b", {}, "no route is named 'b'; there are a"),
        ("a", {}, "needs a value for id"),
        ("a", {"id": ""}, "needs a value for id"),
        ("a", {"id": 1, "page": 2}, "has no parameter page"),
        ("a", {"id": ".."}, "clients resolve them"),
    ):
        with pytest.raises(RoutingError, match=words):
            app.url_for(name, **params)
    with pytest.raises(DuplicateRoute, match="is named 'a'"):
        app.get("/b", lambda: "x", name="a")
    assert len(app.routes) == 1

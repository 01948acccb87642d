"""The table of routes: what is found, what wins, what is allowed, and how much work a request can cause."""

from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kito import routing
from kito.errors import BadRequest, DuplicateRoute, InvalidPath, RoutingError
from kito.routing import ANY_METHOD, METHODS, RouteTable


def table(*routes, **options):
    """A table of "METHOD /path" or "/path" (GET) routes, each its own endpoint."""
    made = RouteTable(**options)
    for route in routes:
        method, _, path = route.rpartition(" ")
        made.add(method or "GET", path, route)
    return made


def found(routes, path, method="GET"):
    """The endpoint and the parameters of a match; `allowed` is for misses only."""
    match = routes.match(method, path)
    assert match.route is not None
    assert match.allowed == ()
    assert tuple(match.params) == match.route.params
    return match.route.endpoint, match.params


def missed(routes, path, method="GET"):
    """The methods allowed where a match was missed."""
    match = routes.match(method, path)
    assert match.route is None
    assert match.params == {}
    assert match.allowed == routes.allowed(path)
    return match.allowed


# === What is found ===


def test_a_route_keeps_what_it_was_given():
    endpoint = object()
    routes = RouteTable()
    route = routes.add("GET", "/cats/:id", endpoint, blocking=True, on_disconnect="finish")
    assert (route.method, route.path, route.endpoint, route.params) == ("GET", "/cats/:id", endpoint, ("id",))
    assert route.options == {"blocking": True, "on_disconnect": "finish"}
    assert repr(route) == "<Route GET /cats/:id>"
    assert list(routes) == [route]
    assert len(routes) == 1


@pytest.mark.parametrize(
    ("route", "path", "params"),
    [
        ("/", "/", {}),
        ("/cats", "/cats", {}),
        ("/cats/:id", "/cats/7", {"id": "7"}),
        ("/cats/{id}", "/cats/7", {"id": "7"}),
        ("/:a/b/:c", "/1/b/3", {"a": "1", "c": "3"}),
        ("/:a/:b/:c", "/1/2/3", {"a": "1", "b": "2", "c": "3"}),
        ("/img-{id}.png", "/img-7.png", {"id": "7"}),
        ("/img-{id}.png", "/img-.png.png", {"id": ".png"}),
        ("/{id}:cancel/now", "/7:cancel/now", {"id": "7"}),
        ("/files/{*rest}", "/files/a", {"rest": "a"}),
        ("/files/{*rest}", "/files/a/b/c.txt", {"rest": "a/b/c.txt"}),
        ("/files/{*rest}", "/files/a/b/", {"rest": "a/b/"}),
        ("/files/{*rest}", "/files//a", {"rest": "/a"}),
        ("/{*rest}", "/a", {"rest": "a"}),
        ("/:a/{*rest}", "/1/2/3", {"a": "1", "rest": "2/3"}),
        ("/café", "/caf%C3%A9", {}),
        ("/café", "/caf%c3%a9", {}),
        ("/cats", "/c%61ts", {}),
        ("/a%2Fb", "/a%2fb", {}),
        ("/a|b", "/a|b", {}),
        ("/a|b", "/a%7Cb", {}),
        ("/cats/:id", "/cats/a%2Fb", {"id": "a/b"}),
        ("/cats/:id", "/cats/%C3%BC+%20", {"id": "ü+ "}),
        ("/cats/:id", "/cats/%2561", {"id": "%61"}),
        ("/cats/:id", "/cats/%2e%2e", {"id": ".."}),
        ("/img-{id}.png", "/im%67-%37.png", {"id": "7"}),
        ("/files/{*rest}", "/files/a%2Fb/c%20d/", {"rest": "a/b/c d/"}),
        ("/files/{*rest}", "/f%69les/%252F", {"rest": "%2F"}),
    ],
)
def test_a_path_leads_to_its_route(route, path, params):
    assert found(table(route), path) == (route, params)


@pytest.mark.parametrize(
    ("route", "path"),
    [
        ("/cats", "/"),
        ("/cats", "/cat"),
        ("/cats", "/catsx"),
        ("/cats", "/Cats"),
        ("/cats", "/cats/x"),
        ("/cats", "cats"),
        ("/cats", ""),
        ("/cats", "x/cats"),
        ("/cats", "//cats"),
        ("/cats", "/cats//"),
        ("/", "//"),
        ("/", ""),
        ("/a/b", "/a%2Fb"),
        ("/a%2Fb", "/a/b"),
        ("/:id", "/"),
        ("/cats/:id", "/cats/"),
        ("/cats/:id", "/cats//"),
        ("/cats/:id", "/cats/1/2"),
        ("/:a/b", "//b"),
        ("/img-{id}.png", "/img-.png"),
        ("/img-{id}.png", "/img-7.jpg"),
        ("/img-{id}.png", "/xmg-7.png"),
        ("/aa{id}aa", "/aaa"),
        ("/aa{id}aa", "/aaaa"),
        ("/files/{*rest}", "/files"),
        ("/files/{*rest}", "/files/"),
        ("/{*rest}", "/"),
    ],
)
@pytest.mark.parametrize("strict", [False, True])
def test_a_path_that_leads_nowhere(route, path, strict):
    assert missed(table(route, strict_slashes=strict), path) == ()


@pytest.mark.parametrize("route", ["/cats", "/cats/", "/a/:b", "/a/:b/", "/a/x-{b}/", "/c%61f%C3%A9/"])
def test_a_slash_at_the_end_changes_nothing(route):
    path = "/" + route.strip("/").replace(":b", "1").replace("{b}", "1")
    routes = table(route)
    assert found(routes, path) == found(routes, path + "/")


def test_a_slash_at_the_end_counts_when_it_is_told_to():
    routes = table("/cats", "/dogs/", "/a/:b", "/c/:d/", strict_slashes=True)
    assert found(routes, "/cats")[0] == "/cats"
    assert found(routes, "/dogs/")[0] == "/dogs/"
    assert found(routes, "/a/1") == ("/a/:b", {"b": "1"})
    assert found(routes, "/c/1/") == ("/c/:d/", {"d": "1"})
    for path in ("/cats/", "/dogs", "/a/1/", "/c/1", "/c//"):
        assert missed(routes, path) == ()
    both = table("/cats", "/cats/", strict_slashes=True)
    assert [found(both, path)[0] for path in ("/cats", "/cats/")] == ["/cats", "/cats/"]


@pytest.mark.parametrize("path", ["/a/%", "/a/%zz", "/a/%ff", "/%C3%28/b", "/a/b/c/d/%f"])
@pytest.mark.parametrize("ask", [lambda routes, path: routes.match("GET", path), RouteTable.allowed])
def test_a_path_that_cannot_be_decoded_is_a_bad_request(path, ask):
    with pytest.raises(BadRequest, match="the path has"):
        ask(table("/a/:b", "/f/{*rest}"), path)


def test_the_rest_of_a_path_has_to_be_decodable():
    with pytest.raises(BadRequest, match="not UTF-8"):
        table("/f/{*rest}").match("GET", "/f/a/b/c/%ff")


def test_parameters_are_a_new_dictionary_for_each_request():
    routes = table("/cats", "/cats/:id")
    for path in ("/cats", "/cats/1", "/cats/%31"):
        routes.match("GET", path).params["x"] = "y"
        assert "x" not in routes.match("GET", path).params


# === What wins ===


@pytest.mark.parametrize(
    ("routes", "path", "winner", "params"),
    [
        (["/:x", "/cats"], "/cats", "/cats", {}),
        (["/:x", "/cats"], "/c%61ts", "/cats", {}),
        (["/:x", "/c-{y}"], "/c-1", "/c-{y}", {"y": "1"}),
        (["/{*z}", "/:x"], "/cats", "/:x", {"x": "cats"}),
        (["/{*z}", "/:x"], "/cats/1", "/{*z}", {"z": "cats/1"}),
        (["/{a}.txt", "/{a}.min.txt"], "/x.min.txt", "/{a}.min.txt", {"a": "x"}),
        (["/{a}1", "/2{a}"], "/2x1", "/2{a}", {"a": "x1"}),
        (["/a/:x/c", "/a/b/d"], "/a/b/c", "/a/:x/c", {"x": "b"}),
        (["/a/:x/c", "/a/b-{y}/d", "/a/b-1/e"], "/a/b-1/c", "/a/:x/c", {"x": "b-1"}),
        (["/a/:x/c", "/a/b-{y}/d", "/a/b-1/e"], "/a/b-1/d", "/a/b-{y}/d", {"y": "1"}),
        (["/a/b/c", "/a/{*z}"], "/a/b/d", "/a/{*z}", {"z": "b/d"}),
        (["/a/b/c", "/{*z}"], "/a/b", "/{*z}", {"z": "a/b"}),
        (["/:x/:y", "/a/:z/c"], "/a/b", "/:x/:y", {"x": "a", "y": "b"}),
        (["/:x/b", "/a/:y"], "/a/b", "/a/:y", {"y": "b"}),
        (["/a/{*z}", "/:x/b"], "/a/b", "/a/{*z}", {"z": "b"}),
    ],
)
def test_the_most_specific_route_wins(routes, path, winner, params):
    for order in (routes, routes[::-1]):
        assert found(table(*order), path) == (winner, params)


def test_a_route_for_another_method_hides_nothing():
    routes = table("POST /cats/new", "GET /cats/:id", "PUT /cats/{*rest}")
    assert found(routes, "/cats/new") == ("GET /cats/:id", {"id": "new"})
    assert found(routes, "/cats/new", "PUT") == ("PUT /cats/{*rest}", {"rest": "new"})
    assert found(routes, "/cats/new", "POST") == ("POST /cats/new", {})


def test_names_of_parameters_belong_to_the_route():
    routes = table("GET /cats/:id", "POST /cats/:cat", "GET /cats/:name/toys")
    assert found(routes, "/cats/7") == ("GET /cats/:id", {"id": "7"})
    assert found(routes, "/cats/7", "POST") == ("POST /cats/:cat", {"cat": "7"})
    assert found(routes, "/cats/7/toys") == ("GET /cats/:name/toys", {"name": "7"})


# === Methods ===


@pytest.mark.parametrize("path", ["/cats", "/cats/:id"])
def test_head_is_answered_by_get_unless_it_has_its_own(path):
    request = path.replace(":id", "1")
    routes = table(f"GET {path}", f"* {path}")
    assert found(routes, request, "HEAD")[0] == f"GET {path}"
    routes.add("HEAD", path, "own")
    assert found(routes, request, "HEAD")[0] == "own"
    assert found(routes, request, "GET")[0] == f"GET {path}"
    assert found(table(f"HEAD {path}", f"GET {path}"), request, "HEAD")[0] == f"HEAD {path}"


@pytest.mark.parametrize("path", ["/cats", "/cats/:id", "/cats/{*rest}"])
@pytest.mark.parametrize("specific_first", [False, True])
def test_a_route_for_any_method_gives_way_to_the_method_s_own(path, specific_first):
    request = path.replace(":id", "1").replace("{*rest}", "1")
    pair = [f"PUT {path}", f"* {path}"]
    routes = table(*(pair if specific_first else pair[::-1]))
    assert found(routes, request, "PUT")[0] == f"PUT {path}"
    for method in ("GET", "HEAD", "OPTIONS", "PROPFIND"):
        assert found(routes, request, method)[0] == f"* {path}"


def test_the_whole_server_is_no_path():
    assert table("GET /a", "/{*rest}").match("OPTIONS", "*") == (None, {}, ())


def test_methods_are_case_sensitive():
    assert missed(table("/cats"), "/cats", "get") == ("GET", "HEAD", "OPTIONS")
    routes = table("lock /cats")
    assert found(routes, "/cats", "lock")[0] == "lock /cats"
    assert missed(routes, "/cats", "LOCK") == ("OPTIONS", "lock")


@pytest.mark.parametrize(
    ("routes", "path", "allowed"),
    [
        (["GET /a"], "/a", ("GET", "HEAD", "OPTIONS")),
        (["GET /a"], "/a/", ("GET", "HEAD", "OPTIONS")),
        (["POST /a"], "/a", ("POST", "OPTIONS")),
        (["HEAD /a"], "/a", ("HEAD", "OPTIONS")),
        (["OPTIONS /a"], "/a", ("OPTIONS",)),
        (["PROPFIND /a", "LOCK /a", "PUT /a"], "/a", ("PUT", "OPTIONS", "LOCK", "PROPFIND")),
        (["POST /a/b", "PUT /a/:x", "DELETE /{*z}", "GET /c"], "/a/b", ("POST", "PUT", "DELETE", "OPTIONS")),
        (["POST /a/b", "PUT /a/:x"], "/a/%62", ("POST", "PUT", "OPTIONS")),
        (["* /a", "LOCK /a"], "/a", (*METHODS, "LOCK")),
        (["GET /a"], "/b", ()),
        (["GET /a", "POST /b/:c"], "*", ("GET", "HEAD", "POST", "OPTIONS")),
        ([], "*", ()),
    ],
)
def test_what_a_path_allows(routes, path, allowed):
    assert table(*routes).allowed(path) == allowed


def test_a_miss_says_what_is_allowed():
    routes = table("GET /a", "POST /a/:b")
    assert missed(routes, "/a", "DELETE") == ("GET", "HEAD", "OPTIONS")
    assert missed(routes, "/a/1", "OPTIONS") == ("POST", "OPTIONS")
    assert missed(routes, "/c", "DELETE") == ()


# === Registration ===


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("/cats", "/cats"),
        ("/cats", "/cats/"),
        ("/cats", "/c%61ts"),
        ("/cats/:id", "/cats/{id}"),
        ("/cats/:id", "/cats/:name"),
        ("/cats/:id/toys", "/cats/{cat}/toys/"),
        ("/a-{x}.b", "/a-{y}.b"),
        ("/{*a}", "/*b"),
        ("* /cats", "* /cats"),
        ("* /:a", "* /:b"),
    ],
)
def test_two_routes_for_the_same_requests(first, second):
    routes = table(first)
    before = routes.match("GET", "/cats")
    with pytest.raises(DuplicateRoute) as caught:
        table_add(routes, second)
    assert second.split()[-1] in str(caught.value)
    assert first.split()[-1] in str(caught.value)
    assert len(routes) == 1
    assert routes.match("GET", "/cats") == before


def table_add(routes, route):
    method, _, path = route.rpartition(" ")
    routes.add(method or "GET", path, route)


@pytest.mark.parametrize(
    "others", [("GET /a", "POST /a"), ("GET /:a", "* /:b"), ("HEAD /a", "GET /a"), ("/a-{b}", "/{b}-a")]
)
def test_routes_that_do_not_get_into_each_other_s_way(others):
    assert len(table(*others)) == 2


def test_slashes_at_the_end_make_two_routes_when_they_count():
    assert len(table("/cats", "/cats/", strict_slashes=True)) == 2


def test_a_bad_path_is_refused():
    routes = RouteTable()
    with pytest.raises(InvalidPath, match="write '/cats'"):
        routes.add("GET", "cats", None)
    assert len(routes) == 0


@pytest.mark.parametrize("method", ["", "GE T", "GET\n", "GÉT", "GET/", None, b"GET"])
def test_what_is_no_method_is_refused(method):
    with pytest.raises(RoutingError, match="is no HTTP method: write one such as 'GET'"):
        RouteTable().add(method, "/", None)


@pytest.mark.parametrize("method", ["get", "Post"])
def test_a_well_known_method_is_written_in_capitals(method):
    with pytest.raises(RoutingError, match=f"write '{method.upper()}' instead of '{method}'"):
        RouteTable().add(method, "/", None)


# === The static dictionary ===


def test_the_static_dictionary_has_both_slash_forms_and_is_live():
    routes = RouteTable()
    static = routes.static
    assert static == {}
    route = routes.add("GET", "/café/", None)
    forms = {b"/caf%C3%A9": route, b"/caf%C3%A9/": route}
    assert static == {b"GET": forms, b"HEAD": forms}
    root = routes.add("POST", "/", None)
    assert static[b"POST"] == {b"/": root}
    routes.add("GET", "/:id", None)
    assert routes.static is static
    assert static[b"GET"] == forms


def test_the_static_dictionary_with_strict_slashes():
    routes = table("/cats", "/dogs/", strict_slashes=True)
    assert set(routes.static[b"GET"]) == {b"/cats", b"/dogs/"}


def test_the_static_dictionary_follows_the_rules_of_methods():
    routes = RouteTable()
    any_route = routes.add(ANY_METHOD, "/a", None)
    assert {method: paths[b"/a"] for method, paths in routes.static.items()} == {
        method.encode(): any_route for method in METHODS
    }
    get = routes.add("GET", "/a", None)
    assert routes.static[b"GET"][b"/a"] is routes.static[b"HEAD"][b"/a/"] is get
    head = routes.add("HEAD", "/a", None)
    assert routes.static[b"HEAD"][b"/a"] is head
    lock = routes.add("LOCK", "/a", None)
    assert routes.static[b"LOCK"][b"/a"] is lock
    assert routes.static[b"PUT"][b"/a"] is any_route


# === Against an oracle ===

PIECES = ["a", "b", "a-b", ":x", "a{x}", "{x}b", "a{x}b", "{*x}"]
REQUEST_PIECES = ["a", "b", "ab", "a-b", "aab", "", "c"]
REQUESTED = ["GET", "HEAD", "POST", "LOCK"]


def oracle_piece(piece, segment):
    """How a route's piece takes a request's segment: rank (small wins) and value; None when it does not."""
    if piece == ":x":
        return ((2,), segment) if segment else None
    if "{" not in piece:
        return ((0,), None) if piece == segment else None
    prefix, suffix = piece.split("{x}")
    if len(segment) > len(piece) - 3 and segment.startswith(prefix) and segment.endswith(suffix):
        return (1, -len(piece), -len(prefix), prefix), segment[len(prefix) : len(segment) - len(suffix)]
    return None


def oracle_match(pieces, path, strict):
    """Rank and values of a route (a list of pieces) for a path, by the words of the documentation."""
    ranks, values = [], []
    route_end = not pieces and [""]
    segments = path.split("/")[1:]
    for index, piece in enumerate(pieces or route_end):
        if piece == "{*x}":
            tail = "/".join(segments[index:])
            return ([*ranks, (3,)], [*values, tail]) if tail else None
        if index >= len(segments):
            return None
        taken = oracle_piece(piece, segments[index])
        if taken is None:
            return None
        ranks.append(taken[0])
        values += [taken[1]] if taken[1] is not None else []
    left = segments[max(len(pieces), 1) :]
    if left and (strict or left != [""] or not pieces):
        return None
    return ranks, values


def oracle(routes, method, path, strict):
    """The route that wins, as (method, pieces), with its values; None when there is none."""
    preferred = {"HEAD": ["HEAD", "GET", "*"]}.get(method, [method, "*"])
    candidates = []
    for route_method, pieces in routes:
        if route_method in preferred and (match := oracle_match(pieces, path, strict)):
            candidates.append((match[0], preferred.index(route_method), match[1], (route_method, pieces)))
    best = min(candidates, key=lambda candidate: candidate[:2], default=None)
    return (best[3], best[2]) if best else None


def route_lists():
    pieces = st.lists(st.sampled_from(PIECES), max_size=4).filter(lambda p: "{*x}" not in p[:-1])
    return st.lists(st.tuples(st.sampled_from(["GET", "POST", "HEAD", "*"]), pieces), min_size=1, max_size=8)


def request_paths():
    return st.lists(st.sampled_from(REQUEST_PIECES), max_size=5).map(lambda pieces: "/" + "/".join(pieces))


def build(routes, strict):
    """A table of the oracle's routes; each parameter gets a name of its own."""
    made, kept = RouteTable(strict_slashes=strict), []
    for method, pieces in routes:
        named = [piece.replace("x", f"x{index}") for index, piece in enumerate(pieces)]
        try:
            made.add(method, "/" + "/".join(named), (method, pieces))
        except DuplicateRoute:
            assert (method, pieces) in kept
        else:
            kept.append((method, pieces))
    return made, kept


@settings(max_examples=500, deadline=None)
@given(route_lists(), st.lists(request_paths(), min_size=1, max_size=8), st.booleans())
def test_every_request_goes_where_a_naive_router_sends_it(routes, paths, strict):
    made, kept = build(routes, strict)
    for path in paths:
        allowed = set(made.allowed(path))
        for method in REQUESTED:
            match = made.match(method, path)
            actual = match.route and (match.route.endpoint, list(match.params.values()))
            assert actual == oracle(kept, method, path, strict)
            if method in METHODS:  # a route for any method cannot list the methods that nobody has named
                assert (method in allowed) == (match.route is not None)
            assert match.allowed == (() if match.route else made.allowed(path))


@settings(max_examples=200, deadline=None)
@given(route_lists(), st.booleans())
def test_the_static_dictionary_says_what_matching_says(routes, strict):
    made, _ = build(routes, strict)
    for method, paths in made.static.items():
        for path, route in paths.items():
            assert made.match(method.decode(), path.decode()) == (route, {}, ())
            # one escaped character leads past the dictionary, through the tree
            escaped = path.decode().replace("a", "%61").replace("b", "%62")
            assert made.match(method.decode(), escaped).route is route


@settings(max_examples=200, deadline=None)
@given(route_lists(), request_paths(), st.booleans(), st.data())
def test_escapes_change_nothing(routes, path, strict, data):
    made, _ = build(routes, strict)
    escaped = "".join(f"%{ord(char):02x}" if char != "/" and data.draw(st.booleans()) else char for char in path)
    assert made.match("GET", escaped) == made.match("GET", path)


@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1), min_size=2, max_size=2))
def test_any_text_passes_through_a_parameter(values):
    path = "/" + "/".join(quote(value, safe="") for value in values)
    assert found(table("/:a/:b"), path)[1] == dict(zip("ab", values, strict=True))
    assert found(table("/{*rest}"), path)[1] == {"rest": "/".join(values)}


@given(st.text("/%25aAfF.:*{}?\xe9\ud800", max_size=20))
def test_any_path_is_matched_missed_or_a_bad_request(path):
    routes = table("/", "/a", "/:x", "/a/{y}.a", "/a/{*z}")
    try:
        match = routes.match("GET", path)
    except BadRequest:
        assert "%" in path
    else:
        assert (match.route is None) or path.startswith("/")


# === Work ===


@pytest.fixture
def visits(monkeypatch):
    """Counts the nodes that are looked into."""
    counted = []
    follow = routing._Node.follow

    def counting(node, *args):
        counted.append(node)
        follow(node, *args)

    monkeypatch.setattr(routing._Node, "follow", counting)
    return counted


def test_each_node_is_visited_at_most_once(visits):
    depth = 9
    routes = RouteTable()
    for number in range(2**depth):
        choices = [f"/:x{bit}" if number >> bit & 1 else "/a" for bit in range(depth)]
        routes.add("GET", "".join(choices) + "/end", number)
    assert routes.match("GET", "/a" * depth + "/other").route is None
    assert len(visits) == len(set(map(id, visits))) == 2 ** (depth + 1)


def test_a_long_path_costs_no_more_than_the_deepest_route(visits, monkeypatch):
    pieces = []
    monkeypatch.setattr(routing, "decode_path", lambda piece: pieces.append(piece) or piece)
    routes = table("/a", "/:x/b", "/:x/:y/:z")
    assert routes.match("GET", "/%61" * 100_000).route is None
    assert routes.match("GET", "/" * 100_000 + "%61").route is None
    assert len(visits) < 30
    assert 0 < len(pieces) < 30

"""Proxies: forwarding headers are believed from their right end, of trusted peers only; a client chooses nothing."""

import ipaddress
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kito import Headers, proxies, server
from kito.proxies import MAX_ENTRY, MAX_HOPS, Origin, Proxies
from tests.support.wire import request

TRUSTED = ("10.0.0.0/8", "2001:db8:1::/48", "unix")
PROXY = "10.0.0.1"
CLIENT = "203.0.113.9"


def origin(*fields, peer=PROXY, trusted=TRUSTED, kind="auto"):
    """What is known of a request with these fields."""
    raw = [tuple(part.encode("latin-1") for part in field.split(": ", 1)) for field in fields]
    return Proxies(trusted, kind).origin(peer, Headers(raw))


# === X-Forwarded-For ===


@pytest.mark.parametrize(
    ("value", "ips"),
    [
        ("203.0.113.9", ("203.0.113.9", PROXY)),
        ("203.0.113.9, 10.2.3.4", ("203.0.113.9", "10.2.3.4", PROXY)),
        ("198.51.100.1, 203.0.113.9, 10.2.3.4", ("203.0.113.9", "10.2.3.4", PROXY)),
        ("10.9.9.9,203.0.113.9", ("203.0.113.9", PROXY)),
        ("10.9.9.9, 10.2.3.4", ("10.9.9.9", "10.2.3.4", PROXY)),
        (" 203.0.113.9\t", ("203.0.113.9", PROXY)),
        ("203.0.113.9,, ,", ("203.0.113.9", PROXY)),
        ("203.0.113.9:4711", ("203.0.113.9", PROXY)),
        ("2001:db8::9", ("2001:db8::9", PROXY)),
        ("[2001:db8::9]", ("2001:db8::9", PROXY)),
        ("[2001:db8::9]:4711", ("2001:db8::9", PROXY)),
        ("2001:0DB8::0009", ("2001:db8::9", PROXY)),
        ("203.0.113.9, 2001:db8:1::7", ("203.0.113.9", "2001:db8:1::7", PROXY)),
        ("::ffff:203.0.113.9", ("203.0.113.9", PROXY)),
        ("203.0.113.9, ::ffff:10.2.3.4", ("203.0.113.9", "10.2.3.4", PROXY)),
        ("1:2:3:4:5:6:7:8", ("1:2:3:4:5:6:7:8", PROXY)),
        ("1:2:3:4:5:6:7::", ("1:2:3:4:5:6:7:0", PROXY)),
    ],
)
def test_the_first_untrusted_address_from_the_right_is_the_client(value, ips):
    assert origin(f"x-forwarded-for: {value}").ips == ips


@pytest.mark.parametrize(
    "malformed",
    [
        "unknown",
        "_hidden",
        "",
        "203.0.113",
        "203.0.113.256",
        "203.0.113.09",
        "203.0.113.9:",
        "203.0.113.9:123456",
        "203.0.113.9:x",
        "203.0.113.9 10.0.0.1",
        "::1::2",
        ":::",
        "[::1",
        "::1]",
        "[::1]x",
        "::1%eth0",
        "1:2:3:4:5:6:7:8:9",
        '"203.0.113.9"',
        "localhost",
        "3405803785",
        "٣.1.1.1".encode().decode("latin-1"),
        "x" * 5000,
        "1" * 5000,
        ":" * 5000,
    ],
)
def test_what_is_left_of_something_malformed_is_nobodys_word(malformed):
    assert origin(f"x-forwarded-for: 198.51.100.1, {malformed}, 10.2.3.4").ips[-2:] == ("10.2.3.4", PROXY)
    if malformed:  # an empty member of a list is none
        assert origin(f"x-forwarded-for: 198.51.100.1, {malformed}, 10.2.3.4").ips == ("10.2.3.4", PROXY)
        assert origin(f"x-forwarded-for: 198.51.100.1, {malformed}").ips == (PROXY,)


def test_several_lines_are_one_list():
    lines = ("x-forwarded-for: 198.51.100.1", "x-forwarded-for: 203.0.113.9, 10.1.1.1", "x-forwarded-for: 10.2.2.2")
    assert origin(*lines).ips == ("203.0.113.9", "10.1.1.1", "10.2.2.2", PROXY)


# === X-Forwarded-Proto and -Host ===


@pytest.mark.parametrize(
    ("fields", "protocol", "host"),
    [
        (["x-forwarded-proto: https"], "https", None),
        (["x-forwarded-proto: HTTPS"], "https", None),
        (["x-forwarded-proto: http"], "http", None),
        (["x-forwarded-proto: https, http"], "http", None),
        (["x-forwarded-proto: http", "x-forwarded-proto: https"], "https", None),
        (["x-forwarded-proto: gopher"], None, None),
        (["x-forwarded-proto: https, gopher"], None, None),
        (["x-forwarded-host: kito.test"], None, "kito.test"),
        (["x-forwarded-host: kito.test:8443"], None, "kito.test"),
        (["x-forwarded-host: [2001:db8::9]:8443"], None, "[2001:db8::9]"),
        (["x-forwarded-host: evil.test, kito.test"], None, "kito.test"),
        (["x-forwarded-host: evil.test/path"], None, None),
        (["x-forwarded-host: evil.test@kito.test"], None, None),
        (["x-forwarded-host: " + "x" * 256], None, None),
        (["x-forwarded-for: unknown", "x-forwarded-proto: https", "x-forwarded-host: a.test"], "https", "a.test"),
        (["x-forwarded-for: 203.0.113.9", "x-forwarded-proto: https", "x-forwarded-host: a.test"], "https", "a.test"),
    ],
)
def test_the_nearest_proxy_tells_protocol_and_host(fields, protocol, host):
    assert origin(*fields)[1:] == (protocol, host)


# === Forwarded (RFC 7239) ===


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("for=203.0.113.9", Origin((CLIENT, PROXY))),
        ("For=203.0.113.9;Proto=HTTPS;Host=a.test;By=10.0.0.1", Origin((CLIENT, PROXY), "https", "a.test")),
        ('for="203.0.113.9"', Origin((CLIENT, PROXY))),
        ('for="203.0.113.9:4711"', Origin((CLIENT, PROXY))),
        ('for="203.0.113.9:_port"', Origin((CLIENT, PROXY))),
        ('for="[2001:db8::9]"', Origin(("2001:db8::9", PROXY))),
        ('for="[2001:db8::9]:4711"', Origin(("2001:db8::9", PROXY))),
        ("for=[2001:db8::9]:4711", Origin(("2001:db8::9", PROXY))),
        (r'for="203\.0.113.9"', Origin((CLIENT, PROXY))),
        ('for=203.0.113.9; host="a.test:81" ;', Origin((CLIENT, PROXY), None, "a.test")),
        (";;for=203.0.113.9;;proto=https", Origin((CLIENT, PROXY), "https")),
        ("for=198.51.100.1, for=203.0.113.9 , for=10.2.3.4", Origin((CLIENT, "10.2.3.4", PROXY))),
        (", ,for=203.0.113.9,,", Origin((CLIENT, PROXY))),
        ("for=203.0.113.9;proto=https, for=10.2.3.4;proto=http", Origin((CLIENT, "10.2.3.4", PROXY), "https")),
        ("for=198.51.100.1;proto=http, for=203.0.113.9;proto=https", Origin((CLIENT, PROXY), "https")),
        ('for=203.0.113.9;ext="a,b;c=\\"d\\", for=10.9.9.9"', Origin((CLIENT, PROXY))),
        ('for=203.0.113.9;ext="x,y\\"z"', Origin((CLIENT, PROXY))),
        ('for=203.0.113.9;ext="x,y\\\\"', Origin((CLIENT, PROXY))),
        ("for=unknown;proto=https;host=a.test", Origin((PROXY,), "https", "a.test")),
        ("for=198.51.100.1, for=_hidden;proto=https", Origin((PROXY,), "https")),
        ("for=198.51.100.1, proto=https", Origin((PROXY,), "https")),
        ("for=198.51.100.1, for=unknown, for=10.2.3.4", Origin(("10.2.3.4", PROXY))),
        ("by=203.0.113.9", Origin((PROXY,))),
        ("for=203.0.113.9;proto=gopher;host=a/b", Origin((CLIENT, PROXY))),
    ],
)
def test_elements_of_forwarded(value, expected):
    assert origin(f"forwarded: {value}") == expected


@pytest.mark.parametrize(
    "malformed",
    [
        "for",
        "for=",
        "=203.0.113.9",
        "for =203.0.113.9",
        "for= 203.0.113.9",
        "for=203.0.113.9;for=203.0.113.9",
        "for=203.0.113.9 proto=https",
        'for="203.0.113.9',
        'for=203.0.113.9"',
        'for="203.0.113.9"x',
        'for="203.0.113.9\\"',
        "f\xf6r=203.0.113.9",
        "for==203.0.113.9",
        f"for=203.0.113.9;ext={'x' * MAX_ENTRY}",
    ],
)
def test_a_malformed_element_ends_what_is_believed(malformed):
    assert origin(f"forwarded: for=198.51.100.1, {malformed}, for=10.2.3.4") == Origin(("10.2.3.4", PROXY))
    assert origin(f"forwarded: {malformed}") == Origin((PROXY,))


def test_lines_of_forwarded_are_one_list():
    assert origin("forwarded: for=198.51.100.1, for=203.0.113.9", "forwarded: for=10.2.3.4") == Origin(
        (CLIENT, "10.2.3.4", PROXY)
    )


# === spoofing: what a client writes stands left of what its proxy writes ===

EVIL = [
    "10.9.9.9",
    "for=10.9.9.9",
    'for="',
    'for="10.9.9.9',
    'for="\\',
    'x="\\"',
    '"',
    "for=10.9.9.9;proto=https;host=evil.test",
    ",,,",
    "\\",
    "for=10.9.9.9," * 100,
    "10.9.9.9," * 100,
    "x" * 1000,
]


@pytest.mark.parametrize("evil", EVIL)
@pytest.mark.parametrize("glue", [", ", ",", "\n"])
def test_a_client_does_not_choose_its_address(evil, glue):
    def joined(name, own):
        both = f"{evil}{glue}{own}".split("\n")
        return [f"{name}: {value}" for value in both]

    assert origin(*joined("x-forwarded-for", CLIENT)).ips == (CLIENT, PROXY)
    assert origin(*joined("forwarded", f"for={CLIENT};proto=http")) == Origin((CLIENT, PROXY), "http")
    assert origin(*joined("x-forwarded-proto", "http")).protocol == "http"
    assert origin(*joined("x-forwarded-host", "kito.test")).host == "kito.test"


@pytest.mark.parametrize(
    "fields",
    [
        ["x-forwarded-for: 10.9.9.9", "x-forwarded-proto: https", "x-forwarded-host: evil.test"],
        ["forwarded: for=10.9.9.9;proto=https;host=evil.test"],
    ],
)
@pytest.mark.parametrize("peer", [CLIENT, "2001:db8:2::1", "::ffff:203.0.113.9"])
def test_a_stranger_is_not_believed(fields, peer):
    assert origin(*fields, peer=peer) == Origin((peer.removeprefix("::ffff:"),))
    assert origin(*fields, peer=None, trusted=["10.0.0.0/8"]) == Origin(())


def test_one_kind_of_header_is_read():
    both = ("forwarded: for=10.9.9.9;proto=https", f"x-forwarded-for: {CLIENT}")
    assert origin(*both) == Origin((CLIENT, PROXY))
    assert origin("forwarded: for=203.0.113.9", "x-forwarded-proto: https") == Origin((PROXY,), "https")
    assert origin(*both, kind="x-forwarded") == Origin((CLIENT, PROXY))
    assert origin(*both, kind="forwarded") == Origin(("10.9.9.9", PROXY), "https")
    assert origin("forwarded: for=203.0.113.9", kind="x-forwarded") == Origin((PROXY,))
    assert origin("x-forwarded-for: 203.0.113.9", kind="forwarded") == Origin((PROXY,))


@pytest.mark.parametrize("peer", [PROXY, "::ffff:10.0.0.1", "2001:db8:1::5", None])
def test_whoever_is_in_a_network_is_trusted(peer):
    known = () if peer is None else (peer.removeprefix("::ffff:"),)
    assert origin("x-forwarded-for: 203.0.113.9", peer=peer).ips == (CLIENT, *known)


def test_networks_of_one_family_hold_none_of_the_other():
    assert Proxies(["0.0.0.0/0"]).trust(CLIENT)
    assert not Proxies(["0.0.0.0/0"]).trust("::1")
    assert Proxies(["::/0"]).trust("::1")
    assert not Proxies(["::/0"]).trust(CLIENT)
    assert not Proxies(["::/0"]).trust("::ffff:203.0.113.9")


# === bounds ===


@pytest.mark.parametrize(
    ("name", "entry"), [("x-forwarded-for", "10.0.0.2"), ("forwarded", "for=10.0.0.2"), ("x-forwarded-for", "")]
)
@pytest.mark.parametrize("separator", [",", "\n"])
def test_so_many_entries_are_looked_at(name, entry, separator):
    def hops(count):
        values = separator.join([entry.replace("10.0.0.2", CLIENT) or CLIENT, *[entry] * (count - 1)])
        return origin(*(f"{name}: {value}" for value in values.split("\n"))).ips

    assert hops(MAX_HOPS)[0] == CLIENT
    assert CLIENT not in hops(MAX_HOPS + 1)
    assert len(hops(MAX_HOPS + 1)) == (MAX_HOPS + 1 if entry else 1)


def test_so_many_nodes_of_such_a_length_are_remembered():
    proxies._parse_node.cache_clear()
    fits = f"[2001:db8::9]:_{'x' * 64}"
    assert len(fits) <= proxies.MAX_NODE
    assert origin(f"x-forwarded-for: {fits}").ips == ("2001:db8::9", PROXY)
    assert origin(f"x-forwarded-for: {'1' * (proxies.MAX_NODE + 1)}").ips == (PROXY,)
    assert proxies._parse_node.cache_info()[2:] == (proxies.KEPT_NODES, 1)


def test_an_element_has_so_many_characters():
    element = f"for={CLIENT};ext="
    fits = element + "x" * (MAX_ENTRY - len(element) - 1)
    assert origin(f"forwarded: for=10.9.9.9,{fits}").ips == (CLIENT, PROXY)
    assert origin(f"forwarded: for=10.9.9.9,{fits}xx").ips == (PROXY,)


@pytest.mark.parametrize(
    "value",
    [
        "," * 32000,
        '"' * 32000,
        "\\" * 32000,
        'for="' + "\\" * 32000 + '"',
        '"\\' * 16000,
        "for=10.0.0.2," * 2400,
        "for=10.0.0.2;" * 2400,
        "a=b;" * 120 + "!",
        ":" * 32000,
        "10.0.0.2," * 3500,
        "[" * 32000,
    ],
)
def test_the_work_is_bounded_whatever_is_sent(value):
    headers = Headers([(b"forwarded", value.encode()), (b"x-forwarded-for", value.encode())])
    for kind in ("forwarded", "x-forwarded"):
        calls = count_lines(lambda kind=kind: Proxies(TRUSTED, kind).origin(PROXY, headers))
        assert calls < 40_000


def count_lines(work) -> int:
    """How many lines of Python a function runs through: the work of an attack, on any machine."""
    lines = 0

    def trace(_frame, event, _argument):
        nonlocal lines
        lines += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return lines


# === an oracle ===

ADDRESSES = [PROXY, "10.2.3.4", CLIENT, "198.51.100.1", "2001:db8:1::7", "2001:db8::9", "unknown", "junk", ""]


def naive(entries, peer):
    """The rule in words: walk from the peer to the left while what is there is trusted, and stop at what is none."""

    def address(text):
        try:
            return ipaddress.ip_address(text)
        except ValueError:
            return None

    def trusted(text):
        return any(address(text) in ipaddress.ip_network(network) for network in TRUSTED if network != "unix")

    chain = [peer]
    for entry in reversed([entry for entry in entries if entry]):
        if not trusted(chain[0]) or address(entry) is None:
            break
        chain.insert(0, entry)
    return tuple(chain)


def spelled(entry, style):
    """An address in one of the ways to write it."""
    if ":" in entry:
        return {0: entry, 1: f"[{entry}]", 2: f"[{entry}]:80"}[style]
    return f"{entry}:80" if style and entry.count(".") == 3 else entry


ENTRIES = st.lists(st.tuples(st.sampled_from(ADDRESSES), st.integers(0, 2)), max_size=MAX_HOPS)


@given(ENTRIES, st.sampled_from([PROXY, CLIENT, "2001:db8:1::7"]), st.data())
@example([("10.2.3.4", 0), ("", 0), (CLIENT, 1)], PROXY, None)
def test_as_a_naive_reader_would(entries, peer, data):
    texts = [spelled(*entry) for entry in entries]
    expected = naive([entry for entry, _ in entries], peer)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(texts)), max_size=3))) if data else []
    groups = [texts[low:high] for low, high in zip([0, *cuts], [*cuts, len(texts)], strict=True)]
    assert origin(*(f"x-forwarded-for: {', '.join(group)}" for group in groups), peer=peer).ips == expected
    elements = [[f'for="{text}"' if text else "" for text in group] for group in groups]
    assert origin(*(f"forwarded: {','.join(group)}" for group in elements), peer=peer, kind="forwarded").ips == expected


@given(st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=300), st.booleans())
def test_whatever_a_client_writes_it_stays_where_it_is(written, own_line):
    glue = "\n" if own_line else ","
    for name, own in (("x-forwarded-for", CLIENT), ("forwarded", f'for="{CLIENT}"')):
        lines = [f"{name}: {line}" for line in f"{written}{glue}{own}".split("\n")]
        assert origin(*lines).ips == (CLIENT, PROXY)


@given(st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=300))
def test_any_text_is_read_without_an_error(written):
    for name in ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"):
        found = origin(f"{name}: {written}")
        assert found.ips[-1] == PROXY
        assert found.protocol in (None, "http", "https")


# === as a handler sees it ===


def an_app(**options):
    app = server(**options)
    app.get("/", lambda req: [req.ip, list(req.ips), req.protocol, req.secure, req.hostname])
    app.get("/same", lambda req: req.ips is req.ips)
    app.get("/client", lambda req: req.client)
    app.get("/type", lambda req: f"{type(req).__name__} {req!r}")
    return app


FORWARDED = (f"x-forwarded-for: 10.9.9.9, {CLIENT}", "x-forwarded-proto: https", "x-forwarded-host: a.test:81")


async def test_trust_is_asked_for(net, clients):
    async with an_app().running(port=0) as address:
        assert await clients.get(address, "/", *FORWARDED) == ('["127.0.0.1",["127.0.0.1"],"http",false,"kito.test"]')
    async with an_app(trust_proxy=["127.0.0.0/8"]).running(port=0) as address:
        assert await clients.get(address, "/", *FORWARDED) == (
            '["203.0.113.9",["203.0.113.9","127.0.0.1"],"https",true,"a.test"]'
        )
        assert await clients.get(address, "/") == '["127.0.0.1",["127.0.0.1"],"http",false,"kito.test"]'
        assert (await clients.get(address, "/client", *FORWARDED)).startswith('["127.0.0.1",')
    async with an_app(trust_proxy="10.0.0.0/8").running(port=0) as address:
        assert await clients.get(address, "/", *FORWARDED) == ('["127.0.0.1",["127.0.0.1"],"http",false,"kito.test"]')


async def test_over_a_unix_socket(net, clients):
    options = {"unix_socket": net.folder / "kito.sock"}
    async with an_app(trust_proxy="unix").running(**options) as address:
        assert await clients.get(address, "/", *FORWARDED) == '["203.0.113.9",["203.0.113.9"],"https",true,"a.test"]'
    async with an_app(trust_proxy="127.0.0.1").running(**options) as address:
        assert await clients.get(address, "/", *FORWARDED) == '[null,[],"http",false,"kito.test"]'


async def test_the_kind_of_header_can_be_said(net, clients):
    async with an_app(trust_proxy="127.0.0.1", proxy_headers="forwarded").running(port=0) as address:
        fields = (*FORWARDED, f"forwarded: for={CLIENT};host=b.test")
        assert await clients.get(address, "/", *fields) == (
            '["203.0.113.9",["203.0.113.9","127.0.0.1"],"http",false,"b.test"]'
        )


async def test_a_proxy_may_say_that_its_client_came_in_the_clear(net, clients, pair):
    async with an_app(trust_proxy="127.0.0.1").running(port=0, tls=pair) as address:
        wire = await clients.secured(address, pair.trusted())
        await wire.get("/", "x-forwarded-proto: http")
        assert (await wire.answer()).body == b'["127.0.0.1",["127.0.0.1"],"http",false,"kito.test"]'
        await wire.get("/")
        assert (await wire.answer()).body == b'["127.0.0.1",["127.0.0.1"],"https",true,"kito.test"]'


@pytest.mark.parametrize("trusted", [(), ("127.0.0.1",)])
async def test_it_is_found_out_once_and_belongs_to_its_request(net, clients, trusted):
    async with an_app(trust_proxy=trusted).running(port=0) as address:
        assert await clients.get(address, "/same", *FORWARDED) == ("true" if trusted else "false")
        assert await clients.get(address, "/type") == "Request <Request GET /type>"
        wire = await clients.plain(address)
        for number in range(3):
            await wire.send(request("/", f"x-forwarded-for: 192.0.2.{number}"))
            ip = f"192.0.2.{number}" if trusted else "127.0.0.1"
            assert (await wire.answer()).body.startswith(f'["{ip}"'.encode())


@pytest.mark.parametrize(
    ("data", "host"),
    [
        (b"GET / HTTP/1.1\r\nhost: a.test\r\n\r\n", "a.test"),
        (b"GET / HTTP/1.1\r\nhost: a.test:8080\r\n\r\n", "a.test"),
        (b"GET / HTTP/1.1\r\nhost: [::1]:8080\r\n\r\n", "[::1]"),
        (b"GET http://b.test:81/ HTTP/1.1\r\nhost: a.test\r\n\r\n", "b.test"),
        (b"GET / HTTP/1.0\r\n\r\n", ""),
    ],
)
async def test_the_host_without_a_proxy(net, clients, data, host):
    async with an_app().running(port=0) as address:
        wire = await clients.plain(address)
        await wire.send(data)
        assert (await wire.answer()).body == f'["127.0.0.1",["127.0.0.1"],"http",false,"{host}"]'.encode()
        wire.close()

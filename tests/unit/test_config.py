"""Limits, timeouts and options: their defaults, and that a wrong one is refused with what to write instead."""

import dataclasses
import math
import socket
import ssl
import sys
from pathlib import Path

import pytest

from kito import config
from kito.config import Limits, ServerOptions, Timeouts
from kito.errors import ConfigError

KIB = 1024
MIB = 1024 * 1024

LIMITS = {
    "url_size": 8 * KIB,
    "head_size": 32 * KIB,
    "header_count": 100,
    "trailers": None,
    "chunk_extensions": 16 * KIB,
    "body_size": 4 * MIB,
    "pipeline": 16,
    "connections": None,
    "backlog": 2048,
    "high_water": 64 * KIB,
    "max_backlog": 1 * MIB,
    "unread_body": 256 * KIB,
    "threads": 40,
}
TIMEOUTS = {
    "head": 10.0,
    "body": 30.0,
    "body_rate": 240,
    "body_rate_after": 10.0,
    "keep_alive": 75.0,
    "write": 30.0,
    "peer": 30.0,
    "handler": None,
    "shutdown": 30.0,
    "stream_grace": 5.0,
    "cleanup": 5.0,
}
OPTIONS = {
    "host": "127.0.0.1",
    "port": 3000,
    "unix_socket": None,
    "unix_mode": None,
    "unix_owner": None,
    "sockets": (),
    "reuse_port": False,
    "workers": 1,
    "trust_proxy": (),
    "proxy_headers": "auto",
    "proxy_protocol": False,
    "tls": None,
    "limits": Limits(),
    "timeouts": Timeouts(),
    "access_log": False,
    "strict_slashes": False,
    "debug": False,
}
NO_WAIT = {"keep_alive", "peer", "shutdown", "stream_grace"}
SECONDS = set(TIMEOUTS) - {"body_rate"}


@pytest.mark.parametrize(("cls", "defaults"), [(Limits, LIMITS), (Timeouts, TIMEOUTS), (ServerOptions, OPTIONS)])
def test_the_defaults(cls, defaults):
    made = cls()
    assert {field.name: getattr(made, field.name) for field in dataclasses.fields(cls)} == defaults


@pytest.mark.parametrize("made", [Limits(), Timeouts(), ServerOptions()])
def test_nothing_changes_behind_the_validation(made):
    name = dataclasses.fields(made)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(made, name, 1)
    assert not hasattr(made, "__dict__")


# === Limits ===


@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize("value", [True, 1.0, "1", -1, 2**60])
def test_a_limit_is_a_whole_number_in_its_range(name, value):
    with pytest.raises(ConfigError, match=rf"Limits\.{name} is .*: write a"):
        Limits(**{name: value})


@pytest.mark.parametrize("name", LIMITS)
def test_none_is_for_the_limits_that_have_a_meaning_for_it(name):
    if LIMITS[name] is None:
        assert getattr(Limits(**{name: None}), name) is None
    else:
        with pytest.raises(ConfigError, match=name):
            Limits(**{name: None})


@pytest.mark.parametrize("name", ["trailers", "chunk_extensions", "body_size", "unread_body"])
def test_zero_is_a_limit_where_nothing_is_a_choice(name):
    assert getattr(Limits(**{name: 0}), name) == 0


@pytest.mark.parametrize(
    "name", ["url_size", "head_size", "header_count", "pipeline", "connections", "backlog", "high_water"]
)
def test_zero_is_no_limit_where_it_would_stop_everything(name):
    with pytest.raises(ConfigError, match=name):
        Limits(**{name: 0})


def test_the_request_line_has_to_fit_into_the_head():
    with pytest.raises(ConfigError, match="raise head_size too"):
        Limits(url_size=40 * KIB)
    assert Limits(url_size=40 * KIB, head_size=40 * KIB).url_size == 40 * KIB


def test_a_url_stays_below_what_the_parser_can_split():
    with pytest.raises(ConfigError, match="url_size is 65536: write a number of bytes from 1 to 65535"):
        Limits(url_size=65536, head_size=1 * MIB)


def test_writers_pause_before_the_backlog_is_full():
    with pytest.raises(ConfigError, match="raise max_backlog too"):
        Limits(high_water=2 * MIB)
    assert Limits(high_water=2 * MIB, max_backlog=2 * MIB).high_water == 2 * MIB


def test_trailers_are_bounded_as_the_head_unless_said():
    assert Limits(head_size=20 * KIB).trailer_limit() == 20 * KIB
    assert Limits(trailers=0).trailer_limit() == 0


@pytest.mark.parametrize(("descriptors", "connections"), [(1024, 960), (10**6, 16384), (-1, 16384), (64, 1), (10, 1)])
def test_connections_follow_the_descriptor_limit(monkeypatch, descriptors, connections):
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(resource, "getrlimit", lambda which: {resource.RLIMIT_NOFILE: (descriptors, -1)}[which])
    assert Limits().connection_limit() == connections
    assert Limits(connections=7).connection_limit() == 7


# === Timeouts ===


@pytest.mark.parametrize("name", sorted(SECONDS))
@pytest.mark.parametrize("value", [True, "1", -1, -0.001, math.nan, math.inf, 10**9, pytest.param(10**400, id="huge")])
def test_a_timeout_is_a_number_of_seconds(name, value):
    with pytest.raises(ConfigError, match=rf"Timeouts\.{name} is .*: write .*seconds"):
        Timeouts(**{name: value})


@pytest.mark.parametrize("name", sorted(SECONDS))
def test_a_timeout_is_kept_as_float(name):
    value = getattr(Timeouts(**{name: 3}), name)
    assert value == 3.0
    assert type(value) is float


@pytest.mark.parametrize("name", sorted(SECONDS))
def test_zero_is_not_waiting_or_refused(name):
    if name in NO_WAIT:
        assert getattr(Timeouts(**{name: 0}), name) == 0.0
    else:
        with pytest.raises(ConfigError, match="more than 0"):
            Timeouts(**{name: 0})


@pytest.mark.parametrize("name", sorted(set(TIMEOUTS) - {"handler"}))
def test_only_the_handler_may_take_for_ever(name):
    with pytest.raises(ConfigError, match=name):
        Timeouts(**{name: None})


@pytest.mark.parametrize("value", [True, 1.5, -1, None])
def test_the_rate_of_a_body_is_in_whole_bytes(value):
    with pytest.raises(ConfigError, match="bytes a second"):
        Timeouts(body_rate=value)
    assert Timeouts(body_rate=0).body_rate == 0


# === Options ===


@pytest.mark.parametrize(
    ("name", "value", "instead"),
    [
        ("host", None, "write a name or address"),
        ("host", b"localhost", "write a name or address"),
        ("port", -1, "from 0 to 65535"),
        ("port", 65536, "from 0 to 65535"),
        ("port", "3000", "from 0 to 65535"),
        ("port", True, "from 0 to 65535"),
        ("unix_socket", "", "write a path"),
        ("unix_socket", 3, "write a path"),
        ("unix_socket", "@", "write a path"),
        ("unix_socket", "a\0b", "write a path"),
        ("unix_mode", 0o660, "without a path in unix_socket"),
        ("unix_owner", ("root", None), "without a path in unix_socket"),
        ("sockets", "3", "write listening sockets"),
        ("sockets", [-1], "write listening sockets"),
        ("sockets", True, "write listening sockets"),
        ("sockets", 1.5, "write listening sockets"),
        ("sockets", [3, 4, 3], "twice: leave one out"),
        ("reuse_port", 1, "write True or False"),
        ("access_log", None, "write True, False, 'text' or 'json'"),
        ("debug", "yes", "write True or False"),
        ("workers", 0, "from 1 to"),
        ("workers", 1.0, "from 1 to"),
        ("trust_proxy", True, "write addresses or networks"),
        ("trust_proxy", [1], "write addresses or networks"),
        ("trust_proxy", "everybody", "write addresses or networks"),
        ("trust_proxy", ["10.0.0.1/8"], "has host bits set"),
        ("proxy_headers", "both", "write one of auto, x-forwarded, forwarded"),
        ("proxy_protocol", 2, "write True or False"),
        ("tls", "cert.pem", r"write \('cert.pem', 'key.pem'\)"),
        ("tls", ("cert.pem",), r"write \('cert.pem', 'key.pem'\)"),
        ("tls", ("cert.pem", None), "has None: write"),
        ("tls", ("cert.pem", ""), "has '': write"),
        ("tls", ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), "a context for clients"),
        ("limits", {"body_size": 1}, r"write limits=Limits\("),
        ("timeouts", 3, r"write timeouts=Timeouts\("),
        ("max_request_size", "1M", "Limits.body_size is '1M'"),
        ("timeout", 0, "Timeouts.handler is 0"),
    ],
)
def test_a_wrong_option_says_what_to_write(name, value, instead):
    with pytest.raises(ConfigError, match=f"{name}.*{instead}"):
        ServerOptions.build(**{name: value})


def test_an_unknown_option_names_the_close_ones():
    with pytest.raises(ConfigError, match=r"no option unixsocket: did you mean unix_socket or "):
        ServerOptions.build(unixsocket="x")
    with pytest.raises(ConfigError, match=r"no option zzz: known are host, port, .*max_request_size, timeout"):
        ServerOptions.build(zzz=1)


@pytest.mark.parametrize(
    ("options", "instead"),
    [
        ({"unix_socket": "a", "port": 1}, "leave the other out"),
        ({"unix_socket": "a", "host": "::"}, "leave the other out"),
        ({"unix_socket": "a", "reuse_port": True}, "leave it out"),
        ({"sockets": [3], "port": 1}, "leave the other out"),
        ({"sockets": [3], "host": "::"}, "leave the other out"),
        ({"sockets": [3], "unix_socket": "a"}, "leave the other out"),
        ({"unix_socket": "@a", "unix_mode": 0o600}, "without a path in unix_socket"),
        ({"unix_socket": "a", "unix_mode": 0o1777}, "write permissions such as 0o660"),
        ({"unix_socket": "a", "unix_mode": "660"}, "write permissions such as 0o660"),
        ({"unix_socket": "a", "unix_owner": "root"}, r"write \(user, group\)"),
        ({"unix_socket": "a", "unix_owner": ("root", True)}, r"write \(user, group\)"),
        ({"max_request_size": 1, "limits": Limits()}, r"write limits=Limits\(body_size"),
        ({"timeout": 1, "timeouts": Timeouts()}, r"write timeouts=Timeouts\(handler"),
    ],
)
def test_options_that_contradict_each_other(options, instead):
    with pytest.raises(ConfigError, match=instead):
        ServerOptions.build(**options)


def test_the_shorthands_stand_for_a_limit_and_a_timeout():
    options = ServerOptions.build(max_request_size=1000, timeout=2)
    assert options.limits == Limits(body_size=1000)
    assert options.timeouts == Timeouts(handler=2.0)
    assert ServerOptions.build(timeout=None).timeouts.handler is None


def test_a_shorthand_changes_nothing_else():
    base = ServerOptions.build(limits=Limits(url_size=100), timeouts=Timeouts(head=1))
    changed = base.replace(max_request_size=5, timeout=7)
    assert changed.limits == Limits(url_size=100, body_size=5)
    assert changed.timeouts == Timeouts(head=1, handler=7)
    assert base.limits == Limits(url_size=100)


def test_a_replacement_keeps_the_rest_and_is_checked():
    base = ServerOptions.build(port=1, workers=2)
    assert base.replace(port=2) == ServerOptions(port=2, workers=2)
    assert base.port == 1
    with pytest.raises(ConfigError, match="did you mean port"):
        base.replace(prot=3)


def test_where_to_listen_is_the_last_word():
    base = ServerOptions.build(unix_socket="a")
    assert (base.replace(port=0).unix_socket, base.replace(port=0).port) == (None, 0)
    assert base.replace(host="::1").unix_socket is None
    assert base.replace(workers=2).unix_socket == "a"
    assert ServerOptions.build(port=1).replace(unix_socket="b").unix_socket == "b"
    assert ServerOptions.build(unix_socket=None, port=1).port == 1
    assert ServerOptions.build(sockets=[3]).replace(port=1).sockets == ()
    assert ServerOptions.build(sockets=[3]).replace(unix_socket="a").sockets == ()
    guarded = ServerOptions.build(unix_socket="a", unix_mode=0o600, unix_owner=(0, None))
    assert guarded.replace(unix_socket="b").unix_mode == 0o600
    assert (guarded.replace(port=1).unix_mode, guarded.replace(port=1).unix_owner) == (None, None)


@pytest.mark.skipif(sys.platform != "linux", reason="abstract sockets are Linux'")
def test_an_abstract_socket_is_spelled_with_an_at_sign():
    assert ServerOptions.build(unix_socket="\0kito").unix_socket == "@kito"
    assert ServerOptions.build(unix_socket="@kito").unix_socket == "@kito"


def test_an_abstract_socket_is_refused_where_there_are_none(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(ConfigError, match=r"write './@kito' for a file"):
        ServerOptions.build(unix_socket="@kito")


def test_a_unix_socket_is_refused_where_there_are_none(monkeypatch):
    monkeypatch.delattr(socket, "AF_UNIX")
    with pytest.raises(ConfigError, match="write host and port"):
        ServerOptions.build(unix_socket="kito.sock")


def test_a_path_object_is_a_path():
    assert ServerOptions.build(unix_socket=Path("run") / "kito.sock").unix_socket == str(Path("run/kito.sock"))


def test_proxies_are_kept_as_networks():
    options = ServerOptions.build(trust_proxy=["127.0.0.1", "10.0.0.0/8", "::1"])
    assert options.trust_proxy == ("127.0.0.1/32", "10.0.0.0/8", "::1/128")
    assert ServerOptions.build(trust_proxy="::1").trust_proxy == ("::1/128",)
    assert ServerOptions.build(trust_proxy=["unix"]).trust_proxy == ("unix",)


def test_tls_takes_a_context_or_two_files():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    assert ServerOptions.build(tls=context).tls is context
    assert ServerOptions.build(tls=(Path("cert.pem"), "key.pem")).tls == ("cert.pem", "key.pem")
    assert ServerOptions.build(tls=["cert.pem", "key.pem"]).tls == ("cert.pem", "key.pem")


def test_one_socket_needs_no_list():
    assert ServerOptions.build(sockets=3).sockets == (3,)
    with socket.socket() as sock:
        assert ServerOptions.build(sockets=[sock, 4]).sockets == (sock, 4)


def test_the_shared_defaults_are_the_documented_ones():
    assert config.RESERVED_DESCRIPTORS == 64
    assert config.MAX_DEFAULT_CONNECTIONS == 16384

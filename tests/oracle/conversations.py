"""Valid requests in the many forms that one and the same request may have, and what has to answer each."""

from typing import Any, NamedTuple

from hypothesis import strategies as st

from .site import LARGE

SHOWN_BYTES = 300


class Want(NamedTuple):
    """What is asked for, whatever the form of the request."""

    method: str
    path: str
    status: int
    body: bytes
    framing: str
    whole: bool = True
    closes: bool = False
    sent: bytes = b""

    def __repr__(self) -> str:  # hypothesis prints them, and bodies are long
        return f"<{self.method} {self.path}: {self.status}, {len(self.body)} bytes, sends {len(self.sent)}>"


class Form(NamedTuple):
    """How a request is written; `cuts` are the sizes of its chunks, none: its length is declared."""

    version: str
    absolute: bool
    cuts: tuple[int, ...]
    extension: bytes
    trailer: bytes
    option: bytes  # of Connection
    expects: bool
    noise: tuple[bytes, ...]  # further fields


class Talk(NamedTuple):
    """A request as it is sent, and what is due: `framing` is "none", "length", "chunked" or "close"."""

    data: bytes
    want: Want
    framing: str
    closes: bool
    may_continue: bool

    def __repr__(self) -> str:
        return f"<{self.want} {self.framing}, closes: {self.closes}, {self.data[:SHOWN_BYTES]!r}>"


def due(method: str, path: str, status: int, body: bytes, framing: str, **more: Any) -> Want:
    """What a request gets; no body where HEAD asks."""
    if method == "HEAD":
        return Want(method, path, status, b"", framing, **more)
    return Want(method, path, status, body, framing, **more)


def _repeated(template: str, count: int) -> bytes:
    return "".join(template.format(number) for number in range(count)).encode()


FIXED = tuple(
    due(method, path, status, body, framing, **more)
    for method in ("GET", "HEAD")
    for path, status, body, framing, more in (
        ("/answers/large", 200, LARGE, "length", {}),
        ("/answers/large?with=query", 200, LARGE, "length", {}),
        ("/answers/none", 204, b"", "none", {}),
        ("/answers/same", 304, b"", "none", {}),
        ("/answers/closes", 200, b"closed", "length", {"closes": True}),
        ("/answers/fails", 500, b'{"error":"Internal Server Error"}', "length", {}),
        ("/answers/teapot", 418, b'{"error":"I\'m a Teapot","message":"short and stout"}', "length", {}),
        ("/streams/declared", 200, b"abcdef", "length", {}),
    )
)
bodies = st.just(b"") | st.binary(max_size=4000)
wants: st.SearchStrategy[Want] = st.one_of(
    st.builds(lambda want, sent: want._replace(sent=sent), st.sampled_from(FIXED), bodies),
    st.builds(
        lambda method, body: due(method, "/answers/echo", 200, body, "length", sent=body),
        st.sampled_from(["POST", "PUT", "PATCH", "DELETE", "GET"]),
        bodies,
    ),
    st.builds(
        lambda method, count: due(method, f"/streams/chunks/{count}", 200, _repeated("{},", count), "chunked"),
        st.sampled_from(["GET", "HEAD"]),
        st.integers(0, 20),
    ),
    st.builds(
        lambda count: due("GET", f"/streams/events/{count}", 200, _repeated("data: {}\n\n", count), "chunked"),
        st.integers(0, 20),
    ),
    st.builds(lambda count: due("GET", f"/streams/large/{count}", 200, LARGE * count, "chunked"), st.integers(1, 3)),
    st.just(Want("GET", "/streams/cut", 200, b"whole,", "chunked", whole=False)),
)
forms: st.SearchStrategy[Form] = st.builds(
    Form,
    version=st.sampled_from(["1.1", "1.1", "1.1", "1.0"]),
    absolute=st.booleans(),
    cuts=st.lists(st.integers(1, 900), max_size=6).map(tuple),
    extension=st.sampled_from([b"", b";a=b", b';a="b c"', b";a", b";a;b=c"]),
    trailer=st.sampled_from([b"", b"X-Sum: 1\r\n", b"A:\r\nB: \xff\r\n"]),
    option=st.sampled_from([b"", b"", b"", b"keep-alive", b"close", b"x, Close", b"Keep-Alive"]),
    expects=st.booleans(),
    noise=st.lists(
        st.sampled_from(
            [
                b"X: y",
                b"x:y",
                b"X-Empty:",
                b"Accept: */*",
                b"X-Tab:\ty\t",
                b'X-Odd: \xe4 "',
                b"Upgrade-Insecure-Requests: 1",
            ]
        ),
        max_size=3,
    ).map(tuple),
)


def write(want: Want, form: Form) -> Talk:
    """The request in this form; HTTP/1.0 has no chunks, and its streams end with the connection."""
    old = form.version == "1.0" and want.whole
    chunked = bool(form.cuts) and not old
    lines = [b"%s %s HTTP/%s" % (want.method.encode(), _target(want, form), b"1.0" if old else b"1.1")]
    lines += [b"Host: kito.test", *form.noise]
    if form.option:
        lines.append(b"Connection: " + form.option)
    if chunked:
        lines.append(b"Transfer-Encoding: chunked")
    elif want.sent or want.method in ("POST", "PUT"):
        lines.append(b"Content-Length: %d" % len(want.sent))
    if form.expects:
        lines.append(b"Expect: 100-continue")
    data = b"\r\n".join([*lines, b"", b""]) + (_chunks(want.sent, form) if chunked else want.sent)
    framing = "close" if old and want.framing == "chunked" else want.framing
    asked = form.option.lower()
    closes = (
        want.closes or not want.whole or framing == "close" or b"close" in asked or (old and asked != b"keep-alive")
    )
    may_continue = form.expects and not old and (chunked or bool(want.sent))
    return Talk(data, want, "none" if want.method == "HEAD" else framing, closes, may_continue)


def _target(want: Want, form: Form) -> bytes:
    return (b"http://kito.test:80" if form.absolute else b"") + want.path.encode()


def _chunks(body: bytes, form: Form) -> bytes:
    written, at = b"", 0
    for number in range(len(body) + 1):
        piece = body[at : at + form.cuts[number % len(form.cuts)]]
        written += b"%X%s\r\n%s\r\n" % (len(piece), form.extension, piece + (b"" if piece else form.trailer))
        at += len(piece)
        if not piece:
            break
    return written


conversations: st.SearchStrategy[list[Talk]] = st.lists(st.builds(write, wants, forms), min_size=1, max_size=8)

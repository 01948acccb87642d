"""Forms on the wire: fields and files, their bounds, and what is no form."""

import asyncio
import json
import sys

import pytest

from kito import FormData, UploadFile, server
from kito.forms import multiparts

BOUNDARY = "XX"
URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = f'multipart/form-data; boundary="{BOUNDARY}"'


def part(name, data, *fields, filename=None):
    """One part of a multipart body."""
    file = "" if filename is None else f'; filename="{filename}"'
    head = [f'content-disposition: form-data; name="{name}"{file}', *fields]
    return f"--{BOUNDARY}\r\n".encode() + "\r\n".join(head).encode() + b"\r\n\r\n" + data + b"\r\n"


END = f"--{BOUNDARY}--\r\n".encode()
FORM = (
    part("title", "Grüße".encode())
    + part("file", b"\x00\xff" * 10, "content-type: image/png", filename="a.png")
    + part("tag", b"1")
    + part("tag", b"")
    + part("file", b"", filename="")
    + END
)


async def post(site, body, kind=MULTIPART, path="/", **options):
    """The answer to a form."""
    wire = await site.connect()
    declared = f"content-type: {kind}\r\n" if kind else ""
    head = f"POST {path} HTTP/1.1\r\nhost: kito.test\r\n{declared}content-length: {len(body)}\r\n\r\n"
    await wire.send(head.encode() + body)
    answer = await wire.answer()
    wire.close()
    return answer


def shown(form):
    """A form as JSON."""
    return [
        [name, value if isinstance(value, str) else [value.filename, value.content_type, value.size]]
        for name, value in form.items()
    ]


def app_of(**options):
    """An app that reads forms at once, and as they arrive."""
    app = server()
    app.post("/", lambda req: shown(req.form(**options)))

    @app.post("/streamed", stream_body=True, body_size=64 << 20)
    async def streamed(req):
        return shown(await req.form(**options))

    return app


@pytest.mark.parametrize("path", ["/", "/streamed"])
async def test_a_form_of_either_kind(net, path):
    async with net.serving(app_of()) as site:
        answer = await post(site, FORM, path=path)
        assert json.loads(answer.body) == [
            ["title", "Grüße"],
            ["file", ["a.png", "image/png", 20]],
            ["tag", "1"],
            ["tag", ""],
            ["file", ["file", "application/octet-stream", 0]],
        ]
        answer = await post(site, b"a=1&b=%C3%BC+x&a=2", URLENCODED, path)
        assert json.loads(answer.body) == [["a", "1"], ["b", "ü x"], ["a", "2"]]


@pytest.mark.parametrize("path", ["/", "/streamed"])
async def test_what_stands_around_the_parts_is_ignored(net, path):
    """RFC 2046 section 5.1.1: preamble and epilogue, in whichever pieces they come."""
    body = b"before\r\n" + part("a", b"1") + END + b"behind"
    async with net.serving(app_of()) as site:
        wire = await site.connect()
        head = f"POST {path} HTTP/1.1\r\nhost: a\r\ncontent-type: {MULTIPART}\r\ncontent-length: {len(body)}\r\n\r\n"
        for piece in (head.encode(), *(body[n : n + 1] for n in range(len(body)))):
            await wire.send(piece)
        assert json.loads((await wire.answer()).body) == [["a", "1"]]


async def test_how_a_form_is_asked(net, tmp_path):
    app = server()

    @app.post("/")
    async def handler(req):
        form = await req.form()
        assert form is req.form()
        assert isinstance(form, FormData)
        assert (form["tag"], form.get("tag"), form.get_all("tag"), form.get("no")) == ("1", "1", ["1", ""], None)
        assert (form.keys(), len(form), "tag" in form, "no" in form) == (["title", "file", "tag"], 3, True, False)
        assert (form.text("title"), form.text("file"), form.file("title")) == ("Grüße", None, None)
        with pytest.raises(KeyError):
            form["no"]
        upload = form.file("file")
        assert isinstance(upload, UploadFile)
        assert (await upload.read(3), await upload.read()) == (b"\x00\xff\x00", b"\xff\x00" * 8 + b"\xff")
        await upload.save(str(tmp_path / "saved"))
        with pytest.raises(FileExistsError):
            await upload.save(str(tmp_path / "saved"))
        return "x"

    async with net.serving(app) as site:
        assert (await post(site, FORM)).status == 200
    assert (tmp_path / "saved").read_bytes() == b"\x00\xff" * 10


async def test_files_of_a_streamed_body_go_to_the_disk_and_are_gone_afterwards(net):
    app = server()
    kept = []

    @app.post("/", stream_body=True, body_size=None)
    async def handler(req):
        with pytest.raises(RuntimeError, match=r"await req\.form"):
            req.form().items()
        async with req.form(spool_size=1000) as form:
            kept.extend(upload.file for _, upload in form.items())
            small, large, late = kept
            assert [type(file).__name__ for file in kept] == ["BytesIO", "BufferedRandom", "BytesIO"]
            assert (small.read(), len(large.read()), late.read()) == (b"s" * 500, 3 << 20, b"l" * 400)
        return [file.closed for file in kept]

    body = part("a", b"s" * 500, filename="a") + part("b", b"x" * (3 << 20), filename="b")
    async with net.serving(app) as site:
        answer = await post(site, body + part("c", b"l" * 400, filename="c") + END)
        assert json.loads(answer.body) == [True, True, True]


async def test_the_files_of_a_form_that_breaks_off_are_closed(net, monkeypatch):
    opened = []
    real = multiparts.tempfile.TemporaryFile
    monkeypatch.setattr(multiparts.tempfile, "TemporaryFile", lambda: opened.append(real()) or opened[-1])
    app = server()

    @app.post("/", stream_body=True)
    async def handler(req):
        await req.form(spool_size=10)

    async with net.serving(app) as site:
        answer = await post(site, part("a", b"x" * 100, filename="a") + part("b", b"x" * 100, filename="b"))
        assert answer.status == 400
    assert [file.closed for file in opened] == [True, True]


async def test_files_that_nobody_closes_are_closed_with_their_form(net):
    app = server()
    files = []

    @app.post("/", stream_body=True)
    async def handler(req):
        form = await req.form(spool_size=1)
        files.append(form.file("a").file)
        return "x"

    async with net.serving(app) as site:
        await post(site, part("a", b"xx", filename="a") + END)
        for _ in range(100):
            if files[0].closed:
                break
            await asyncio.sleep(0.01)
        assert files[0].closed


NAMES = [
    ("a.png", "a.png"), ("../../etc/passwd", "passwd"), ("..\\\\..\\\\a.png", "a.png"), ("C:\\\\x\\\\a.png", "a.png"),
    ("/etc/passwd", "passwd"), ("..", "file"), (".bashrc", "bashrc"), ("a b.png ", "a b.png"), ("con.txt", "_con.txt"),
    ("a<b>:c?.png", "a_b__c_.png"), ("x\u202egnp.exe", "xgnp.exe"), ("a\tb", "ab"),
    ("é" * 300 + ".png", "é" * 125 + ".png"),
    ("u\u0308.txt", "ü.txt"),
]  # fmt: skip


@pytest.mark.parametrize(("sent", "name"), NAMES)
async def test_file_names_are_made_safe(net, sent, name):
    async with net.serving(app_of()) as site:
        answer = await post(site, part("f", b"x", filename=sent) + END)
        assert json.loads(answer.body)[0][1][0] == name
        assert len(name.encode()) <= 255


BROKEN = [
    (b"", MULTIPART),
    (b"nothing", MULTIPART),
    (FORM[: -len(END)], MULTIPART),
    (FORM[:40], MULTIPART),
    (FORM, "multipart/form-data"),
    (FORM, "multipart/form-data; boundary="),
    (FORM, f"multipart/form-data; boundary={'x' * 71}"),
    (FORM, "multipart/form-data; boundary=YY"),
    (FORM.replace(b"\r\n", b"\n"), MULTIPART),
    (part("a", b"x").replace(b"form-data", b"attachment") + END, MULTIPART),
    (part("a", b"x").replace(b'; name="a"', b"") + END, MULTIPART),
    (b"--XX\r\n\r\nx\r\n" + END, MULTIPART),
    (part("a", b"\xff") + END, MULTIPART),
    (part("a", b"x", "content-type: text/plain; charset=utf-7") + END, MULTIPART),
    (part("a", b"eA==", "content-transfer-encoding: base64") + END, MULTIPART),
    (part("a", b"x", "no colon") + END, MULTIPART),
    (part("a", b"x", "x\x00y: 1") + END, MULTIPART),
]


@pytest.mark.parametrize("path", ["/", "/streamed"])
@pytest.mark.parametrize(("body", "kind"), BROKEN)
async def test_a_broken_form_is_a_400(net, body, kind, path):
    async with net.serving(app_of()) as site:
        answer = await post(site, body, kind, path)
        assert (answer.status, json.loads(answer.body)["error"]) == (400, "Bad Request"), answer.body


@pytest.mark.parametrize("path", ["/", "/streamed"])
@pytest.mark.parametrize(
    ("options", "right", "over"),
    [
        ({"max_parts": 2}, part("a", b"1") * 2, part("a", b"1") * 3),
        ({"max_files": 1}, part("a", b"1", filename="a"), part("a", b"1", filename="a") * 2),
        ({"max_fields_size": 10}, part("a", b"12345") * 2, part("a", b"12345") * 2 + part("a", b"1")),
        ({"max_file_size": 10}, part("a", b"1" * 10, filename="a"), part("a", b"1" * 11, filename="a")),
        ({}, part("a", b"1", "x: " + "y" * 4000), part("a", b"1", "x: " + "y" * 5000)),
        ({}, part("a", b"1", *["x: y"] * 7), part("a", b"1", *["x: y"] * 8)),
    ],
)
async def test_bounds_of_a_multipart_form(net, options, right, over, path):
    async with net.serving(app_of(**options)) as site:
        assert (await post(site, right + END, path=path)).status == 200
        answer = await post(site, over + END, path=path)
        assert (answer.status, json.loads(answer.body)["error"]) == (413, "Content Too Large")


@pytest.mark.parametrize("path", ["/", "/streamed"])
async def test_bounds_of_a_urlencoded_form(net, path):
    async with net.serving(app_of(max_parts=2, max_fields_size=10)) as site:
        assert (await post(site, b"a=1&b=2", URLENCODED, path)).status == 200
        assert (await post(site, b"a=1&b=2&c=3", URLENCODED, path)).status in (400, 413)
        assert (await post(site, b"a=123456789", URLENCODED, path)).status == 413


@pytest.mark.parametrize("path", ["/", "/streamed"])
@pytest.mark.parametrize("kind", [None, "application/json", "text/plain", "multipart/mixed; boundary=XX"])
async def test_what_is_no_form_is_a_415(net, path, kind):
    async with net.serving(app_of()) as site:
        answer = await post(site, b"{}", kind, path)
        assert answer.status == 415
        assert b"multipart/form-data" in answer.body


async def test_without_the_package_the_log_says_what_to_install(net, monkeypatch):
    monkeypatch.setitem(sys.modules, "multipart", None)
    async with net.serving(app_of()) as site:
        assert (await post(site, b"a=1", URLENCODED)).status == 200
        assert (await post(site, FORM)).status == 500
        assert r"kito-server[forms]" in str(net.logged("failed").exc_info[1])
        monkeypatch.setitem(sys.modules, "multipart", type(sys)("multipart"))  # another package of that name
        assert (await post(site, FORM)).status == 500
        assert r"kito-server[forms]" in str(net.logged("failed").exc_info[1])


async def test_a_form_becomes_the_type_of_a_body(net):
    import msgspec

    class Upload(msgspec.Struct):
        title: str
        file: UploadFile
        tag: list[int] = []

    app = server()

    @app.post("/")
    def add(body: Upload):
        return [body.title, body.file.filename, body.tag]

    async with net.serving(app) as site:
        form = part("title", b"a") + part("file", b"x", filename="f.txt")
        assert json.loads((await post(site, form + part("tag", b"1") + END)).body) == ["a", "f.txt", [1]]
        wrong = json.loads((await post(site, part("file", b"x") + part("tag", b"x") + END)).body)
        assert [(one["in"], one["path"]) for one in wrong["details"]] == [
            ("body", "title"), ("body", "file"), ("body", "tag[0]"),
        ]  # fmt: skip

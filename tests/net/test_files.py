"""Files on the wire: whole, in ranges, on conditions, compressed, below a root that nothing leads out of."""

import asyncio
import gzip
import os
import re
import threading
import time
from pathlib import Path

import pytest

from kito import server, t
from kito.middlewares import static_files
from kito.middlewares.compression import compress

BIG = bytes(range(256)) * 4096  # 1 MiB: read in pieces
TEXT = b"0123456789"
SECRET = b"THE-SECRET"
OLD_S = 1_700_000_000  # a time in the past, in whole seconds
DATE = "Tue, 14 Nov 2023 22:13:20 GMT"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with files, and secrets beside it."""
    folder = tmp_path / "public"
    (folder / "sub").mkdir(parents=True)
    files = {
        "a.txt": TEXT,
        "empty.txt": b"",
        "big.bin": BIG,
        "page.html": b"<p>",
        "app.js": b"let a",
        "ü €.txt": b"u",
        ".hidden": b"no",
        "sub/index.html": b"index",
        "sub/b.css": b"b{}",
        "noend": b"?",
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
        os.utime(folder / name, (OLD_S, OLD_S))
    (tmp_path / "secret.txt").write_bytes(SECRET)
    (tmp_path / "public-not").mkdir()
    (tmp_path / "public-not" / "x.txt").write_bytes(SECRET)
    (folder / "escape").symlink_to(tmp_path / "secret.txt")
    (folder / "out").symlink_to(tmp_path)
    (folder / "inside").symlink_to(folder / "a.txt")
    (folder / "round").symlink_to(folder / "round")
    os.mkfifo(folder / "pipe")
    return folder


def serve(root, **options):
    """An app with the files of a folder below /f/."""
    app = server()
    app.get("/f/{*path}", lambda res, path: res.send_file(path, root=root, **options))
    return app


async def test_a_file_is_sent_whole(net, root):
    async with net.serving(serve(root, max_age=60)) as site:
        small, big, empty = [await site.get(f"/f/{name}") for name in ("a.txt", "big.bin", "empty.txt")]
        assert small.head.undated() == {
            "content-type": "text/plain; charset=utf-8",
            "content-length": "10",
            "accept-ranges": "bytes",
            "last-modified": DATE,
            "etag": small.head.get("etag"),
            "cache-control": "public, max-age=60",
        }
        assert re.fullmatch(r'"[0-9a-f]+-a"', small.head.get("etag"))
        assert (small.body, big.body, empty.body) == (TEXT, BIG, b"")
        assert (big.head.get("content-length"), big.chunks) == (str(len(BIG)), None)
        assert big.head.get("content-type") == "application/octet-stream"
        assert empty.head.get("content-length") == "0"


async def test_types_by_the_end_of_the_name(net, root):
    async with net.serving(serve(root)) as site:
        for name, kind in {
            "page.html": "text/html; charset=utf-8",
            "app.js": "text/javascript; charset=utf-8",
            "sub/b.css": "text/css; charset=utf-8",
            "noend": "application/octet-stream",
        }.items():
            assert (await site.get(f"/f/{name}")).head.get("content-type") == kind


@pytest.mark.parametrize("kind", ["returned", "sync", "async", "awaited"])
@pytest.mark.parametrize("name", ["a.txt", "big.bin"])
async def test_a_file_from_every_kind_of_handler(net, root, kind, name):
    app = server()
    path = root / name

    def sync(res):
        res.send_file(path)

    async def unawaited(res):
        res.send_file(path)

    async def awaited(res):
        await res.send_file(path)

    app.get(
        "/", {"returned": lambda res: res.send_file(path), "sync": sync, "async": unawaited, "awaited": awaited}[kind]
    )
    async with net.serving(app) as site:
        wire = await site.connect()
        for _ in range(2):
            await wire.get("/")
            assert (await wire.answer()).body == path.read_bytes()


async def test_a_file_behind_middlewares(net, root):
    app = server()
    seen = []

    @app.use
    def plain(ctx, next):
        return next()

    @app.use
    async def waits(ctx, next):
        await next()
        seen.append(ctx.res.headers_sent)

    @app.get("/")
    def handler(res):
        res.send_file(root / "a.txt")

    async with net.serving(app) as site:
        assert (await site.get("/")).body == TEXT
    assert seen == [True]


async def test_what_the_handler_has_set_stays(net, root):
    app = server()

    @app.get("/")
    def handler(res):
        res.type("text/x-cat").headers({"etag": '"mine"', "cache-control": "no-store"}).status(200)
        return res.send_file(root / "a.txt", max_age=5)

    async with net.serving(app) as site:
        head = (await site.get("/")).head
        assert (head.get("content-type"), head.get("etag")) == ("text/x-cat; charset=utf-8", '"mine"')
        assert head.get("cache-control") == "no-store"


@pytest.mark.parametrize("name", ["a.txt", "big.bin"])
async def test_head_gives_the_head(net, root, name):
    async with net.serving(serve(root)) as site:
        wire = await site.connect()
        await wire.get(f"/f/{name}", "range: bytes=0-1", method="HEAD")
        answer = await wire.answer(head_only=True)
        assert (answer.status, answer.head.get("content-length")) == (200, str((root / name).stat().st_size))
        await wire.get("/f/a.txt")
        assert (await wire.answer()).body == TEXT


async def test_no_file_is_a_404(net, root):
    async with net.serving(serve(root)) as site:
        for name in ("none.txt", "sub", "sub/", "a.txt/b", "n" * 300, "pipe", "round"):
            answer = await site.get(f"/f/{name}")
            assert (answer.status, answer.head.get("content-type")) == (404, "application/json"), name
            assert answer.head.get("etag") is None


async def test_answering_twice_is_refused(net, root):
    app = server()

    @app.get("/")
    def handler(res):
        res.text("x")
        with pytest.raises(Exception, match="has ended"):
            res.send_file(root / "a.txt")

    async with net.serving(app) as site:
        assert (await site.get("/")).body == b"x"


# === What a client may not reach ===

ESCAPES = [
    "../secret.txt",
    "%2e%2e/secret.txt",
    "..%2fsecret.txt",
    "%2e%2e%2fsecret.txt",
    "sub/../../secret.txt",
    "sub/%2e%2e/%2e%2e/secret.txt",
    "%252e%252e%252fsecret.txt",
    "%252e%252e/secret.txt",
    "..%5csecret.txt",
    "..\\secret.txt",
    "%2e%2e%5csecret.txt",
    "a.txt%00",
    "a.txt%00.png",
    "%00",
    "/etc/passwd",
    "%2fetc%2fpasswd",
    "//etc/passwd",
    "escape",
    "out/secret.txt",
    "out",
    "../public-not/x.txt",
    ".hidden",
    "%2ehidden",
    "./a.txt",
    "sub//b.css",
    "c:/x",
    "C%3a%5cx",
    "....//secret.txt",
    "..;/secret.txt",
    "%c0%ae%c0%ae/secret.txt",
    "a.txt/..",
]


@pytest.mark.parametrize("path", ESCAPES)
async def test_nothing_leads_out_of_the_root(net, root, path):
    app = serve(root)
    app.use(static_files(root, "/s"))
    async with net.serving(app) as site:
        for prefix in ("f", "s"):
            answer = await site.get(f"/{prefix}/{path}")
            assert answer.status in (400, 404), (prefix, path)
            assert SECRET not in answer.body
            assert b"root:" not in answer.body


async def test_links_inside_of_the_root_and_wanted_dot_files(net, root):
    async with net.serving(serve(root, dotfiles=True)) as site:
        assert (await site.get("/f/inside")).body == TEXT
        assert (await site.get("/f/.hidden")).body == b"no"
        assert (await site.get("/f/%C3%BC%20%E2%82%AC.txt")).body == b"u"
        for path in ("..", "sub/..%2fa.txt", "sub/%2e%2e/a.txt", "./a.txt", "%2e/a.txt"):
            assert (await site.get(f"/f/{path}")).status == 404


def test_a_name_that_becomes_a_link_is_not_followed(root, monkeypatch, tmp_path):
    from kito.files import opening

    real = os.path.realpath

    def swapped(path, **options):
        place = real(path, **options)
        if place.endswith("a.txt"):  # between the look and the step somebody swaps the file
            Path(place).unlink()
            Path(place).symlink_to(tmp_path / "secret.txt")
        return place

    monkeypatch.setattr(opening.os.path, "realpath", swapped)
    assert opening.open_file("a.txt", str(root), dotfiles=False, codings=()) is None


# === Ranges ===


@pytest.mark.parametrize(
    ("asked", "sent", "body"),
    [
        ("bytes=0-0", "bytes 0-0/10", b"0"),
        ("bytes=2-4", "bytes 2-4/10", b"234"),
        ("bytes=7-", "bytes 7-9/10", b"789"),
        ("bytes=-3", "bytes 7-9/10", b"789"),
        ("bytes=5-99", "bytes 5-9/10", b"56789"),
        ("bytes=-99", "bytes 0-9/10", TEXT),
        ("Bytes = 1-1", "bytes 1-1/10", b"1"),
        ("bytes=20-30,1-1", "bytes 1-1/10", b"1"),
    ],
)
async def test_a_range(net, root, asked, sent, body):
    async with net.serving(serve(root)) as site:
        answer = await site.get("/f/a.txt", f"range: {asked}")
        assert (answer.status, answer.head.get("content-range"), answer.body) == (206, sent, body)
        assert answer.head.get("content-length") == str(len(body))


async def test_a_range_of_a_large_file(net, root):
    async with net.serving(serve(root)) as site:
        answer = await site.get("/f/big.bin", "range: bytes=100000-900000")
        assert (answer.status, answer.body) == (206, BIG[100000:900001])


async def test_several_ranges(net, root):
    async with net.serving(serve(root)) as site:
        answer = await site.get("/f/a.txt", "range: bytes=0-1, 4-5 ,-1")
        kind, _, boundary = answer.head.get("content-type").partition("; boundary=")
        assert (answer.status, kind, answer.head.get("content-range")) == (206, "multipart/byteranges", None)
        parts = answer.body.split(f"\r\n--{boundary}".encode())
        assert (parts[0], parts[-1]) == (b"", b"--\r\n")
        assert [part.split(b"\r\n\r\n", 1) for part in parts[1:-1]] == [
            [b"\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-range: bytes 0-1/10", b"01"],
            [b"\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-range: bytes 4-5/10", b"45"],
            [b"\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-range: bytes 9-9/10", b"9"],
        ]
        assert len(answer.body) == int(answer.head.get("content-length"))


@pytest.mark.parametrize(
    "asked",
    [
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "bytes=5",
        "bytes=4-2",
        "bytes=10-",
        "bytes=-0",
        "bytes=--1",
        "bytes=1-2-3",
        "bytes=0-,0-",
        "bytes=0x1-2",
        "bytes=99999999999999999999-",
        "bytes=" + ",".join(["0-0"] * 17),
        "bytes=1 - 2",
    ],
)
async def test_a_bad_range_is_a_416(net, root, asked):
    async with net.serving(serve(root)) as site:
        answer = await site.get("/f/a.txt", f"range: {asked}")
        assert (answer.status, answer.head.get("content-range")) == (416, "bytes */10")
        assert b"range" in answer.body


async def test_more_ranges_than_anybody_needs_are_a_416(net, root):
    async with net.serving(serve(root)) as site:
        for count, status in ((16, 206), (17, 416)):
            asked = ",".join(f"{n}-{n}" for n in range(count))
            assert (await site.get("/f/big.bin", f"range: bytes={asked}")).status == status


async def test_ranges_in_another_unit_and_of_nothing(net, root):
    async with net.serving(serve(root)) as site:
        assert (await site.get("/f/a.txt", "range: lines=1-2")).status == 200
        assert (await site.get("/f/a.txt", "range: nothing")).status == 200
        assert (await site.get("/f/empty.txt", "range: bytes=0-")).status == 416


# === Conditions ===


async def test_conditional_requests(net, root):
    async with net.serving(serve(root, max_age=9)) as site:
        tag = (await site.get("/f/a.txt")).head.get("etag")
        before, after = "Tue, 14 Nov 2023 22:13:19 GMT", "Tue, 14 Nov 2023 22:13:21 GMT"
        for fields, status in [
            ((f"if-none-match: {tag}",), 304), ((f"if-none-match: W/{tag}",), 304), (("if-none-match: *",), 304),
            ((f'if-none-match: "x", {tag}',), 304), (('if-none-match: "x"',), 200), (("if-none-match: x",), 200),
            ((f"if-modified-since: {DATE}",), 304), ((f"if-modified-since: {after}",), 304),
            ((f"if-modified-since: {before}",), 200), (("if-modified-since: yesterday",), 200),
            (('if-none-match: "x"', f"if-modified-since: {DATE}"), 200),
            ((f"if-match: {tag}",), 200), (("if-match: *",), 200), (('if-match: "x"',), 412),
            ((f"if-match: W/{tag}",), 412),
            ((f"if-unmodified-since: {DATE}",), 200), ((f"if-unmodified-since: {before}",), 412),
            ((f"if-match: {tag}", f"if-unmodified-since: {before}"), 200),
            ((f"if-match: {tag}", f"if-none-match: {tag}"), 304),
        ]:  # fmt: skip
            answer = await site.get("/f/a.txt", *fields)
            assert answer.status == status, fields
            if status == 304:
                names = set(answer.head.undated())
                assert names >= {"etag", "last-modified", "cache-control"}
                assert not names & {"content-type", "content-range"}


async def test_ranges_on_condition(net, root):
    async with net.serving(serve(root)) as site:
        tag = (await site.get("/f/a.txt")).head.get("etag")
        for validator, status in [
            (tag, 206), (DATE, 206), (f"W/{tag}", 200), ('"x"', 200), ("x", 200),
            ("Tue, 14 Nov 2023 22:13:21 GMT", 200),
        ]:  # fmt: skip
            assert (await site.get("/f/a.txt", "range: bytes=0-1", f"if-range: {validator}")).status == status, (
                validator
            )
        os.utime(root / "a.txt", (now := int(time.time()) + 1, now))  # not a second old: its time tells nothing
        date = (await site.get("/f/a.txt")).head.get("last-modified")
        assert (await site.get("/f/a.txt", "range: bytes=0-1", f"if-range: {date}")).status == 200


async def test_another_state_has_another_tag(net, root):
    async with net.serving(serve(root)) as site:
        first = (await site.get("/f/a.txt")).head.get("etag")
        (root / "a.txt").write_bytes(b"9876543210")
        assert (await site.get("/f/a.txt")).head.get("etag") != first


async def test_conditions_can_be_left_out(net, root):
    async with net.serving(serve(root, conditional=False)) as site:
        assert (await site.get("/f/a.txt", "if-none-match: *", "range: bytes=0-1")).body == TEXT


# === Compressed siblings ===


@pytest.fixture
def siblings(root):
    for ending in (".br", ".zst", ".gz"):
        (root / f"app.js{ending}").write_bytes(gzip.compress(b"let a") if ending == ".gz" else ending.encode())
        os.utime(root / f"app.js{ending}", (OLD_S, OLD_S))
    return root


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("br, gzip, zstd", "br"),
        ("gzip", "gzip"),
        ("zstd;q=0.9, gzip;q=0.5", "zstd"),
        ("*", "br"),
        ("gzip;q=0", None),
        ("br;q=0, *", "zstd"),
        ("identity, gzip;q=0.5", None),
        ("deflate", None),
        (None, None),
        ("GZIP", "gzip"),
        ("", None),
        ("gzip;q=x, zstd", "zstd"),
    ],
)
async def test_a_precompressed_sibling(net, siblings, accepted, coding):
    async with net.serving(serve(siblings, precompressed=True)) as site:
        fields = () if accepted is None else (f"accept-encoding: {accepted}",)
        answer = await site.get("/f/app.js", *fields)
        assert (answer.status, answer.head.get("content-encoding")) == (200, coding)
        assert answer.head.get("vary") == "accept-encoding"
        assert answer.head.get("content-type") == "text/javascript; charset=utf-8"
        if coding is None:
            assert answer.body == b"let a"
        tag = answer.head.get("etag")
        assert (await site.get("/f/app.js", *fields, f"if-none-match: {tag}")).status == 304
        assert (tag.endswith(f'-{coding}"')) == (coding is not None)


async def test_an_old_sibling_is_not_sent_and_the_next_one_is(net, siblings):
    os.utime(siblings / "app.js.br", (OLD_S - 5, OLD_S - 5))
    (siblings / "app.js.zst").unlink()
    (siblings / "app.js.zst").symlink_to(siblings.parent / "secret.txt")
    async with net.serving(serve(siblings, precompressed=True)) as site:
        answer = await site.get("/f/app.js", "accept-encoding: br, zstd, gzip")
        assert (answer.head.get("content-encoding"), gzip.decompress(answer.body)) == ("gzip", b"let a")
        assert (await site.get("/f/a.txt", "accept-encoding: br")).head.get("content-encoding") is None


async def test_a_tag_is_weak_where_the_file_is_compressed_on_its_way(net, root):
    (root / "long.txt").write_bytes(b"text " * 1000)
    app = serve(root)
    app.use(compress())
    async with net.serving(app) as site:
        plain = await site.get("/f/long.txt")
        coded = await site.get("/f/long.txt", "accept-encoding: gzip")
        assert (coded.head.get("content-encoding"), gzip.decompress(coded.body)) == ("gzip", plain.body)
        assert coded.head.get("etag") == f"W/{plain.head.get('etag')}"
        tag = coded.head.get("etag")
        assert (await site.get("/f/long.txt", "accept-encoding: gzip", f"if-none-match: {tag}")).status == 304
        assert (await site.get("/f/long.txt", "range: bytes=0-1", f"if-range: {tag}")).status == 200


async def test_compression_and_validated_headers_go_together(net):
    app = server()
    app.use(compress())
    app.get("/", lambda headers: {"x": headers.x * 1000}, schema={"headers": {"x": t.str()}})
    async with net.serving(app) as site:
        answer = await site.get("/", "accept-encoding: gzip", "x: a")
        assert answer.head.get("content-encoding") == "gzip"


# === Downloads ===


async def test_a_download(net, root):
    app = server()
    app.get("/a", lambda res: res.download(root / "a.txt"))
    app.get("/b", lambda res: res.download("a.txt", "../Ä b.txt", root=root))
    app.get("/c", lambda res: res.download(root / "none.txt"))
    async with net.serving(app) as site:
        got = await site.get("/a")
        assert (got.head.get("content-disposition"), got.body) == ('attachment; filename="a.txt"', TEXT)
        got = (await site.get("/b")).head.get("content-disposition")
        assert got == "attachment; filename=\"? b.txt\"; filename*=UTF-8''%C3%84%20b.txt"
        missing = await site.get("/c")
        assert (missing.status, missing.head.get("content-disposition")) == (404, None)


# === Slow readers, leavers, and a disk that changes ===


def descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


async def until(holds):
    """Wait until something holds that nobody tells."""
    for _ in range(1000):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it does not come to hold")


async def test_a_slow_reader_holds_the_file_back_and_a_leaver_lets_it_go(net, root):
    (root / "huge.bin").write_bytes(b"x" * (32 << 20))
    async with net.serving(serve(root)) as site:
        before = descriptors()
        wire = await site.connect(receive_buffer=4096)
        await wire.get("/f/huge.bin")
        head = await wire.head()
        assert head.get("content-length") == str(32 << 20)
        await wire.exactly(1 << 20)
        assert site.app.stats["body_bytes"] < 16 << 20
        assert descriptors() >= before + 2  # the file, and the connection's two ends
        wire.reset()
        await until(lambda: descriptors() <= before)


async def test_a_file_that_shrinks_is_cut_visibly(net, root):
    path = root / "huge.bin"
    path.write_bytes(b"x" * (32 << 20))
    async with net.serving(serve(root)) as site:
        wire = await site.connect(receive_buffer=4096)
        await wire.get("/f/huge.bin")
        await wire.head()
        os.truncate(path, 1000)
        await wire.gone()
        await until(lambda: net.records)
        assert "shorter" in str(net.logged("failed after the head").exc_info[1])


async def test_the_loop_is_not_held_by_a_slow_disk(net, root, monkeypatch):
    from kito.files import opening

    opened, go = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()
    real = opening.os.fstat

    def slow(fd):
        if go.is_set():
            return real(fd)
        loop.call_soon_threadsafe(opened.set)
        go.wait(10)
        return real(fd)

    monkeypatch.setattr(opening.os, "fstat", slow)
    app = serve(root)
    app.get("/other", lambda: "x")
    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/f/a.txt")
        await opened.wait()
        assert (await site.get("/other")).body == b"x"
        go.set()
        assert (await wire.answer()).body == TEXT


# === The middleware ===


async def test_static_files(net, root):
    app = server()
    app.use(static_files(root, "/assets", max_age=60, immutable=True))
    app.get("/assets/route", lambda: "route")
    app.post("/assets/route", lambda: "posted")
    app.get("/", lambda: "home")
    async with net.serving(app) as site:
        answer = await site.get("/assets/a.txt")
        assert (answer.status, answer.body) == (200, TEXT)
        assert answer.head.get("cache-control") == "public, max-age=60, immutable"
        assert (await site.get("/assets/sub/")).body == b"index"
        moved = await site.get("/assets/sub?a=b")
        assert (moved.status, moved.head.get("location")) == (308, "/assets/sub/?a=b")
        assert (await site.get("/assets/route")).body == b"route"
        assert (await site.get("/assets/route", method="POST")).body == b"posted"
        assert (await site.get("/")).body == b"home"
        assert (await site.get("/assets/")).status == 404
        assert (await site.get("/assets/none")).status == 404
        assert (await site.get("/a.txt")).status == 404
        wrong = await site.get("/assets/a.txt", method="DELETE")
        assert (wrong.status, wrong.head.get("allow")) == (405, "GET, HEAD, OPTIONS")
        assert (await site.get("/assets/a.txt", method="HEAD")).head.get("content-length") == "10"
        assert (await site.get("/assets/%zz")).status == 400


async def test_static_files_at_the_root_without_an_index(net, root):
    app = server()
    app.use(static_files(root, index=None))
    app.get("/sub/", lambda: "route")
    async with net.serving(app) as site:
        assert (await site.get("/a.txt")).body == TEXT
        assert (await site.get("/sub/")).body == b"route"
        assert (await site.get("//sub/index.html")).status == 404


def test_static_files_of_nothing(tmp_path):
    with pytest.raises(ValueError, match="no folder"):
        static_files(tmp_path / "none")
    with pytest.raises(ValueError, match="begins with"):
        static_files(tmp_path, "assets")

"""How the browser's helper is served, and that it stays small."""

import gzip

import pytest

from kito import client_script, server
from kito.browser import SCRIPT
from kito.testing import TestClient

COMPRESSED_BYTES = 2048  # the most that it may have under gzip -9


def test_it_is_small():
    assert len(gzip.compress(SCRIPT.read_bytes(), 9)) <= COMPRESSED_BYTES


def test_it_is_served_as_a_module_that_browsers_keep():
    app = server()
    app.get("/kito.js", client_script())
    app.get("/long.js", client_script(max_age=3600))
    with TestClient(app) as client:
        script = client.get("/kito.js")
        assert script.body == SCRIPT.read_bytes()
        assert script.headers["content-type"] == "text/javascript; charset=utf-8"
        assert script.headers["cache-control"] == "no-cache"
        assert client.get("/long.js").headers["cache-control"] == "public, max-age=3600"
        etag = script.headers["etag"]
        for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
            again = client.get("/kito.js", headers={"if-none-match": known})
            assert (again.status, again.body, again.headers["etag"]) == (304, b"", etag)
        assert client.get("/kito.js", headers={"if-none-match": '"other"'}).status == 200
        head = client.head("/kito.js")
        assert (head.body, head.headers["content-length"]) == (b"", str(len(script.body)))


def test_a_negative_age_is_refused():
    with pytest.raises(ValueError, match="from 0 on"):
        client_script(max_age=-1)

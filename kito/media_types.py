"""Media types: what a file's ending says, what a content type is, and which of them are JSON, forms or text."""

from __future__ import annotations

import mimetypes
from email.message import Message
from typing import Final

from .errors import BadRequest

__all__ = (
    "CHARSETS",
    "FORM_TYPES",
    "MULTIPART",
    "URLENCODED",
    "decode_text",
    "guess_type",
    "is_json",
    "media_type",
    "parameter",
    "with_charset",
)

URLENCODED: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"
FORM_TYPES: Final = (URLENCODED, MULTIPART)
CHARSETS: Final = frozenset({"utf-8", "utf8", "us-ascii", "iso-8859-1"})  # of text that is read, in lower case

# Types of the present web; everything else is Python's own table, the same on every machine.
_TYPES: Final = {
    ".avif": "image/avif",
    ".cjs": "text/javascript",
    ".js": "text/javascript",
    ".jsonl": "application/jsonl",
    ".map": "application/json",
    ".md": "text/markdown",
    ".mjs": "text/javascript",
    ".opus": "audio/ogg",
    ".wasm": "application/wasm",
    ".webm": "video/webm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
}
_table: Final = mimetypes.MimeTypes(filenames=())
for _ending, _type in _TYPES.items():
    _table.add_type(_type, _ending)

# What a browser takes a file for that it cannot undo; such a file is one as it lies on the disk.
_CODINGS: Final = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}


def guess_type(name: str) -> str | None:
    """Return the media type that the ending of a file's name stands for, None when it is not known."""
    kind, coding = _table.guess_type(f"x.{name.rpartition('.')[2]}" if "." in name else name)
    return _CODINGS.get(coding, "application/octet-stream") if coding else kind


def media_type(content_type: str) -> str:
    """Return the type of a content type in lower case, without its parameters (RFC 9110 §8.3.1)."""
    return content_type.partition(";")[0].strip().lower()


def parameter(content_type: str, name: str) -> str | None:
    """Return a parameter of a content type (RFC 9110 §5.6.6), unquoted; None when it is absent."""
    message = Message()
    message["content-type"] = content_type
    value = message.get_param(name)
    return value if isinstance(value, str) else None


def decode_text(body: bytes, content_type: str) -> str:
    """Return a body of text decoded as its type says, UTF-8 if it does not; `BadRequest` when that is not possible."""
    charset = ((parameter(content_type, "charset") if "charset" in content_type.lower() else None) or "utf-8").lower()
    if charset not in CHARSETS:
        raise BadRequest("the charset of the body is not known: send UTF-8")
    try:
        return body.decode(charset)
    except UnicodeDecodeError as error:
        raise BadRequest(f"the body is not {charset.upper()}: {error.reason} at byte {error.start}") from None


def is_json(kind: str) -> bool:
    """Whether a media type is JSON, or something made of it (RFC 6839 §3.1)."""
    return kind == "application/json" or kind.endswith("+json")


def with_charset(kind: str) -> str:
    """Return a type of text with its charset, UTF-8, unless it names one; event streams are UTF-8 without saying."""
    if kind.startswith("text/") and "charset" not in kind and kind != "text/event-stream":
        return f"{kind}; charset=utf-8"
    return kind

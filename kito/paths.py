"""The syntax of route paths: what `/cats/:id` and `/files/{*rest}` mean, and how paths are decoded."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from typing import Final, NamedTuple, NoReturn
from urllib.parse import quote, unquote_to_bytes

from .errors import BadRequest, InvalidPath, RoutingError

__all__ = ("Kind", "Pattern", "Segment", "decode_path", "parse_path")

# RFC 3986 §3.3: what a path segment may hold unescaped beside letters, digits and "-._~"
_PCHAR: Final = "!$&'()*+,;=:@"
_BROKEN_ESCAPE: Final = re.compile("%(?![0-9A-Fa-f]{2})")
_NOT_IN_NAME: Final = re.compile(r"\W|^(?=\d)")
_COLON_NAME: Final = re.compile(r":[^\W\d]\w*")
_CONTROL: Final = re.compile("[\x00-\x1f\x7f]")


class Kind(enum.Enum):
    """What a segment of a route path matches; in the order in which alternatives are tried."""

    STATIC = enum.auto()  # this text
    AFFIXED = enum.auto()  # a parameter between a prefix and a suffix
    PARAM = enum.auto()  # a parameter: the whole segment
    REST = enum.auto()  # a parameter: this segment and everything behind it


class Segment(NamedTuple):
    """One piece of a route path between slashes; `text` is decoded, `name` is the parameter's."""

    kind: Kind
    text: str = ""
    name: str = ""
    suffix: str = ""  # with AFFIXED, where `text` is the prefix


class Pattern(NamedTuple):
    """A route path, understood: its text as written, its segments, the names of its parameters in order."""

    text: str
    segments: tuple[Segment, ...]
    params: tuple[str, ...]

    @property
    def is_static(self) -> bool:
        """Whether the path has no parameters."""
        return not self.params

    @property
    def shape(self) -> tuple[tuple[str, ...], ...]:
        """What two paths have in common when they match the same: all but the names of the parameters."""
        return tuple((segment.kind.name, segment.text, segment.suffix) for segment in self.segments)

    def fill(self, values: Mapping[str, object]) -> str:
        """Return the path with values for its parameters, percent-encoded; raises `RoutingError`."""
        if missing := [name for name in self.params if str(values.get(name, "")) == ""]:
            raise RoutingError(f"{self.text} needs a value for {', '.join(missing)}")
        if unknown := [name for name in values if name not in self.params]:
            raise RoutingError(f"{self.text} has no parameter {', '.join(unknown)}")
        pieces = []
        for kind, text, name, suffix in self.segments:
            safe = _PCHAR + "/" if kind is Kind.REST else _PCHAR
            pieces.append(quote(text + str(values.get(name, "")) + suffix, safe=safe))
        if any(piece in (".", "..") for piece in "/".join(pieces).split("/")):
            raise RoutingError(f"{self.text} cannot have '.' or '..' as a segment: clients resolve them")
        return "/" + "/".join(pieces)

    def raw(self) -> str:
        """Return the path of a static pattern as it looks on the wire, percent-encoded (RFC 3986 §2.1)."""
        return "/" + "/".join(quote(segment.text, safe=_PCHAR) for segment in self.segments)


def parse_path(path: str, *, strict_slashes: bool = False) -> Pattern:
    """Parse a route path.

    `:name` and `{name}` are a parameter that takes a whole segment, `img-{name}.png` one between affixes,
    `{*name}` (or `*name`) at the end one that takes everything left, slashes too. Everything else is text
    (UTF-8; `%` escapes are decoded, so `%7B` is a brace and `%3A` a colon that mean nothing). Without
    `strict_slashes` one slash at the end is dropped. Raises `InvalidPath`, which says what to write instead.
    """
    _check_text(path)
    pieces = path[1:].split("/")
    if len(pieces) > 1 and not pieces[-1] and not strict_slashes:
        pieces.pop()
    segments = tuple(_parse_segment(path, piece) for piece in pieces)
    params = tuple(segment.name for segment in segments if segment.kind is not Kind.STATIC)
    for name in params:
        if params.count(name) > 1:
            _fail(path, f"it has two parameters called {name!r}", "give each a name of its own")
    for segment in segments[:-1]:
        if segment.kind is Kind.REST:
            _fail(path, f"{{*{segment.name}}} takes all that is left", "make it the last segment")
    return Pattern(path, segments, params)


def _fail(path: str, problem: str, remedy: str) -> NoReturn:
    raise InvalidPath(f"the path {path!r} is not valid: {problem}; {remedy}")


def _check_text(path: object) -> None:
    """Refuse what is wrong with a path as a whole."""
    if not isinstance(path, str):
        raise InvalidPath(f"a path is a str such as '/cats', not {path!r}")
    if not path.startswith("/"):
        _fail(path, "it does not begin with a slash", f"write {'/' + path!r}")
    if "//" in path:
        _fail(path, "it has two slashes in a row", f"write {re.sub('/+', '/', path)!r}")
    if mark := re.search("[?#]", path):
        remedy = f"write {path[: mark.start()]!r} and read the rest from req.query"
        _fail(path, f"{mark.group()!r} never reaches a route", remedy)
    if control := _CONTROL.search(path):
        _fail(path, f"it has the control character {control.group()!r}", "take it out")
    if broken := _BROKEN_ESCAPE.search(path):
        _fail(path, "'%' has no two hex digits behind it", f"write {_splice(path, broken, '%25')!r}")


def _splice(path: str, match: re.Match[str], text: str) -> str:
    return path[: match.start()] + text + path[match.end() :]


def _parse_segment(path: str, piece: str) -> Segment:
    """Parse what stands between two slashes."""
    if piece.startswith(":"):
        name = _name(path, piece[1:], piece)
        return Segment(Kind.PARAM, name=name)
    if piece == "*" or (piece.startswith("*") and piece[1:].isidentifier()):
        return Segment(Kind.REST, name=_name(path, piece[1:], piece))
    if piece.startswith("{*") and piece.endswith("}"):
        return Segment(Kind.REST, name=_name(path, piece[2:-1], piece))
    if "{" in piece or "}" in piece:
        return _parse_braces(path, piece)
    if colon := _COLON_NAME.search(piece):
        remedy = f"write {piece[: colon.start()] + '/' + colon.group()!r}, or %3A for a plain colon"
        _fail(path, f"{colon.group()!r} is no parameter inside of a segment", remedy)
    return Segment(Kind.STATIC, _text(path, piece))


def _parse_braces(path: str, piece: str) -> Segment:
    """Parse a segment with `{name}` in it, alone or between affixes."""
    prefix, opening, rest = piece.partition("{")
    name, closing, suffix = rest.partition("}")
    if not opening or not closing or "}" in prefix or "{" in name or "}" in suffix.partition("{")[0]:
        _fail(path, f"the braces of {piece!r} do not match", "write {name}, or %7B and %7D for plain braces")
    if "{" in suffix:
        _fail(path, f"{piece!r} has two parameters", "keep one in each segment and split its value")
    if name.startswith("*"):
        _fail(path, f"{{{name}}} takes whole segments", f"write it alone: '/{{{name}}}'")
    if not prefix and not suffix:
        return Segment(Kind.PARAM, name=_name(path, name, piece))
    return Segment(Kind.AFFIXED, _text(path, prefix), _name(path, name, piece), _text(path, suffix))


def _name(path: str, name: str, piece: str) -> str:
    """Return the name of a parameter, which a handler may have to spell as one of its own."""
    if not name:
        _fail(path, f"{piece!r} has no name", "write one, such as '/:id', '/{id}' or '/{*rest}'")
    if name.isidentifier():
        return name
    word = re.match(r"[^\W\d]\w*", name)
    if word and piece.startswith(":"):
        remedy = f"write '{{{word.group()}}}{name[word.end() :]}' for a parameter with text behind it"
    else:
        remedy = f"write {_NOT_IN_NAME.sub('_', name)!r}"
    _fail(path, f"{name!r} is not a name that a handler's parameter can have", remedy)


def _text(path: str, piece: str) -> str:
    """Return the text of a static piece, its escapes decoded."""
    if "*" in piece:
        remedy = "write {*rest} as the last segment to match everything, or %2A for a plain star"
        _fail(path, f"'*' in {piece!r} is no wildcard", remedy)
    try:
        text = unquote_to_bytes(piece).decode()
    except UnicodeDecodeError:
        _fail(path, f"the escapes of {piece!r} are not UTF-8", "write the characters themselves")
    except UnicodeEncodeError:
        _fail(path, f"{piece!r} has half a surrogate pair", "write the character itself")
    if text in (".", ".."):
        _fail(path, f"clients resolve {text!r} before they send", "write the path that is left then")
    return text


def decode_path(path: str) -> str:
    """Decode the escapes of a segment (or of all that a catch-all took) of a request's path, once.

    Raises `BadRequest` for an escape that is broken or not UTF-8 (RFC 3986 §2.1, §2.5).
    """
    if "%" not in path:
        return path
    if _BROKEN_ESCAPE.search(path):
        raise BadRequest("the path has a '%' without two hex digits behind it")
    try:
        return unquote_to_bytes(path).decode()
    except UnicodeError:
        raise BadRequest("the path has escapes that are not UTF-8") from None

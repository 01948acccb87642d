"""Multi-value mappings: header fields, query and form data, cookies, read from what the peer sent."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, KeysView, Sequence
from typing import Final, TypeVar, overload
from urllib.parse import unquote_to_bytes

from .errors import BadRequest

__all__ = ("Headers", "MultiDict", "parse_cookies", "parse_query")

MAX_FIELDS: Final = 1000  # fields of one query or form; more is an attack on the handler's time
MAX_COOKIES: Final = 1000  # cookie pairs of one request; browsers keep about 180 per site

_T = TypeVar("_T")


class _MultiMapping(ABC):
    """What `Headers` and `MultiDict` share: a name may have several values, the first one is *the* value."""

    __slots__ = ()

    @abstractmethod
    def items(self) -> list[tuple[str, str]]:
        """Return every pair of name and value, in the order received."""

    @abstractmethod
    def get_all(self, name: str) -> list[str]:
        """Return every value of a name in the order received; an empty list when there is none."""

    @abstractmethod
    def __getitem__(self, name: str) -> str: ...

    @overload
    def get(self, name: str) -> str | None: ...
    @overload
    def get(self, name: str, default: _T) -> str | _T: ...
    def get(self, name: str, default: _T | None = None) -> str | _T | None:
        """Return the first value of a name, or `default` when there is none."""
        try:
            return self[name]
        except KeyError:
            return default

    def keys(self) -> KeysView[str]:
        """Return the names, each once, in the order in which they were first received."""
        return dict.fromkeys(name for name, _ in self.items()).keys()

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self.keys())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.items()!r})"


class Headers(_MultiMapping):
    """The header fields of a message (RFC 9110 §5): names in any case, values as str (latin-1), read only.

    `headers["accept"]` and `headers.get("accept")` give the first value, `get_all("accept")` the list,
    `items()` every pair in the order received. A missing name raises `KeyError`. Iteration, `keys()` and
    `len()` count each name once, in lower case.
    """

    __slots__ = ("_raw",)

    def __init__(self, raw: Sequence[tuple[bytes, bytes]] = ()) -> None:
        """Take pairs of lower-case name and value; nothing is copied or decoded before it is asked for."""
        self._raw = raw

    @property
    def raw(self) -> Sequence[tuple[bytes, bytes]]:
        """The pairs as they came: lower-case name and value, both bytes, in the order received."""
        return self._raw

    def __getitem__(self, name: str) -> str:
        key = _encode_name(name)
        for field, value in self._raw:
            if field == key:
                return value.decode("latin-1")
        raise KeyError(name)

    def get_all(self, name: str) -> list[str]:
        """Return every value of a name (any case) in the order received; an empty list when there is none."""
        key = _encode_name(name)
        return [value.decode("latin-1") for field, value in self._raw if field == key]

    def items(self) -> list[tuple[str, str]]:
        """Return every pair of lower-case name and value, in the order received."""
        return [(field.decode("latin-1"), value.decode("latin-1")) for field, value in self._raw]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Headers):
            return NotImplemented
        return list(self._raw) == list(other._raw)

    __hash__ = None  # type: ignore[assignment] # a view of a list, which may change


def _encode_name(name: str) -> bytes:
    """Return a header name as the core keeps it; "?", which is in no name, for what no header may have."""
    return name.lower().encode("ascii", "replace")


class MultiDict(_MultiMapping):
    """The fields of a query or a form: names as sent, a name may repeat, read only.

    `fields["a"]` and `fields.get("a")` give the first value, `get_all("a")` the list, `items()` every pair
    in the order received. A missing name raises `KeyError`. Iteration, `keys()` and `len()` count each name
    once.
    """

    __slots__ = ("_first", "_pairs")

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        """Take pairs of name and value, in the order received."""
        self._pairs = tuple(pairs)
        self._first = dict(reversed(self._pairs))  # backwards, so that the first of a name is what stays

    def __getitem__(self, name: str) -> str:
        return self._first[name]

    def get_all(self, name: str) -> list[str]:
        """Return every value of a name in the order received; an empty list when there is none."""
        return [value for field, value in self._pairs if field == name]

    def items(self) -> list[tuple[str, str]]:
        """Return every pair of name and value, in the order received."""
        return list(self._pairs)

    def __len__(self) -> int:
        return len(self._first)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, MultiDict):
            return NotImplemented
        return self._pairs == other._pairs

    def __hash__(self) -> int:
        return hash(self._pairs)


def parse_query(qs: str | bytes, max_fields: int = MAX_FIELDS) -> MultiDict:
    """Parse `application/x-www-form-urlencoded` data (WHATWG URL §5.1): a query without its "?", or a form.

    "+" is a space, percent escapes are decoded as UTF-8 with U+FFFD for what is not UTF-8, a broken escape
    stays as it is, blank values and names without "=" are kept, empty pieces between "&" are skipped.
    Raises `BadRequest` for more than `max_fields` pieces (empty ones counted); nothing is dropped silently.
    """
    data = qs.encode("utf-8", "surrogatepass") if isinstance(qs, str) else qs
    if not data:
        return MultiDict()
    if data.count(b"&") >= max_fields:
        raise BadRequest(f"more than {max_fields} fields in the query or form")
    pairs = []
    for field in data.split(b"&"):
        if field:
            name, _, value = field.partition(b"=")
            pairs.append((_decode_field(name), _decode_field(value)))
    return MultiDict(pairs)


def _decode_field(piece: bytes) -> str:
    if b"+" in piece:
        piece = piece.replace(b"+", b" ")
    if b"%" in piece:
        piece = unquote_to_bytes(piece)
    return piece.decode("utf-8", "replace")


def parse_cookies(values: Iterable[str], max_cookies: int = MAX_COOKIES) -> dict[str, str]:
    """Parse the values of the `cookie` headers of a request (RFC 6265 §4.2.1, §5.4).

    Where a name repeats, the first one wins: user agents send the most specific path first. Double quotes
    around a value are taken off. Values are not decoded in any other way, because RFC 6265 gives them no
    meaning: what was set is what is read. Pieces without "=" or without a name are no cookies: skipped.
    Raises `BadRequest` for more than `max_cookies` pieces.
    """
    cookies: dict[str, str] = {}
    budget = max_cookies
    for header in values:
        budget -= header.count(";") + 1
        if budget < 0:
            raise BadRequest(f"more than {max_cookies} cookies in the request")
        for piece in header.split(";"):
            name, equals, value = piece.partition("=")
            name = name.strip(" \t")
            if equals and name and name not in cookies:
                cookies[name] = _unquote(value.strip(" \t"))
    return cookies


def _unquote(value: str) -> str:
    quoted = len(value) >= 2 and value[0] == '"' == value[-1]
    return value[1:-1] if quoted else value

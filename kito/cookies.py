"""Cookies that are set: their header lines, and values that are signed so that a client cannot make them up."""

from __future__ import annotations

import base64
import datetime
import email.utils
import hashlib
import hmac
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple
from urllib.parse import quote, unquote

from .errors import InvalidHeader

__all__ = ("CookieAttributes", "Secret", "cookie_line", "sign", "unsign")

COOKIE_BYTES: Final = 4096  # of name and value; browsers drop a larger one without a word (RFC 6265 §6.1)
_NAME: Final = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_VALUE_SAFE: Final = "!#$%&()*+-./:<=>?@[]^_`{|}~"
_SIGNED_SAFE: Final = _VALUE_SAFE.replace("%", "")  # a signed value is decoded again
_SAME_SITE: Final = {"strict": "Strict", "lax": "Lax", "none": "None"}

Secret = str | bytes | Sequence[str | bytes]  # of several the first signs, and each is believed


class CookieAttributes(NamedTuple):
    """What is said of a cookie beside its value (RFC 6265bis §4.1.2)."""

    max_age: int | None
    expires: datetime.datetime | None
    path: str | None
    domain: str | None
    secure: bool
    http_only: bool
    same_site: str | None
    partitioned: bool

    @property
    def is_secure(self) -> bool:
        """Whether the cookie goes over TLS only; browsers drop the other two without it."""
        return self.secure or self.same_site == "none" or self.partitioned


def cookie_line(name: str, value: str, attributes: CookieAttributes) -> str:
    """Return the value of a Set-Cookie header; `InvalidHeader` for what no browser would keep."""
    if not name or not _NAME.issuperset(name):
        raise InvalidHeader(f"{name!r} is not a cookie name: a token without spaces or separators is needed")
    _check_prefix(name, attributes)
    pair = f"{name}={quote(value, safe=_VALUE_SAFE)}"
    if len(pair) > COOKIE_BYTES:
        raise InvalidHeader(f"the cookie {name!r} has {len(pair)} bytes: browsers keep {COOKIE_BYTES}")
    return "; ".join([pair, *_spoken(attributes)])


def _spoken(attributes: CookieAttributes) -> Iterable[str]:
    if attributes.max_age is not None:
        yield f"Max-Age={int(attributes.max_age)}"
    if attributes.expires is not None:
        expires = attributes.expires.astimezone(datetime.UTC)
        yield f"Expires={email.utils.format_datetime(expires, usegmt=True)}"
    for attribute, text in (("Domain", attributes.domain), ("Path", attributes.path)):
        if text is not None:
            if ";" in text:
                raise InvalidHeader(f"the {attribute} of a cookie must not hold ';': {text!r}")
            yield f"{attribute}={text}"
    if attributes.same_site is not None:
        if attributes.same_site not in _SAME_SITE:
            raise InvalidHeader(f"same_site is 'strict', 'lax' or 'none', not {attributes.same_site!r}")
        yield f"SameSite={_SAME_SITE[attributes.same_site]}"
    flags = {"Secure": attributes.is_secure, "HttpOnly": attributes.http_only, "Partitioned": attributes.partitioned}
    yield from (flag for flag, wanted in flags.items() if wanted)


def _check_prefix(name: str, attributes: CookieAttributes) -> None:
    """Refuse a name whose prefix promises what the attributes do not keep (RFC 6265bis §4.1.3)."""
    lower = name.lower()
    if lower.startswith(("__secure-", "__host-")) and not attributes.is_secure:
        raise InvalidHeader(f"the cookie {name!r} needs secure=True: its name says so")
    if lower.startswith("__host-") and (attributes.path != "/" or attributes.domain is not None):
        raise InvalidHeader(f"the cookie {name!r} needs path='/' and no domain: its name says so")


def _keys(secret: Secret) -> list[bytes]:
    secrets = [secret] if isinstance(secret, str | bytes) else list(secret)
    keys = [one.encode() if isinstance(one, str) else one for one in secrets]
    if not keys or not all(keys):
        raise ValueError("a secret is a text or bytes that are not empty, or a list of them")
    return keys


def _signature(key: bytes, name: str, value: str) -> str:
    mac = hmac.digest(key, b"kito.cookie\0" + name.encode() + b"\0" + value.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(mac).decode().rstrip("=")


def sign(name: str, value: str, secret: Secret) -> str:
    """Return a value with its signature by the first secret, for a cookie of this name alone; others can read it."""
    text = quote(value, safe=_SIGNED_SAFE)
    return f"{text}.{_signature(_keys(secret)[0], name, text)}"


def unsign(name: str, signed: str, secret: Secret) -> str | None:
    """Return the value that one of the secrets has signed, None for every other: it was not set by us."""
    text, _, signature = signed.rpartition(".")
    given = signature.encode("ascii", "replace")
    for key in _keys(secret):
        if hmac.compare_digest(given, _signature(key, name, text).encode()):
            return unquote(text)
    return None

"""Kinds of errors that an application names once and raises where it needs them: `error("CODE")`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Final, Self

from .errors import HTTPError

__all__ = ("ErrorBuilder", "KnownError", "error")

_WORDS: Final = re.compile(r"[A-Za-z0-9]+")


class KnownError(HTTPError):
    """The base of every error that `error(code)...build()` makes: an `HTTPError` with what the kind says.

    `data` is what the error was raised with, for `on_error` and the log; it is not sent.
    """

    kind_code: ClassVar[str]
    kind_status: ClassVar[int]
    kind_message: ClassVar[str | Callable[..., str] | None]
    kind_headers: ClassVar[tuple[tuple[str, str], ...]]

    def __init__(self, /, **data: Any) -> None:
        self.data = data
        message = self.kind_message
        text = message(**data) if callable(message) else message
        super().__init__(self.kind_status, text, headers=self.kind_headers, code=self.kind_code)


class ErrorBuilder:
    """What `error(code)` returns: say the rest, then `build()`."""

    def __init__(self, code: str) -> None:
        if not _WORDS.search(code):
            raise ValueError(f"the code of an error is a word such as 'CAT_NOT_FOUND', not {code!r}")
        self._code = code
        self._status = 500
        self._message: str | Callable[..., str] | None = None
        self._headers: tuple[tuple[str, str], ...] = ()

    def status(self, status: int) -> Self:
        """Answer with this status, 400 to 599 (RFC 9110 §15.5, §15.6); 500 unless said. Raises `ValueError`."""
        HTTPError(status)
        self._status = status
        return self

    def message(self, message: str | Callable[..., str]) -> Self:
        """Tell the client this, or what a function makes of the data that the error is raised with, by keyword."""
        self._message = message
        return self

    def headers(self, headers: Mapping[str, str] | Iterable[tuple[str, str]]) -> Self:
        """Add headers to the answer."""
        self._headers = tuple(headers.items() if isinstance(headers, Mapping) else headers)
        return self

    def build(self) -> type[KnownError]:
        """Return the kind: an exception class to be raised, raised with its data, caught, or given to `on_error`."""
        words = _WORDS.findall(self._code)
        name = "".join(word[:1].upper() + (word[1:].lower() if word.isupper() else word[1:]) for word in words)
        space = {
            "__doc__": f"The error {self._code}.",
            "__slots__": (),
            "kind_code": self._code,
            "kind_status": self._status,
            "kind_message": staticmethod(self._message) if callable(self._message) else self._message,
            "kind_headers": self._headers,
        }
        return type(name if name.isidentifier() else f"Error{name}", (KnownError,), space)


def error(code: str) -> ErrorBuilder:
    """Begin a kind of error that the application names once, to be raised where it happens.

    `CatNotFound = error("CAT_NOT_FOUND").status(404).message("no such cat").build()`, `raise CatNotFound(id=7)`. The
    code is a word for programs; it is sent as `code` beside the message. Raises `ValueError` for one without a
    letter or digit.
    """
    return ErrorBuilder(code)

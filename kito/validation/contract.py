"""Contracts: what a route answers, held against the types that its schema declares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from ..errors import InvalidAnswer
from ..response import Response
from .decoding import Decoder, Mismatch, decoder_of

__all__ = ("ContractResponse", "contract_class")


class Contract:
    """The types of the answers of one route, by status."""

    def __init__(self, types: Mapping[int | None, Any]) -> None:
        self._decoders: dict[int | None, Decoder] = {status: decoder_of(type_) for status, type_ in types.items()}

    def apply(self, status: int, value: Any) -> Any:
        """Return what is sent for a value; raise `InvalidAnswer` when it is not of the type of its status."""
        decoder = self._decoders.get(status)
        if decoder is None and 200 <= status < 300:
            decoder = self._decoders.get(None)
        if decoder is None or isinstance(value, bytes | bytearray | memoryview):
            return value
        try:
            return decoder.from_python(value)
        except Mismatch as error:
            raise InvalidAnswer(f"the answer with status {status} is not what its schema says: {error}") from error


class ContractResponse(Response):
    """A response whose values are held against the contract of its route."""

    __slots__ = ()

    contract: ClassVar[Contract]

    def reset(self) -> Self:
        """Forget everything, the contract too: what an error is answered with is not the route's."""
        super().reset()
        self.__class__ = Response  # type: ignore[assignment] # the same layout, other words
        return self

    def send(self, body: Any = b"") -> None:
        """Answer with a value that the route's schema allows; terminal. Raises `InvalidAnswer`."""
        super().send(self.contract.apply(self.status_code, body))

    def json(self, value: Any) -> None:
        """Answer with a value that the route's schema allows, as JSON; terminal. Raises `InvalidAnswer`."""
        super().json(self.contract.apply(self.status_code, value))


def contract_class(types: Mapping[int | None, Any]) -> type[Response]:
    """Return the class that a route's responses become: their values must be of these types."""
    return type("Response", (ContractResponse,), {"__slots__": (), "contract": Contract(types)})

"""Negotiation: which of several offers a client prefers, by its Accept and Accept-Encoding (RFC 9110 §12.5)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

__all__ = ("Choice", "best_type", "choose_coding", "parse_choices")

MAX_CHOICES: Final = 100  # of one header; those behind them count as absent
_WEIGHT: Final = re.compile(r"(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")  # RFC 9110 §12.4.2


class Choice(NamedTuple):
    """One member of an Accept header: what it names, in lower case, its parameters, and its weight from 0 to 1."""

    name: str
    parameters: tuple[str, ...]
    weight: float


def parse_choices(header: str) -> list[Choice]:
    """Return the members of a header such as Accept, in their order; what is malformed is left out."""
    choices = []
    for member in header.split(",")[:MAX_CHOICES]:
        name, *words = [word.strip().lower() for word in member.split(";")]
        weight = 1.0
        parameters = []
        for word in words:
            key, _, value = word.partition("=")
            if key.strip() != "q":
                parameters.append(word.replace(" ", ""))
            elif _WEIGHT.fullmatch(value.strip()):
                weight = float(value)
            else:
                name = ""
        if name:
            choices.append(Choice(name, tuple(parameters), weight))
    return choices


def best_type(header: str | None, offers: Sequence[str]) -> str | None:
    """Return the offered media type that an Accept header likes best, the first of several; None: none at all.

    Without a header everything is fine. For each offer the most specific member counts (§12.5.1).
    """
    if header is None or not header.strip():
        return offers[0] if offers else None
    choices = parse_choices(header)
    weighed = [(_type_weight(choices, offer), -place, offer) for place, offer in enumerate(offers)]
    best = max(weighed, default=(0.0, 0, ""))
    return best[2] if best[0] > 0 else None


def _type_weight(choices: Iterable[Choice], offer: str) -> float:
    kind, *parameters = [word.strip().lower() for word in offer.split(";")]
    given = {parameter.replace(" ", "") for parameter in parameters}
    found = (-1, 0.0)
    for choice in choices:
        if choice.name == kind and given.issuperset(choice.parameters):
            specific = 2 + len(choice.parameters)
        elif choice.name == f"{kind.partition('/')[0]}/*":
            specific = 1
        elif choice.name == "*/*":
            specific = 0
        else:
            continue
        found = max(found, (specific, choice.weight))
    return found[1]


def choose_coding(accepted: Iterable[str], known: Iterable[str]) -> str | None:
    """Return which of `known`, the preferred one first, a request with these Accept-Encoding lines wants; None: none.

    The client's q-values decide, then our order. A coding with q=0 is refused, `*` is every one that is not named,
    and what cannot be read is not accepted (RFC 9110 §12.5.3).
    """
    choices = parse_choices(",".join(accepted))
    weights = {"gzip" if choice.name == "x-gzip" else choice.name: choice.weight for choice in choices}
    rest = weights.get("*", 0.0)
    best, best_weight = None, 0.0
    for coding in known:
        weight = weights.get(coding, rest)
        if weight > best_weight:
            best, best_weight = coding, weight
    return None if weights.get("identity", 0.0) > best_weight else best

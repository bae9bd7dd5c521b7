"""Arguments against a signature: every problem at once, each in words a client can act on."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from mist_domain.signatures.types import describe

Signature = Mapping[str, Mapping[str, Any]]

ABSENT = object()
WRONG_ITEMS_NAMED = 3
ACCEPTED: Mapping[str, frozenset[type]] = {
    "MBoolean": frozenset({bool}),
    "MInt": frozenset({int}),
    "MDouble": frozenset({int, float}),
    "MString": frozenset({str}),
}


def check_arguments(signature: Signature, arguments: Mapping[str, Any]) -> list[str]:
    """List the problems of `arguments`, in the order of the signature; empty when the job can run with them.

    An integer is a valid `MDouble`; a boolean is no number. Null counts as left out, except for `MAny`. Arguments that
    the signature does not name are ignored, as in the original Mist: the job does not see them.
    """
    return [
        problem
        for name, kind in signature.items()
        for problem in _problems(f'"{name}"', kind, arguments.get(name, ABSENT))
    ]


def known_arguments(signature: Signature, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments the job takes: those its signature names and the client gave."""
    return {
        name: arguments[name]
        for name, kind in signature.items()
        if name in arguments and (arguments[name] is not None or kind["type"] == "MAny")
    }


def _problems(place: str, kind: Mapping[str, Any], value: object) -> Iterator[str]:
    match kind["type"], value:
        case "MOption", _:
            if value is not None and value is not ABSENT:
                yield from _problems(place, kind["args"][0], value)
        case "MAny", _ if value is not ABSENT:
            return
        case "MList", list():
            yield from _wrong_items(kind["args"][0], value, ((f"{place}[{at}]", one) for at, one in enumerate(value)))
        case "MMap", dict():
            yield from _wrong_items(kind["args"][1], value.values(), ((f"{place}.{k}", v) for k, v in value.items()))
        case "MObj", dict():
            for name, field in kind.get("fields", {}).items():
                yield from _problems(f"{place}.{name}", field, value.get(name, ABSENT))
        case name, _ if value is None or value is ABSENT:
            yield f"{place} is missing: {describe(kind)} is needed"
        case name, _ if type(value) not in ACCEPTED.get(name, frozenset()):
            yield f"{place} must be {describe(kind)}, not {_shown(value)}"


def _wrong_items(
    kind: Mapping[str, Any], values: Iterable[object], placed: Iterable[tuple[str, object]]
) -> Iterator[str]:
    """The first few that are wrong. A long list of the right simple type is accepted at the speed of `set`."""
    accepted = ACCEPTED.get(kind["type"])
    if kind["type"] == "MAny" or (accepted is not None and accepted.issuperset(map(type, values))):
        return
    yield from islice((problem for place, value in placed for problem in _item(place, kind, value)), WRONG_ITEMS_NAMED)


def _item(place: str, kind: Mapping[str, Any], value: object) -> Iterator[str]:
    if value is None and kind["type"] != "MOption":
        yield f"{place} must be {describe(kind)}, not null"
    else:
        yield from _problems(place, kind, value)


def _shown(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value) if abs(value) < 1e15 else "a number"
        case str():
            return f'the string "{value if len(value) <= 40 else value[:40] + "…"}"'
        case list():
            return "a list"
        case _:
            return "an object"

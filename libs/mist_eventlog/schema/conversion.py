"""Dataclasses to the dicts that Avro writes, and back. The steps for a class are made once, from its annotations."""

import dataclasses
import operator
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

Convert = Callable[[Any], Any]


class SchemaMismatchError(ValueError):
    """A value that the Avro schema allows and the record's type does not."""


def to_dict(record: type) -> Convert:
    """A function that makes the dict of a record of this class."""
    names = tuple(field.name for field in dataclasses.fields(record))
    values = operator.attrgetter(*names) if len(names) > 1 else _only(names[0])
    nested = _nested(record, _outward)

    def convert(instance: Any) -> dict[str, Any]:
        content = dict(zip(names, values(instance), strict=True))
        for name, change in nested:
            content[name] = change(content[name])
        return content

    return convert


def from_dict(record: type) -> Convert:
    """A function that makes a record of this class from a dict, which it changes. Raises `SchemaMismatchError`."""
    nested = _nested(record, _inward)

    def convert(content: dict[str, Any]) -> Any:
        for name, change in nested:
            content[name] = change(content[name])
        return record(**content)

    return convert if nested else lambda content: record(**content)


def _only(name: str) -> Convert:
    return lambda instance: (getattr(instance, name),)


def _nested(record: type, direction: Callable[[Any, str], Convert | None]) -> tuple[tuple[str, Convert], ...]:
    hints = typing.get_type_hints(record)
    found = ((field.name, direction(hints[field.name], field.name)) for field in dataclasses.fields(record))
    return tuple((name, change) for name, change in found if change is not None)


def _outward(hint: Any, name: str) -> Convert | None:
    """A function that writes a value of this annotation; `None` for a value that is written as it is."""
    arguments = typing.get_args(hint)
    match _kind(hint):
        case "record":
            return to_dict(hint)
        case "optional":
            return _unless_none(_outward(_present(arguments), name))
        case "tuple":
            change = _outward(arguments[0], name)
            return list if change is None else lambda values: [change(value) for value in values]
        case "mapping":
            return dict
        case _:
            return None


def _inward(hint: Any, name: str) -> Convert | None:
    """A function that reads a value of this annotation; `None` for a value that is used as it is."""
    arguments = typing.get_args(hint)
    match _kind(hint):
        case "record":
            return from_dict(hint)
        case "optional":
            return _unless_none(_inward(_present(arguments), name))
        case "tuple":
            change = _inward(arguments[0], name)
            return tuple if change is None else lambda values: tuple([change(value) for value in values])
        case "literal":
            return _member_of(frozenset(arguments), name)
        case _:
            return None


def _kind(hint: Any) -> str:
    if dataclasses.is_dataclass(hint):
        return "record"
    match typing.get_origin(hint):
        case types.UnionType | typing.Union:
            return "optional"
        case origin if origin is tuple:
            return "tuple"
        case origin if origin is typing.Literal:
            return "literal"
        case origin if isinstance(origin, type) and issubclass(origin, Mapping):
            return "mapping"
        case _:
            return "plain"


def _present(arguments: tuple[Any, ...]) -> Any:
    return next(argument for argument in arguments if argument is not types.NoneType)


def _unless_none(change: Convert | None) -> Convert | None:
    return None if change is None else lambda value: None if value is None else change(value)


def _member_of(allowed: frozenset[Any], name: str) -> Convert:
    def check(value: Any) -> Any:
        if value not in allowed:
            raise SchemaMismatchError(f"{name} is {value!r}, not one of {', '.join(sorted(allowed))}")
        return value

    return check

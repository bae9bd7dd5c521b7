"""A job's arguments as they are typed: `numbers=[1,2] name=Ann`."""

import json
from collections.abc import Iterable, Mapping
from typing import Any


class ArgumentSyntaxError(ValueError):
    """An argument is no `name=value`; the text says which."""


def read_arguments(words: Iterable[str], signature: Mapping[str, Any]) -> dict[str, Any]:
    """Values are JSON where they are JSON, else text; what the signature wants as text stays text."""
    return dict(_read(word, signature) for word in words)


def _read(word: str, signature: Mapping[str, Any]) -> tuple[str, Any]:
    name, equals, text = word.partition("=")
    if not equals or not name:
        raise ArgumentSyntaxError(f"{word!r} is no argument: write name=value, such as numbers='[1, 2]'")
    if _is_text(signature.get(name, {})):
        return name, text
    try:
        return name, json.loads(text)
    except ValueError:
        return name, text


def _is_text(kind: Mapping[str, Any]) -> bool:
    if kind.get("type") == "MOption":
        return _is_text(kind["args"][0])
    return kind.get("type") == "MString"

"""Fields of an endpoint or a context as clients and files write them, read one by one.

Every refusal names what is described, the field, what it is, and what it must be.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from mist_domain.errors import RefusalError
from mist_domain.facts.registry import NAME_RULE, is_name
from mist_domain.wire.durations import ALLOWED, parse_duration

_ABSENT = object()


class Fields:
    """`of` says whose fields these are, in messages."""

    def __init__(self, of: str, body: Mapping[str, Any]) -> None:
        self.of = of
        self._body = body

    def refuse_others(self, known: Iterable[str]) -> None:
        """Where a field that nobody knows is a slip of the pen."""
        known = sorted(known)
        for name in self._body:
            if name not in known:
                raise RefusalError("bad_field", f"{self.of}: there is no field {name!r}; there are {', '.join(known)}.")

    def text(self, name: str, default: str | None = None) -> str:
        value = self._get(name, _ABSENT if default is None else default)
        if value is _ABSENT:
            raise RefusalError("bad_field", f"{self.of}: {name} is missing; it must be a string.")
        if not isinstance(value, str):
            raise self.refused(name, "a string")
        return value

    def filled_text(self, name: str) -> str:
        text = self.text(name).strip()
        if not text:
            raise self.refused(name, "a string that is not empty")
        return text

    def name(self, name: str, default: str | None = None) -> str:
        text = self.text(name, default)
        if not is_name(text):
            raise self.refused(name, NAME_RULE)
        return text

    def choice(self, name: str, allowed: Mapping[str, Any], default: Any) -> Any:
        value = self._get(name, _ABSENT)
        if value is _ABSENT:
            return default
        if not isinstance(value, str) or value not in allowed:
            raise self.refused(name, " or ".join(repr(one) for one in allowed))
        return allowed[value]

    def flag(self, name: str, *, default: bool) -> bool:
        value = self._get(name, default)
        if not isinstance(value, bool):
            raise self.refused(name, "true or false")
        return value

    def count(self, name: str, default: int, *, least: int) -> int:
        value = self._get(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value < 2**31:
            raise self.refused(name, f"a whole number, {least} or more")
        return value

    def duration(self, name: str, default: int | None) -> int | None:
        """Milliseconds; `None` for "Inf"."""
        value = self._get(name, _ABSENT)
        if value is _ABSENT:
            return default
        if not isinstance(value, str):
            raise self.refused(name, ALLOWED)
        try:
            return parse_duration(value)
        except ValueError as error:
            raise self.refused(name, ALLOWED) from error

    def texts(self, name: str, default: tuple[str, ...]) -> tuple[str, ...]:
        value = self._get(name, default)
        if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
            raise self.refused(name, "a list of strings")
        return tuple(value)

    def settings(self, name: str, default: Mapping[str, str]) -> Mapping[str, str]:
        """Spark settings: a flat object; numbers and booleans are taken as Spark writes them."""
        value = self._get(name, default)
        if not isinstance(value, Mapping):
            raise self.refused(name, "an object of Spark settings")
        return {str(key): self._setting(f"{name}.{key}", one) for key, one in value.items()}

    def _setting(self, name: str, value: Any) -> str:
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, str | int | float):
            return str(value)
        raise RefusalError("bad_field", f"{self.of}: {name} is {str(value)[:80]}; it must be a string or a number.")

    def _get(self, name: str, default: Any) -> Any:
        value = self._body.get(name)
        return default if value is None else value

    def refused(self, name: str, allowed: str) -> RefusalError:
        found = str(self._body.get(name))[:80]
        return RefusalError("bad_field", f"{self.of}: {name} is {found!r}; it must be {allowed}.")

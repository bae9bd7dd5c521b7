"""Types of single values, and the sentence for a value that does not fit.

Each type carries a `MustBe`, the words for its allowed values. So every refusal reads alike, in a query or a body:
`maxJobs is '0'; it must be a whole number, 1 or more.`
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, GetCoreSchemaHandler, ValidationError, WithJsonSchema
from pydantic_core import CoreSchema, ErrorDetails, PydanticCustomError, core_schema

from mist_domain.facts import registry
from mist_domain.wire import durations
from mist_gateway.projection.job_index import STATUSES

MAX_NAMED = 10
"""Errors that a refusal names: a body may have any number of them, and the sentence must not grow with it."""
_LONGEST_NAME = 80
_UNKNOWN = {"extra_forbidden", "invalid_key"}
_FLAGS = {
    **dict.fromkeys(("true", "yes", "1", "on"), True),
    **dict.fromkeys(("false", "no", "0", "off"), False),
}
_DIGITS = re.compile(r"[0-9]{1,18}")
_OLD_STATUSES = {
    "cancelled": "canceled",
    "running": "started",
    "stopped": "finished",
    "aborted": "canceled",
    "error": "failed",
}


@dataclass(frozen=True, slots=True)
class MustBe:
    """Annotation of a type: whatever is wrong with a value, the refusal names the `allowed` values.

    `code` is the error code; without it, the code names the parameter: `bad_limit`.
    """

    allowed: str
    code: str | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_wrap_validator_function(self._check, handler(source))

    def _check(self, value: Any, validate: Callable[[Any], Any]) -> Any:
        try:
            return validate(value)
        except ValidationError as error:
            if error.errors()[0]["type"] == "must_be":
                raise
            raise PydanticCustomError("must_be", "{allowed}", {"allowed": self.allowed, "code": self.code}) from None


def _name(text: str) -> str:
    if not registry.is_name(text):
        raise ValueError(registry.NAME_RULE)
    return text


def _one_of(words: Mapping[str, str]) -> Callable[[Any], str]:
    def read(text: Any) -> str:
        if not isinstance(text, str) or text not in words:
            raise ValueError(f"one of {', '.join(words)}")
        return words[text]

    return read


def _milliseconds(text: Any) -> int | None:
    return durations.parse_duration(text if isinstance(text, str) else "")


def _flag(text: Any) -> bool:
    word = str(text).lower()
    if word not in _FLAGS:
        raise ValueError(f"one of {', '.join(_FLAGS)}")
    return _FLAGS[word]


def _digits(text: Any) -> int:
    if not isinstance(text, str) or _DIGITS.fullmatch(text) is None:
        raise ValueError("digits")
    return int(text)


def _status(text: Any) -> str:
    word = str(text).lower()
    return _one_of({status: status for status in STATUSES})(_OLD_STATUSES.get(word, word))


def _filled(text: str) -> str:
    if not text.strip():
        raise ValueError("not empty")
    return text.strip()


def _spark_setting(value: Any) -> str:
    """The value as Spark writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise ValueError("a string or a number")


def _object(value: Any) -> Any:
    return {str(key): inner for key, inner in value.items()} if isinstance(value, Mapping) else value


_DURATION_SCHEMA = WithJsonSchema({"type": "string", "examples": ["500ms", "10s", "5m", "2h", "1d", "Inf"]})
_COUNT_RULE = "a whole number, {} or more"

Text = Annotated[str, Field(strict=True), MustBe("a string")]
FilledText = Annotated[str, Field(strict=True), AfterValidator(_filled), MustBe("a string that is not empty")]
Texts = Annotated[tuple[Annotated[str, Field(strict=True)], ...], MustBe("a list of strings")]
YesNo = Annotated[bool, Field(strict=True), MustBe("true or false")]
Count = Annotated[int, Field(strict=True, ge=0, lt=2**31), MustBe(_COUNT_RULE.format(0))]
PositiveCount = Annotated[int, Field(strict=True, ge=1, lt=2**31), MustBe(_COUNT_RULE.format(1))]
SparkSettings = Annotated[
    dict[str, Annotated[str, BeforeValidator(_spark_setting), MustBe("a string or a number")]], BeforeValidator(_object)
]
NameField = Annotated[Text, AfterValidator(_name), MustBe(registry.NAME_RULE)]
NameParameter = Annotated[str, AfterValidator(_name), MustBe(registry.NAME_RULE, code="bad_name")]
Mode = Annotated[registry.Mode, BeforeValidator(_one_of(registry.MODE_WORDS)), MustBe("'shared' or 'exclusive'")]
Duration = Annotated[int | None, BeforeValidator(_milliseconds), _DURATION_SCHEMA, MustBe(durations.ALLOWED)]
"""Milliseconds; `None` for "Inf", without limit."""

Flag = Annotated[
    bool,
    BeforeValidator(_flag),
    WithJsonSchema({"type": "boolean"}),
    MustBe("one of true, false, yes, no, 1, 0, on, off"),
]
"""A boolean of a query."""

Digits = Annotated[
    int,
    BeforeValidator(_digits),
    WithJsonSchema({"type": "integer", "minimum": 0}),
    MustBe(_COUNT_RULE.format(0)),
]
StatusWord = Annotated[
    str,
    BeforeValidator(_status),
    WithJsonSchema({"type": "string", "enum": list(STATUSES)}),
    MustBe(f"one of {', '.join(STATUSES)}", code="bad_status"),
]
"""A status as clients know it; older words of the original are understood."""


def explain_parameters(errors: Sequence[ErrorDetails]) -> tuple[str, str]:
    """The code of the first error and one sentence for each, of a query, path or header that does not fit."""
    code = errors[0].get("ctx", {}).get("code") or f"bad_{_field(errors[0]['loc'][1:])}"
    return code, " ".join(_sentences(errors, skip=1))


def explain_fields(errors: Sequence[ErrorDetails], subject: str, allowed: Sequence[str]) -> str:
    """One sentence for each error in the fields of `subject`; `allowed` are the names of all its fields."""
    unknown = [error for error in errors if error["type"] in _UNKNOWN]
    sentences = _sentences([error for error in errors if error["type"] not in _UNKNOWN])
    if unknown:
        names = " or ".join(repr(str(error["loc"][0])[:_LONGEST_NAME]) for error in unknown[:MAX_NAMED])
        sentences.append(f"there is no field {names}; there are {', '.join(sorted(allowed))}.")
    return f"{subject}: {' '.join(sentences)}"


def _sentences(errors: Sequence[ErrorDetails], *, skip: int = 0) -> list[str]:
    """One sentence for each of the first errors; `skip` parts of their places name no field."""
    sentences = [_sentence(error, error["loc"][skip:]) for error in errors[:MAX_NAMED]]
    more = len(errors) - MAX_NAMED
    return [*sentences, f"And {more} more."] if more > 0 else sentences


def _sentence(error: ErrorDetails, place: tuple[int | str, ...]) -> str:
    field = _field(place)
    match error["type"]:
        case "missing":
            return f"{field} is missing."
        case "must_be":
            return f"{field} is {str(error['input'])[:80]!r}; it must be {error['ctx']['allowed']}."
        case "dict_type":
            return f"{field} is {str(error['input'])[:80]!r}; it must be an object."
        case _:
            return f"{field} is {str(error['input'])[:80]!r}: {error['msg']}."


def _field(place: tuple[int | str, ...]) -> str:
    """The name of a field, such as `sparkConf.spark.master`, without indexes of repeated parameters."""
    return ".".join(part[:_LONGEST_NAME] for part in place if isinstance(part, str))

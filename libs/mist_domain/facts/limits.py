"""Every limit that more than one part of Mist keeps. Bytes are bytes of UTF-8; durations are milliseconds."""

MAX_NAME_LENGTH = 128
"""Characters in the name of an endpoint, a context or an artifact."""
MAX_LABEL_BYTES = 1_000
"""Each text of a start request but its parameters: request id, external id, names, source."""
MAX_REQUEST_BYTES = 512_000
"""A start request as it arrives or is encoded."""
MAX_JSON_DEPTH = 100
"""Levels of nested objects and lists in any JSON text."""
MIN_PRIORITY, MAX_PRIORITY = -(2**31), 2**31 - 1
"""An Avro `int`."""
MAX_DURATION = 2**53 - 1
"""The greatest whole number that every JSON reader keeps exact."""
MAX_RESULT_BYTES = 4_000_000
"""The greatest result limit that can be set; JSON text."""
MAX_ERROR_BYTES = 64_000
"""A job's error, its detail and its traceback, each."""
MAX_SOURCE_BYTES = 10_000_000
"""A source file that is read for its signature."""
MAX_LOG_BYTES = 4_000_000
"""A job's log as one answer; the last lines are kept."""
MAX_QUEUED = 100_000
"""Waiting jobs in all contexts together."""

CUT_MARK = " … (cut here)"


def cut_text(text: str, limit: int = MAX_ERROR_BYTES) -> str:
    """The beginning of the text, at most `limit` bytes with the mark of the cut; lone surrogates become `?`."""
    if text.isascii() and len(text) <= limit:
        return text
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= limit:
        return encoded.decode()
    return encoded[: limit - len(CUT_MARK.encode())].decode("utf-8", "ignore") + CUT_MARK

"""Scopes: three of them, each with all of the one before, and the scope that each route needs. No I/O."""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum

API = "/v2/api/"


class Access(IntEnum):
    """`READ` sees everything; `RUN` also starts and cancels jobs; `ADMIN` also changes all else."""

    READ = 1
    RUN = 2
    ADMIN = 3


WORDS: Mapping[str, Access] = {access.name.lower(): access for access in Access}

OPEN = ("/livez", "/readyz", "/metrics", "/docs", "/openapi.json", "/asyncapi.json")
"""Paths without a token: documents, probes and metrics, none of which shows a job."""

_RUNS = frozenset({("POST", "endpoints"), ("POST", "functions"), ("DELETE", "jobs")})


@dataclass(frozen=True, slots=True)
class Caller:
    """The client, by the name of its token."""

    name: str
    access: Access


@dataclass(frozen=True, slots=True)
class Token:
    """A static token, kept only as its SHA-256."""

    name: str
    access: Access
    sha256: bytes


def needed(method: str, path: str) -> Access | None:
    """The scope that a request needs; `None` for a path open to everybody."""
    if method == "OPTIONS" or path in OPEN:
        return None
    if method in {"GET", "HEAD"} or not path.startswith(API):
        return Access.READ
    kind, *rest = path.removeprefix(API).split("/")
    return Access.RUN if rest and (method, kind) in _RUNS else Access.ADMIN


def granted(scopes: Iterable[str]) -> Access | None:
    """The greatest of the scopes; unknown words are ignored."""
    return max((WORDS[scope] for scope in scopes if scope in WORDS), default=None)


def read_tokens(text: str) -> list[Token]:
    """Tokens, one a line: `NAME SCOPE SHA256`; empty lines and comments (#) are ignored. Raises `ValueError`."""
    lines = (line.strip() for line in text.splitlines())
    return [_token(number, line) for number, line in enumerate(lines, 1) if line and not line.startswith("#")]


def find_token(tokens: Iterable[Token], given: str) -> Caller | None:
    """The caller whose token it is. Compares with all of them, so that the time taken tells nothing."""
    digest = hashlib.sha256(given.encode()).digest()
    found = [token for token in tokens if hmac.compare_digest(token.sha256, digest)]
    return Caller(found[0].name, found[0].access) if found else None


def _token(number: int, line: str) -> Token:
    parts = line.split()
    try:
        name, scope, sha256 = parts
        digest = bytes.fromhex(sha256)
        access = WORDS[scope]
    except (ValueError, KeyError):
        digest, access, name = b"", Access.READ, ""
    if len(digest) != hashlib.sha256().digest_size:
        raise ValueError(f"line {number} is no token: it must be NAME, one of {', '.join(WORDS)}, and a SHA-256 in hex")
    return Token(name, access, digest)

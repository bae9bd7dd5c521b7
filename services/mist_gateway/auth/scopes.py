"""Who may do what: three scopes, each with all of the one before, and which route asks for which. Opens nothing."""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum

API = "/v2/api/"


class Access(IntEnum):
    """`READ`: see everything; `RUN`: start and cancel jobs, too; `ADMIN`: endpoints, contexts, artifacts, workers, too."""

    READ = 1
    RUN = 2
    ADMIN = 3


WORDS: Mapping[str, Access] = {access.name.lower(): access for access in Access}

OPEN = ("/livez", "/readyz", "/metrics", "/docs", "/openapi.json", "/asyncapi.json")
"""What tells nothing of any job, and what probes and Prometheus ask for."""

_RUNS = frozenset({("POST", "endpoints"), ("POST", "functions"), ("DELETE", "jobs")})


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, by the name of the token."""

    name: str
    access: Access


@dataclass(frozen=True, slots=True)
class Token:
    """A static token as it is kept: never itself, only its SHA-256."""

    name: str
    access: Access
    sha256: bytes


def needed(method: str, path: str) -> Access | None:
    """What a request asks for; `None` for what is open to everybody."""
    if method == "OPTIONS" or path in OPEN:
        return None
    if method in {"GET", "HEAD"} or not path.startswith(API):
        return Access.READ
    kind, *rest = path.removeprefix(API).split("/")
    return Access.RUN if rest and (method, kind) in _RUNS else Access.ADMIN


def granted(scopes: Iterable[str]) -> Access | None:
    """The greatest of them; words that are none of ours mean nothing."""
    return max((WORDS[scope] for scope in scopes if scope in WORDS), default=None)


def read_tokens(text: str) -> list[Token]:
    """One token a line: `NAME SCOPE SHA256`; empty lines and those with # say nothing. Raises `ValueError`."""
    lines = (line.strip() for line in text.splitlines())
    return [_token(number, line) for number, line in enumerate(lines, 1) if line and not line.startswith("#")]


def find_token(tokens: Iterable[Token], given: str) -> Caller | None:
    """Whose token it is. Takes as long for each that is none."""
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

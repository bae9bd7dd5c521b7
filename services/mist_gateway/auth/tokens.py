"""Bearer tokens: static ones from a file, or signed ones (JWT) checked against a key set. Both follow changes."""

import asyncio
import json
from pathlib import Path
from typing import Any

import jwt
import structlog

from mist_gateway.auth.scopes import Caller, Token, find_token, granted, read_tokens

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Asymmetric signatures only: a key set is public, so a shared secret in it would be none."""

_NAMES = ("sub", "client_id", "azp")

log = structlog.get_logger("mist.gateway")


class TokenFile:
    """A file of static tokens, checked for changes at each request. A broken file is logged; the last good one counts."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = (0, 0)
        self._tokens: list[Token] = read_tokens(path.read_text())

    async def find(self, given: str) -> Caller | None:
        try:
            self._read_changes()
        except (OSError, ValueError) as error:
            log.error("tokens-unreadable", reason=str(error))  # noqa: TRY400 - the reason says all
        return find_token(self._tokens, given)

    def _read_changes(self) -> None:
        status = self._path.stat()
        stamp = status.st_mtime_ns, status.st_size
        if stamp != self._stamp:
            self._stamp = stamp
            self._tokens = read_tokens(self._path.read_text())


class SignedTokens:
    """Tokens signed by a key of `keys`, a file or URL of a JWKS. The claim `scope` is a list, or words in one string."""

    def __init__(self, keys: str, audience: str | None, issuer: str | None) -> None:
        self._audience = audience
        self._issuer = issuer
        self._keys = jwt.PyJWKClient(keys, lifespan=300, timeout=5) if "://" in keys else Path(keys)

    async def find(self, given: str) -> Caller | None:
        """The caller whose token it is; `None` for a token that is not valid now."""
        try:
            claims = await asyncio.to_thread(self._claims, given)
        except (jwt.PyJWTError, OSError, ValueError) as error:
            log.info("token-refused", reason=str(error))
            return None
        scope = claims.get("scope", "")
        access = granted(scope.split() if isinstance(scope, str) else map(str, scope))
        name = next((str(claims[claim]) for claim in _NAMES if claim in claims), "unnamed")
        return None if access is None else Caller(name, access)

    def _claims(self, given: str) -> dict[str, Any]:
        return jwt.decode(
            given,
            self._key(given),
            algorithms=ALGORITHMS,
            audience=self._audience,
            issuer=self._issuer,
            options={"require": ["exp"], "verify_aud": self._audience is not None},
        )

    def _key(self, given: str) -> Any:
        if isinstance(self._keys, jwt.PyJWKClient):
            return self._keys.get_signing_key_from_jwt(given)
        keys = jwt.PyJWKSet.from_dict(json.loads(self._keys.read_text()))
        name = jwt.get_unverified_header(given).get("kid")
        found = [key for key in keys.keys if name is None or key.key_id == name]
        if not found:
            raise ValueError(f"the key set has no key {name!r}")
        return found[0]

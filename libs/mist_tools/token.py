"""`python -m mist_tools.token NAME SCOPE`: make a token for a client, and its line for MIST_TOKENS_FILE."""

import hashlib
import secrets
from typing import Annotated

import typer

from mist_domain.facts.registry import NAME_RULE, is_name
from mist_gateway.auth.scopes import WORDS


def new_token(
    name: Annotated[str, typer.Argument(help="Name of the client.")],
    scope: Annotated[str, typer.Argument(help=f"One of {', '.join(WORDS)}.")],
) -> None:
    """Make a token. It is printed once and stored nowhere; the gateway keeps its SHA-256 alone."""
    if scope not in WORDS or not is_name(name):
        raise typer.BadParameter(f"NAME must be {NAME_RULE}; SCOPE one of {', '.join(WORDS)}")
    token = secrets.token_urlsafe(32)
    typer.echo(f"token, for the client:       {token}")
    typer.echo(f"line, for MIST_TOKENS_FILE:  {name} {scope} {hashlib.sha256(token.encode()).hexdigest()}")


if __name__ == "__main__":
    typer.run(new_token)

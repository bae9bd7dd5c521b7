"""`python -m mist_tools.token`: its line lets exactly its token in."""

import pytest
import typer
from typer.testing import CliRunner

from mist_gateway.auth.scopes import WORDS, Caller, find_token, read_tokens
from mist_tools.token import new_token


def run(*arguments: str) -> tuple[int, str]:
    app = typer.Typer()
    app.command()(new_token)
    ended = CliRunner().invoke(app, arguments)
    return ended.exit_code, ended.stdout


@pytest.mark.parametrize("scope", WORDS)
def test_the_line_admits_the_token_with_its_name_and_scope(scope: str) -> None:
    """The gateway's own reader accepts the line; it finds the token and no other."""
    code, output = run("ann", scope)
    token, line = (text.partition(":")[2].strip() for text in output.splitlines())
    assert code == 0
    assert token not in line
    assert find_token(read_tokens(line), token) == Caller("ann", WORDS[scope])
    assert find_token(read_tokens(line), token + "x") is None


def test_no_two_tokens_are_the_same() -> None:
    assert run("ann", "read")[1] != run("ann", "read")[1]


@pytest.mark.parametrize("arguments", [("ann", "root"), ("a b", "read"), ("..", "read"), ("ann",)])
def test_a_wrong_name_or_scope_makes_no_token(arguments: tuple[str, ...]) -> None:
    code, output = run(*arguments)
    assert (code, output) == (2, "")

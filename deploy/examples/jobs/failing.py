"""Fails, to show how a failure looks."""


def failing(message: str):
    raise ValueError(message)

"""A file that does not load."""

# mypy: ignore-errors

import a_module_that_is_not_there


def job():
    return {}

"""Errors that keep Mist from running here, as sentences to show."""


class CannotRunError(Exception):
    """Mist cannot be started on this machine now; the text says why and what to do."""

"""What keeps Mist from running here, as a sentence to show."""


class CannotRun(Exception):  # noqa: N818
    """Mist cannot be started on this machine now; the text says why and what to do."""

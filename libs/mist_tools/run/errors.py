"""What keeps Mist from running here, as a sentence to show."""


class CannotRunError(Exception):
    """Mist cannot be started on this machine now; the text says why and what to do."""

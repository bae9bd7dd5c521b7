"""What goes wrong with a local broker, as a sentence to show."""


class NoKafka(Exception):  # noqa: N818
    """The local broker cannot run; the text says why and what to do."""

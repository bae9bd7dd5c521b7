"""What goes wrong with a local broker, as a sentence to show."""


class LocalKafkaError(Exception):
    """The local broker cannot run; the text says why and what to do."""

"""Errors of a local broker, as sentences to show."""


class LocalKafkaError(Exception):
    """The local broker cannot run; the text says why and what to do."""

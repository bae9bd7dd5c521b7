"""Errors of the log. Poison goes to the dead letters, a pending schema is waited for, the others end the process."""


class PoisonError(Exception):
    """A record that cannot be decoded; `reason` goes into its dead letter."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SchemaPendingError(Exception):
    """A record's schema is being fetched from the registry: wait by `Codec.schema_known`, then decode it again."""

    def __init__(self, number: int) -> None:
        super().__init__(f"schema {number} of the schema registry is not fetched yet")


class OutageError(Exception):
    """Kafka did not answer as it should. Records under way may or may not be in the log: exit, restart, replay."""


class LogResetError(Exception):
    """A topic was recreated under a reader, whose state no longer matches the log: exit and restart."""

"""The ways in which the log says no. Poison goes to the dead letters; the other two end the process."""


class PoisonError(Exception):
    """A record's bytes that cannot be understood; `reason` says why, for the dead letter."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SchemaPendingError(Exception):
    """A record's schema is being fetched from the registry: wait by `Codec.schema_known`, then decode it again."""

    def __init__(self, number: int) -> None:
        super().__init__(f"schema {number} of the schema registry is not fetched yet")


class OutageError(Exception):
    """Kafka did not answer, or not as it should. What was appended may or may not stand: exit, restart, replay."""


class LogResetError(Exception):
    """A topic was made anew under a reader: what it has folded is no longer what the log says. Exit and restart."""

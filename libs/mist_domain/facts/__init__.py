"""The records of the log, as frozen dataclasses."""

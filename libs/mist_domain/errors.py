"""Refusals: what a client asked for and cannot have. Each has a stable code; the text says what to do."""


class RefusalError(Exception):
    """A request that cannot be carried out. `code` is stable and part of the interface."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

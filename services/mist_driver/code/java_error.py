"""What the Java code of a job threw."""


class JavaError(Exception):
    """What the job's Java code threw; `kind` is its class, `trace` its stack trace."""

    def __init__(self, kind: str, message: str, trace: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.trace = trace

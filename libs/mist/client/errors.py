"""Errors of the client, one class per kind; the text is Mist's own sentence."""


class MistError(Exception):
    """Base of all errors that Mist, or the connection to it, can cause."""


class RefusedError(MistError):
    """The request cannot be served as it is. `status` is the HTTP status, `code` Mist's word for the reason."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class NotFoundError(RefusedError):
    """There is no such endpoint, job, context, worker or artifact."""


class ConflictError(RefusedError):
    """The name or request id is in use already, with other content."""


class UnauthorizedError(RefusedError):
    """A token is missing, wrong, or not enough."""


class UnreachableError(MistError):
    """No gateway answered, or none could serve, within the client's `patience`."""


class JobTimeoutError(MistError):
    """The job was not over within the time given, and goes on. `job_id` finds it again."""

    def __init__(self, job_id: str, seconds: float) -> None:
        super().__init__(f"job {job_id} is not over after {seconds:g} s; it goes on")
        self.job_id = job_id

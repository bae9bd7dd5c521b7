"""What can go wrong, one class per kind; the text is Mist's own sentence."""


class MistError(Exception):
    """Anything that Mist, or the way to it, answered instead of what was asked for."""


class RefusedError(MistError):
    """The request cannot be served as it is. `status` is the HTTP status, `code` Mist's word for the reason."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class NotFoundError(RefusedError):
    """There is no such endpoint, job, context, worker or artifact."""


class ConflictError(RefusedError):
    """It is there already, with other content."""


class UnauthorizedError(RefusedError):
    """A token is missing, wrong, or not enough."""


class UnreachableError(MistError):
    """No gateway answered, or none could serve, for as long as the client is patient."""


class JobTimeoutError(MistError):
    """The job was not over in the time given; it goes on. `job_id` finds it again."""

    def __init__(self, job_id: str, seconds: float) -> None:
        super().__init__(f"job {job_id} is not over after {seconds:g} s; it goes on")
        self.job_id = job_id

"""Requests that end in an error: one class, one JSON shape."""

from collections.abc import Mapping

from mist_domain.facts.registry import NAME_RULE


class ProblemError(Exception):
    """A request that is answered with an error: `code` is stable, the message gives the reason and what to do."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        job_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers
        self.job_id = job_id

    def body(self) -> dict[str, str]:
        """The JSON object of the answer."""
        body = {"error": self.code, "message": self.message}
        return body if self.job_id is None else {**body, "id": self.job_id}


def bad_request(code: str, message: str) -> ProblemError:
    return ProblemError(400, code, message)


def bad_name(kind: str, name: str) -> ProblemError:
    return bad_request("bad_name", f"{name[:80]!r} cannot name {kind}: a name is {NAME_RULE}.")


def unknown(kind: str, name: str, advice: str) -> ProblemError:
    return ProblemError(404, f"unknown_{kind}", f"There is no {kind} {name[:200]!r}; {advice}.")


def too_large(limit: int) -> ProblemError:
    message = f"The request is larger than {limit} bytes; send less, or a path to the data."
    return ProblemError(413, "too_large", message)


def unavailable(message: str, *, headers: Mapping[str, str] | None = None, job_id: str | None = None) -> ProblemError:
    """503, to be tried again after 2 s."""
    return ProblemError(503, "unavailable", message, headers={"Retry-After": "2", **(headers or {})}, job_id=job_id)


def queue_full(reason: str, *, headers: Mapping[str, str] | None = None, job_id: str | None = None) -> ProblemError:
    """429, to be tried again after 5 s."""
    message = f"The queue is full: {reason}. Send it again later."
    return ProblemError(429, "queue_full", message, headers={"Retry-After": "5", **(headers or {})}, job_id=job_id)

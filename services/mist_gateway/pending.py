"""Start requests that nobody has decided yet: clients see them as jobs that are `initialized`."""

from mist_domain.registry import DEFAULT_CONTEXT, Mode, Registry, find_context, find_endpoint
from mist_domain.requests import Origin, StartRequest, request_hash


def asked_context(request: StartRequest, registry: Registry) -> str:
    """The context a start request names, else its endpoint's default."""
    endpoint = find_endpoint(registry, request.endpoint)
    return request.context or (endpoint.default_context if endpoint else DEFAULT_CONTEXT)


class PendingStart:
    """A start request as it stands in the log. `order` sorts it among the jobs by age."""

    __slots__ = ("job_id", "offset", "order", "partition", "request")

    def __init__(self, job_id: str, request: StartRequest, partition: int, offset: int, time: int) -> None:
        self.job_id = job_id
        self.request = request
        self.partition = partition
        self.offset = offset
        self.order = (time, job_id)

    @property
    def created_at(self) -> int:
        return self.order[0]

    def stands_at(self, origin: Origin) -> bool:
        return (self.partition, self.offset) == (origin.partition, origin.offset)

    def request_hash(self) -> str:
        return request_hash(self.request)

    def context(self, registry: Registry) -> str:
        return asked_context(self.request, registry)

    def mode(self, registry: Registry) -> Mode:
        return self.request.mode or find_context(registry, self.context(registry)).worker_mode

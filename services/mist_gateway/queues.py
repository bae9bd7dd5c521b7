"""How many jobs wait in each context, and when that is too many to take another."""

from collections import Counter
from collections.abc import Iterator, Mapping

from mist_domain.decide import MAX_QUEUED
from mist_domain.registry import Context


class Queues:
    """Waiting: asked for or queued, and not yet given to a host. Kept up to date job by job."""

    def __init__(self) -> None:
        self._contexts: dict[str, str] = {}
        self._counts: Counter[str] = Counter()

    def enter(self, job_id: str, context: str) -> None:
        """The job waits in the context, and in no other."""
        self.leave(job_id)
        self._contexts[job_id] = context
        self._counts[context] += 1

    def leave(self, job_id: str) -> None:
        context = self._contexts.pop(job_id, None)
        if context is None:
            return
        self._counts[context] -= 1
        if not self._counts[context]:
            del self._counts[context]

    def waiting(self) -> Iterator[tuple[str, str]]:
        """Job and context of each, the longest waiting first."""
        return iter(list(self._contexts.items()))

    def lengths(self) -> Mapping[str, int]:
        """How many wait in each context."""
        return dict(self._counts)

    def why_full(self, context: Context, limit: int = MAX_QUEUED) -> str | None:
        """Why the context cannot take another job now, or `None`; `limit` is that of all contexts together."""
        waiting, total = self._counts[context.name], len(self._contexts)
        if waiting >= context.max_queued:
            return f"context {context.name!r} has {waiting} waiting already, as many as its maxQueued allows"
        if total >= limit:
            return f"{total} jobs wait already, as many as Mist keeps waiting in all"
        return None

"""Worker hosts as a scheduler sees them together: which live, what each was given, what each was asked to prepare."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from mist_domain.facts.hosts import HostState
from mist_domain.facts.requests import PrepareWorkerRequest
from mist_domain.job import Job
from mist_domain.scheduling.host_view import HostView

Position = tuple[int, int]
"""Partition and offset of a record on `mist.job-events`."""
_NOWHERE: Position = (0, 1 << 62)


@dataclass(slots=True, eq=False)
class Hosts:
    """`placed` says for each job which of `views` has it; that view's own `placed` has the job, and no other's.

    Silence is counted in ticks at least `pace` ms apart. `assigned_at` is where each open job's assignment is recorded.
    """

    pace: int
    counted_at: int
    views: dict[str, HostView] = field(default_factory=dict)
    placed: dict[str, HostView] = field(default_factory=dict)
    assigned_at: dict[str, Position] = field(default_factory=dict)
    asked_at: dict[tuple[str, str, str], int] = field(default_factory=dict)

    def view(self, host_id: str) -> HostView:
        """The host's view, to change; a host may be named in the log before its first state."""
        view = self.views.get(host_id)
        if view is None:
            view = self.views[host_id] = HostView(host_id)
        return view

    def place(self, job: Job, host_id: str) -> bool:
        """Give the job to the host, and to no other. False when it is there already."""
        view = self.views.get(host_id) or self.view(host_id)
        before = self.placed.get(job.job_id)
        if before is view:
            return False
        if before is not None:
            before.unplace(job.job_id)
        self.placed[job.job_id] = view
        view.place(job)
        return True

    def unplace(self, job_id: str) -> bool:
        """Take the job from its host. True when it had one."""
        view = self.placed.pop(job_id, None)
        if view is None:
            return False
        view.unplace(job_id)
        return True

    def fold(self, state: HostState, *, live: bool, is_deciding: Callable[[str], bool]) -> None:
        """Fold a snapshot of one host; one that another `replaces` is gone."""
        view = self.view(state.host_id)
        view.fold(state, live=live)
        if state.replaces is not None and state.replaces != state.host_id:
            self.view(state.replaces).gone = True
        view.compare(state, lambda job_id: not is_deciding(job_id) and self._has_folded(state, job_id))

    def tick(self, at: int) -> None:
        """Count a tick of silence; forget hosts that are lost and have no job.

        Two schedulers may both tick for a while; a host must not seem silent twice as long for that.
        """
        if at - self.counted_at >= self.pace:
            self.counted_at = at
            for view in self.views.values():
                view.silent += 1
        for host_id in [view.host_id for view in self.views.values() if view.lost and not view.placed]:
            del self.views[host_id]
            self.asked_at = {key: asked for key, asked in self.asked_at.items() if key[0] != host_id}

    def may_ask(self, request: PrepareWorkerRequest, now: int, pause: int) -> bool:
        """True when the host was not asked the like within `pause` ms."""
        asked_at = self.asked_at.get(_key(request))
        return asked_at is None or now - asked_at >= pause

    def asked(self, requests: Iterable[PrepareWorkerRequest], now: int) -> None:
        """Remember what hosts are asked at `now` (ms)."""
        for request in requests:
            self.asked_at[_key(request)] = now

    def _has_folded(self, state: HostState, job_id: str) -> bool:
        """True when the host had read the job's assignment before it said what it holds."""
        partition, offset = self.assigned_at.get(job_id, _NOWHERE)
        return partition < len(state.offsets) and state.offsets[partition] >= offset


def _key(request: PrepareWorkerRequest) -> tuple[str, str, str]:
    return request.host_id, request.context.name, request.mode

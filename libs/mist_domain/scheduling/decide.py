"""Requests to events: what a scheduler says to one request, given all it knows. Decides, appends nothing."""

import json
from dataclasses import dataclass

from mist_domain.facts.job_events import JobCancelRequested, JobFailed, JobInitialized, JobQueued
from mist_domain.facts.limits import MAX_QUEUED
from mist_domain.facts.registry import NAME_RULE, Context, is_name
from mist_domain.facts.requests import CancelRequest, Origin, StartRequest, job_id_of, request_hash, request_id_at
from mist_domain.job import Status
from mist_domain.registry import find_context, names_artifact, resolve_endpoint, unknown_endpoint
from mist_domain.scheduling.cluster import Cluster
from mist_domain.scheduling.jobs import Decision
from mist_domain.signatures.arguments import check_arguments


@dataclass(frozen=True, slots=True)
class Settled:
    """The fold shows the request's effect: it may be committed."""


@dataclass(frozen=True, slots=True)
class Waits:
    """Not now: ask again when the job settles, or (`job_id` is `None`) when the registry has moved on."""

    job_id: str | None


@dataclass(frozen=True, slots=True)
class Refused:
    """No job comes of it: a dead letter with this reason."""

    reason: str


Verdict = Decision | Settled | Waits | Refused


def decide(cluster: Cluster, request: StartRequest | CancelRequest, origin: Origin) -> Verdict:
    """Decide on a request, by the state of its job now."""
    match request:
        case StartRequest():
            return _decide_start(cluster, request, origin)
        case CancelRequest():
            return _decide_cancel(cluster, request)


def _decide_start(cluster: Cluster, request: StartRequest, origin: Origin) -> Verdict:
    request_id = request.request_id or request_id_at(origin)
    job_id = job_id_of(request.endpoint, request_id)
    if cluster.jobs.is_deciding(job_id):
        return Waits(job_id)
    known = cluster.jobs.request_hash(job_id)
    if known is not None:
        return Settled() if known == request_hash(request) else _other_content(request_id, job_id)
    if request.registry_offset is not None and request.registry_offset > cluster.registry_offset:
        return Waits(None)
    return _new_job(cluster, request, origin, request_id)


def _decide_cancel(cluster: Cluster, request: CancelRequest) -> Verdict:
    if cluster.jobs.is_deciding(request.job_id):
        return Waits(request.job_id)
    if request.job_id in cluster.jobs.ended:
        return Settled()
    job = cluster.jobs.open.get(request.job_id)
    if job is None:
        return Refused(f"there is no job {request.job_id} to cancel")
    if job.status is Status.CANCELLING:
        return Settled()
    return Decision(
        request.job_id,
        (
            JobCancelRequested(
                job_id=request.job_id,
                writer=cluster.scheduler_id,
                requested_by=request.requested_by,
                reason=request.reason,
            ),
        ),
    )


def _other_content(request_id: str, job_id: str) -> Refused:
    return Refused(f"request id {request_id!r} was used before with other content (job {job_id}); use a new request id")


def _new_job(cluster: Cluster, request: StartRequest, origin: Origin, request_id: str) -> Decision:
    endpoint = resolve_endpoint(cluster.registry, request.endpoint) or unknown_endpoint(request.endpoint)
    context = find_context(cluster.registry, request.context or endpoint.default_context)
    job_id = job_id_of(request.endpoint, request_id)
    initialized = JobInitialized(
        job_id=job_id,
        writer=cluster.scheduler_id,
        endpoint=endpoint,
        context=context,
        mode=request.mode or context.worker_mode,
        parameters=request.parameters,
        request_id=request_id,
        request_hash=request_hash(request),
        source=request.source,
        external_id=request.external_id,
        worker_id_prefix=request.worker_id,
        retries=endpoint.retries,
        start_timeout=_first(request.start_timeout, endpoint.start_timeout, context.start_timeout),
        perform_timeout=_first(request.perform_timeout, endpoint.perform_timeout, context.perform_timeout),
        priority=request.priority,
        requested_at=origin.time,
        request_partition=origin.partition,
        request_offset=origin.offset,
    )
    return Decision(job_id, (initialized, after_initialized(cluster, initialized)))


def after_initialized(cluster: Cluster, initialized: JobInitialized) -> JobQueued | JobFailed:
    """Decide the event after `initialized`: queued, or failed when the job cannot be run."""
    job_id, writer = initialized.job_id, cluster.scheduler_id
    error = _impossible(cluster, initialized)
    if error is None:
        return JobQueued(job_id=job_id, writer=writer, version=1)
    return JobFailed(job_id=job_id, writer=writer, version=1, error=error)


def _first(*timeouts: int | None) -> int | None:
    return next((timeout for timeout in timeouts if timeout is not None), None)


def _impossible(cluster: Cluster, job: JobInitialized) -> str | None:
    """Explain why a legal request cannot be run, as the job's error; `None` when it can."""
    endpoint, context, prefix = job.endpoint, job.context, job.worker_id_prefix
    if endpoint == unknown_endpoint(endpoint.name):
        return f"unknown endpoint {endpoint.name!r}: define it first, or ask for one that GET /v2/api/endpoints lists"
    if names_artifact(endpoint.path) and endpoint.artifact_sha is None:
        return f"unknown artifact {endpoint.path!r}: upload it with POST /v2/api/artifacts first"
    if not is_name(context.name):
        return f"bad context name {context.name[:128]!r}: it must be {NAME_RULE}"
    if prefix is not None and not is_name(prefix):
        return f"bad worker id {prefix[:128]!r}: it must be {NAME_RULE}"
    problems = check_arguments(json.loads(endpoint.signature), json.loads(job.parameters))
    if problems:
        return "bad parameters: " + "; ".join(problems)
    return _broken(cluster, context) or _full(cluster, context)


def _broken(cluster: Cluster, context: Context) -> str | None:
    failures = cluster.queues.find(context.name).failures
    return failures.sentence(context.name) if failures.is_broken else None


def _full(cluster: Cluster, context: Context) -> str | None:
    waiting = len(cluster.queues.find(context.name).waiting)
    if waiting >= context.max_queued:
        return f"queue full: {waiting} jobs of context {context.name!r} wait already; try again later"
    waiting = cluster.queues.waiting
    if waiting >= MAX_QUEUED:
        return f"queue full: {waiting} jobs wait already; try again later"
    return None

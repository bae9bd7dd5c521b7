"""What clients see of jobs, endpoints, contexts and workers: the JSON of WIRE section 1, absent values left out."""

from collections.abc import Mapping
from typing import Any

from mist_domain.facts.hosts import HostState, Worker
from mist_domain.facts.registry import Context, Endpoint
from mist_domain.job import Job, Status, shown
from mist_domain.registry import Registry, find_endpoint
from mist_domain.wire.durations import format_duration
from mist_gateway.http.responses import raw_json
from mist_gateway.projection.entry import Entry, PendingStart

View = dict[str, Any]


def view_entry(entry: Entry, registry: Registry) -> View:
    return view_pending(entry, registry) if isinstance(entry, PendingStart) else view_job(entry.job)


def view_job(job: Job) -> View:
    request = job.request
    view = _invocation(job.job_id, request.endpoint, request.endpoint.name, request.parameters)
    view |= {"context": request.context.name, "mode": request.mode}
    if request.external_id is not None:
        view["externalId"] = request.external_id
    view |= {"source": request.source, "status": shown(job), "createTime": job.created_at}
    if job.started_at:
        view["startTime"] = job.started_at
    if job.ended_at:
        view["endTime"] = job.ended_at
    if job.worker_id is not None:
        view["workerId"] = job.worker_id
    if job.status is Status.FINISHED and job.result is not None:
        view["jobResult"] = raw_json(job.result)
    elif job.status is Status.FAILED:
        view["jobResult"] = job.error or ""
    return view


def view_pending(pending: PendingStart, registry: Registry) -> View:
    """A request that nobody has decided yet, as the job it is about to be."""
    request = pending.request
    endpoint = find_endpoint(registry, request.endpoint)
    view = _invocation(pending.job_id, endpoint, request.endpoint, request.parameters)
    view |= {"context": pending.context(registry), "mode": pending.mode(registry)}
    if request.external_id is not None:
        view["externalId"] = request.external_id
    return view | {"source": request.source, "status": Status.INITIALIZED.word, "createTime": pending.created_at}


def view_endpoint(endpoint: Endpoint) -> View:
    view: View = {
        "name": endpoint.name,
        "lang": endpoint.lang,
        "path": endpoint.path,
        "className": endpoint.class_name,
        "defaultContext": endpoint.default_context,
        "tags": endpoint.tags,
        "execute": raw_json(endpoint.signature),
    }
    if endpoint.problem is not None:
        view["problem"] = endpoint.problem
    return view


def view_context(context: Context) -> View:
    return {
        "name": context.name,
        "sparkConf": dict(context.spark_conf),
        "downtime": format_duration(context.downtime),
        "maxJobs": context.max_jobs,
        "precreated": context.precreated,
        "runOptions": context.run_options,
        "workerMode": context.worker_mode,
        "streamingDuration": format_duration(context.streaming_duration),
    }


def view_worker_link(host: HostState, worker: Worker) -> View:
    link: View = {"name": worker.worker_id, "address": host.address}
    if worker.spark_ui is not None:
        link["sparkUi"] = worker.spark_ui
    return link


def view_worker(host: HostState, worker: Worker) -> View:
    """The link and what more is known of one worker."""
    more = {"context": worker.context, "mode": worker.mode, "state": worker.state, "host": host.host_id}
    return view_worker_link(host, worker) | more


def view_outcome(job: Job) -> View:
    """The answer of a start that waited for the end."""
    if job.status is Status.FINISHED and job.result is not None:
        return {"success": True, "payload": raw_json(job.result), "errors": []}
    error = "The job was canceled." if job.status is Status.CANCELED else job.error or "The job failed."
    return {"success": False, "payload": {}, "errors": [error]}


def _invocation(job_id: str, endpoint: Endpoint | None, name: str, parameters: str) -> View:
    params: Mapping[str, Any] = {
        "filePath": endpoint.path if endpoint else "",
        "className": endpoint.class_name if endpoint else "",
        "arguments": raw_json(parameters),
        "action": "execute",
    }
    return {"jobId": job_id, "endpoint": name, "function": name, "params": params}

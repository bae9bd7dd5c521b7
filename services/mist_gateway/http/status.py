"""What is known of the service itself: status for clients, probes and metrics for whoever runs it."""

import importlib.metadata

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from mist_domain.wire.cursor import write_cursor
from mist_gateway.http import documents
from mist_gateway.http.asyncapi import asyncapi
from mist_gateway.http.dependencies import ready, the_gateway
from mist_gateway.http.openapi import errors
from mist_gateway.http.responses import json_answer, text_answer

router = APIRouter(tags=["service"])

MIST_VERSION = importlib.metadata.version("mist-server")


@router.get("/v2/api/status", response_model=documents.MistStatus, responses=errors())
async def get_status(request: Request) -> Response:
    """Versions, when this gateway started, living hosts, how many jobs stand in each status."""
    gateway = ready(request)
    hosts = gateway.projection.hosts.living()
    runtime, _, vendor = (hosts[0].java_version if hosts else "").partition(" ")
    status = {
        "mistVersion": MIST_VERSION,
        "sparkVersion": hosts[0].spark_version if hosts else "unknown",
        "started": gateway.started_at,
        "javaVersion": {"runtimeVersion": runtime or "unknown", "vmVendor": vendor.strip("()") or "unknown"},
        "hosts": len(hosts),
        "jobs": gateway.projection.jobs.all.counts(),
        "cursor": write_cursor(gateway.projection.feed.offsets()),
    }
    return json_answer(status)


@router.get("/asyncapi.json", responses={200: {"description": "AsyncAPI 3."}})
async def get_asyncapi() -> Response:
    """The asynchronous interfaces: topics, records, JSON shapes."""
    return Response(asyncapi(MIST_VERSION), media_type="application/json")


@router.get("/livez", response_class=Response, responses={200: {"content": {"text/plain": {"example": "ok\n"}}}})
async def livez() -> Response:
    """Whether the process lives."""
    return text_answer("ok\n")


@router.get("/readyz", response_class=Response, responses=errors())
async def readyz(request: Request) -> Response:
    """Whether the API can be used and what it tells is new; the reason why not."""
    gateway = the_gateway(request)
    reason = gateway.not_ready() or gateway.lagging
    answer = text_answer(f"{reason or 'ok'}\n")
    answer.status_code = 200 if reason is None else 503
    return answer


@router.get("/metrics", response_class=Response, responses={200: {"description": "Prometheus text."}})
async def metrics() -> Response:
    """Metrics for Prometheus."""
    return Response(generate_latest(), headers={"content-type": CONTENT_TYPE_LATEST})

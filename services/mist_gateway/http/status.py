"""The service itself: its status for clients, probes and metrics for its operators."""

import importlib.metadata

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from mist_domain.wire.cursor import write_cursor
from mist_gateway.http import dependencies, models, openapi
from mist_gateway.http.answers import json_answer, text_answer
from mist_gateway.http.asyncapi import asyncapi

router = APIRouter(tags=["service"])

MIST_VERSION = importlib.metadata.version("mist-server")


@router.get("/v2/api/status", response_model=models.MistStatus, responses=openapi.errors())
async def get_status(gateway: dependencies.ReadyGateway) -> Response:
    """Get versions, the start of this gateway, the number of living hosts, and of jobs by status."""
    hosts = gateway.projection.hosts.living()
    status = models.MistStatus(
        mist_version=MIST_VERSION,
        spark_version=hosts[0].spark_version if hosts else "unknown",
        started=gateway.started_at,
        java_version=models.JavaVersion.of(hosts[0].java_version if hosts else ""),
        hosts=len(hosts),
        jobs=gateway.projection.jobs.all.counts(),
        cursor=write_cursor(gateway.projection.feed.offsets()),
    )
    return json_answer(status)


@router.get(
    "/asyncapi.json",
    response_class=Response,
    responses={200: {"description": "AsyncAPI 3.", "content": {"application/json": {}}}},
)
async def get_asyncapi() -> Response:
    """Get the AsyncAPI document of the asynchronous interfaces: topics, records, JSON shapes."""
    return Response(asyncapi(MIST_VERSION), media_type="application/json")


@router.get("/livez", response_class=Response, responses=openapi.text("ok\n"))
async def livez() -> Response:
    """Answer while the process lives."""
    return text_answer("ok\n")


@router.get(
    "/readyz",
    response_class=Response,
    responses=openapi.text("ok\n") | {503: {"description": "The reason.", "content": {"text/plain": {}}}},
)
async def readyz(gateway: dependencies.AnyGateway) -> Response:
    """Answer `ok` when the API can be used and its data is up to date; otherwise 503 with the reason."""
    reason = gateway.not_ready() or gateway.lagging
    answer = text_answer(f"{reason or 'ok'}\n")
    answer.status_code = 200 if reason is None else 503
    return answer


@router.get("/metrics", response_class=Response, responses=openapi.text('mist_gateway_jobs{status="finished"} 7.0\n'))
async def metrics() -> Response:
    """Get the metrics for Prometheus."""
    return Response(generate_latest(), headers={"content-type": CONTENT_TYPE_LATEST})

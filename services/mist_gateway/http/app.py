"""The ASGI application: every route, its documentation, and what stands around them."""

from fastapi import FastAPI
from starlette.types import ASGIApp

from mist_gateway.auth.middleware import guarded
from mist_gateway.http import artifacts as routes_artifacts
from mist_gateway.http import contexts as routes_contexts
from mist_gateway.http import endpoints as routes_endpoints
from mist_gateway.http import jobs as routes_jobs
from mist_gateway.http import sockets
from mist_gateway.http import status as routes_status
from mist_gateway.http import workers as routes_workers
from mist_gateway.http.dependencies import open_to_origins
from mist_gateway.http.openapi import DESCRIPTION, TAGS
from mist_gateway.problems import answer_errors
from mist_gateway.service import Gateway


def build_api(gateway: Gateway) -> ASGIApp:
    api = FastAPI(
        title="Mist",
        version=routes_status.MIST_VERSION,
        description=DESCRIPTION,
        openapi_tags=TAGS,
        redoc_url=None,
        redirect_slashes=False,
    )
    api.state.gateway = gateway
    answer_errors(api)
    api.include_router(routes_endpoints.router, prefix="/v2/api/endpoints")
    api.include_router(routes_jobs.router, prefix="/v2/api/jobs")
    api.include_router(routes_endpoints.router, prefix="/v2/api/functions", include_in_schema=False)
    api.include_router(routes_workers.router, prefix="/v2/api/workers")
    api.include_router(routes_contexts.router, prefix="/v2/api/contexts")
    api.include_router(routes_artifacts.router, prefix="/v2/api/artifacts")
    api.include_router(routes_status.router)
    api.include_router(sockets.router)
    return open_to_origins(guarded(api, gateway.settings), gateway.settings.cors_origins)

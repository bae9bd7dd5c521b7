"""Progress of a running job's Spark stages, from its driver's own REST API."""

from dataclasses import dataclass

import httpx

_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Stage:
    """`done` of `tasks`; `name` as Spark's pages have it."""

    name: str
    done: int
    tasks: int


def _short(name: str) -> str:
    """`collect at work.py:5`, without the folder."""
    what, at, place = name.partition(" at ")
    return f"{what}{at}{place.rpartition('/')[2]}"


def active_stages(spark_ui: str, job_id: str) -> list[Stage]:
    """The job's running stages; none where the driver's pages cannot be read from here."""
    try:
        with httpx.Client(base_url=spark_ui, timeout=_SECONDS) as http:
            (application, *_) = http.get("/api/v1/applications").raise_for_status().json()
            path = f"/api/v1/applications/{application['id']}/stages"
            stages = http.get(path, params={"status": "active"}).raise_for_status().json()
    except (httpx.HTTPError, ValueError, KeyError):
        return []
    own = [stage for stage in stages if str(stage.get("description", "")).startswith(f"job {job_id},")]
    return [Stage(_short(stage["name"]), stage["numCompleteTasks"], stage["numTasks"]) for stage in own]

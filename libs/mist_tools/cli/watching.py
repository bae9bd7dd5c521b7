"""A job's life on a terminal: a line for each event, and a bar for each Spark stage that runs.

Stages are read from the REST API of the job's driver, which counts their tasks.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from mist.client import Event, Mist, MistError

_PAUSE = 0.5
_SPARK_TIMEOUT = 2.0
_COLOURS = {"finished": "green", "failed": "red", "canceled": "yellow"}


def watch(mist: Mist, job_id: str, console: Console) -> None:
    """Show the job until its end."""
    with _progress(mist, job_id, console):
        first_time = None
        for event in mist.events(job_id=job_id):
            first_time = first_time or event.get("time")
            seconds = (event.get("time", 0) - (first_time or 0)) / 1000
            console.print(f"{seconds:8.3f} s  {_line(event)}", highlight=False, soft_wrap=True)


def _line(event: Event) -> str:
    colour = _COLOURS.get(event["event"], "cyan")
    worker = f" on {event['workerId']}" if "workerId" in event else ""
    return f"[{colour}]{event['event']}[/{colour}]{worker}"


@contextmanager
def _progress(mist: Mist, job_id: str, console: Console) -> Iterator[None]:
    """Show bars while the job runs, on a terminal only."""
    if not console.is_terminal:
        yield
        return
    over = threading.Event()
    bars = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=console, transient=True
    )
    with bars:
        poller = threading.Thread(target=_poll_stages, args=(mist, job_id, bars, over), daemon=True)
        poller.start()
        try:
            yield
        finally:
            over.set()


def _poll_stages(mist: Mist, job_id: str, bars: Progress, over: threading.Event) -> None:
    shown: dict[str, TaskID] = {}
    while not over.wait(_PAUSE):
        try:
            spark_ui = mist.job_worker(job_id).get("sparkUi")
        except MistError:
            continue
        stages = active_stages(spark_ui, job_id) if spark_ui else []
        for name in shown.keys() - {stage.name for stage in stages}:
            bars.remove_task(shown.pop(name))
        for stage in stages:
            if stage.name not in shown:
                shown[stage.name] = bars.add_task(stage.name[:60])
            bars.update(shown[stage.name], completed=stage.done, total=stage.tasks)


@dataclass(frozen=True, slots=True)
class Stage:
    """`done` of `tasks`, and the name that Spark shows."""

    name: str
    done: int
    tasks: int


def _short(name: str) -> str:
    """`collect at work.py:5`, without the folder."""
    operation, at, source = name.partition(" at ")
    return f"{operation}{at}{source.rpartition('/')[2]}"


def active_stages(spark_ui: str, job_id: str) -> list[Stage]:
    """The job's running stages; an empty list when the driver's REST API cannot be read from here."""
    try:
        with httpx.Client(base_url=spark_ui, timeout=_SPARK_TIMEOUT) as http:
            (application, *_) = http.get("/api/v1/applications").raise_for_status().json()
            path = f"/api/v1/applications/{application['id']}/stages"
            stages = http.get(path, params={"status": "active"}).raise_for_status().json()
    except (httpx.HTTPError, ValueError, KeyError):
        return []
    own = [stage for stage in stages if str(stage.get("description", "")).startswith(f"job {job_id},")]
    return [Stage(_short(stage["name"]), stage["numCompleteTasks"], stage["numTasks"]) for stage in own]

"""A job's life on a terminal: a line for each event, and a bar for each Spark stage that runs."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from mist.client import Event, Mist, MistError
from mist_tools.cli.stages import active_stages

_PAUSE = 0.5
_COLOURS = {"finished": "green", "failed": "red", "canceled": "yellow"}


def watch(mist: Mist, job_id: str, console: Console) -> None:
    """Show the job until its end."""
    with _progress(mist, job_id, console):
        began = None
        for event in mist.events(job_id=job_id):
            began = began or event.get("time")
            seconds = (event.get("time", 0) - (began or 0)) / 1000
            console.print(f"{seconds:8.3f} s  {_line(event)}", highlight=False, soft_wrap=True)


def _line(event: Event) -> str:
    colour = _COLOURS.get(event["event"], "cyan")
    where = f" on {event['workerId']}" if "workerId" in event else ""
    return f"[{colour}]{event['event']}[/{colour}]{where}"


@contextmanager
def _progress(mist: Mist, job_id: str, console: Console) -> Iterator[None]:
    """Bars while the job runs; only where somebody looks."""
    if not console.is_terminal:
        yield
        return
    over = threading.Event()
    bars = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=console, transient=True
    )
    with bars:
        looking = threading.Thread(target=_look, args=(mist, job_id, bars, over), daemon=True)
        looking.start()
        try:
            yield
        finally:
            over.set()


def _look(mist: Mist, job_id: str, bars: Progress, over: threading.Event) -> None:
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

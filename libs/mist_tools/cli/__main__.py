"""`mist`: exit code 0 for success, 1 for a job that failed or was canceled, 2 for what was refused, 3 for nobody there."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from mist.client import Mist, MistError, UnreachableError
from mist.client.calls import Start
from mist_tools.cli.applying import BadFileError, apply
from mist_tools.cli.arguments import ArgumentSyntaxError, read_arguments
from mist_tools.cli.watching import watch

ID_WIDTH = 36
FAILED, REFUSED, UNREACHABLE, INTERRUPTED = 1, 2, 3, 130

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Spark jobs as a service, from the command line.")
WIDE = 240
"""Columns where nobody looks: a program that reads the output wants no line broken."""

out, err = Console(width=None if sys.stdout.isatty() else WIDE), Console(stderr=True)

AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]
JobId = Annotated[str, typer.Argument(metavar="JOB", help="The job's id.")]


@app.callback()
def root(
    context: typer.Context,
    url: Annotated[str, typer.Option(envvar="MIST_URL", help="Gateways, comma-separated.")] = "http://127.0.0.1:2004",
    patience: Annotated[float, typer.Option(help="Seconds to try while nobody answers.")] = 10.0,
) -> None:
    """The token, where one is needed, comes from MIST_TOKEN."""
    context.obj = Mist(*url.split(","), patience=patience)


@app.command()
def status(context: typer.Context) -> None:
    """Versions, hosts, and how many jobs stand in each status."""
    with _sentences():
        _print_json(context.obj.status())


@app.command()
def endpoints(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List the endpoints."""
    with _sentences():
        found = context.obj.endpoints()
        columns = ("name", "lang", "path", "className", "defaultContext")
        _show(found, columns, lambda one: [one[name] for name in columns], as_json=as_json)


@app.command()
def contexts(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Named groups of Spark settings."""
    with _sentences():
        found = context.obj.contexts()
        columns = ("name", "workerMode", "maxJobs", "downtime", "sparkConf")
        _show(found, columns, lambda one: [_text(one[name]) for name in columns], as_json=as_json)


@app.command()
def workers(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Spark drivers that are up."""
    with _sentences():
        columns = ("name", "address", "sparkUi")
        _show(context.obj.workers(), columns, lambda one: [one.get(name, "") for name in columns], as_json=as_json)


@app.command()
def jobs(
    context: typer.Context,
    *,
    status: Annotated[list[str] | None, typer.Option("--status", "-s", help="May be given again.")] = None,
    endpoint: Annotated[str | None, typer.Option(help="Only jobs of this endpoint.")] = None,
    limit: int = 25,
    offset: int = 0,
    as_json: AsJson = False,
) -> None:
    """The newest jobs."""
    with _sentences():
        found = context.obj.jobs(status=status or (), limit=limit, offset=offset, endpoint=endpoint)
        columns = ("job", "endpoint", "context", "status", "created", "seconds")
        _show(found, columns, _job_row, as_json=as_json)


@app.command()
def run(
    context: typer.Context,
    endpoint: str,
    arguments: Annotated[list[str] | None, typer.Argument(metavar="NAME=VALUE")] = None,
    *,
    in_context: Annotated[str | None, typer.Option("--context", help="Instead of the endpoint's own.")] = None,
    mode: Annotated[str | None, typer.Option(help="shared or exclusive.")] = None,
    external_id: Annotated[str | None, typer.Option(help="A label of your own.")] = None,
    key: Annotated[str | None, typer.Option(help="Idempotency key: the same again is the same job.")] = None,
    json_args: Annotated[str | None, typer.Option(help="All arguments as one JSON object.")] = None,
    watching: Annotated[bool, typer.Option("--watch", "-w", help="Show its life and Spark's progress.")] = False,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Print its id and do not wait.")] = False,
) -> None:
    """Run a job and print its result."""
    mist: Mist = context.obj
    with _sentences():
        given = _arguments(mist, endpoint, arguments or (), json_args)
        how = Start(context=in_context, mode=mode, external_id=external_id, key=key)
        job_id = mist.start(endpoint, given, how)
        if detach:
            print(job_id)
            return
        _follow(mist, job_id, watching=watching)


@app.command()
def logs(
    context: typer.Context,
    job: JobId,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the job is over.")] = False,
) -> None:
    """Show the lines that a job has printed."""
    mist: Mist = context.obj
    with _sentences():
        text = mist.logs(job)
        sys.stdout.write(text)
        if follow:
            for more in _later_logs(mist, job, text):
                sys.stdout.write(more)
                sys.stdout.flush()


@app.command()
def cancel(context: typer.Context, job: JobId) -> None:
    """Cancel a job."""
    with _sentences():
        print(context.obj.cancel(job)["status"])


@app.command()
def stop(context: typer.Context, worker: str) -> None:
    """Stop a Spark driver; its jobs fail."""
    with _sentences():
        context.obj.stop_worker(worker)


@app.command("apply")
def apply_file(
    context: typer.Context,
    file: Annotated[Path, typer.Option("--file", "-f", help="YAML with 'contexts' and 'endpoints'.")],
) -> None:
    """Make the server have what a file says; job code beside it is uploaded."""
    with _sentences():
        for line in apply(context.obj, file):
            print(line)


@app.command()
def events(
    context: typer.Context,
    *,
    since: Annotated[str | None, typer.Option(help="A cursor; from now on if absent.")] = None,
    job: Annotated[str | None, typer.Option(help="One job, from its beginning to its end.")] = None,
    phases: Annotated[bool, typer.Option("--phases", help="The later phases too.")] = False,
) -> None:
    """One line of JSON for each event, for ever."""
    with _sentences():
        for event in context.obj.events(since=since, job_id=job, phases=phases):
            print(json.dumps(event), flush=True)


def _arguments(mist: Mist, endpoint: str, words: Iterable[str], json_args: str | None) -> dict[str, Any]:
    if json_args is None:
        return read_arguments(words, mist.endpoint(endpoint)["execute"])
    try:
        given = json.loads(json_args)
    except ValueError as error:
        raise ArgumentSyntaxError(f"--json-args is no JSON: {error}") from error
    if not isinstance(given, dict):
        raise ArgumentSyntaxError("--json-args must be a JSON object")
    return given


def _follow(mist: Mist, job_id: str, *, watching: bool) -> None:
    try:
        if watching:
            err.print(f"job {job_id}", highlight=False)
            watch(mist, job_id, err)
        job = mist.wait(job_id)
    except KeyboardInterrupt:
        _leave(INTERRUPTED, f"The job goes on; mist cancel {job_id} ends it.")
    if job["status"] != "finished":
        _leave(FAILED, f"{job['status']}: {job.get('jobResult', job_id)}")
    _print_json(job.get("jobResult"))


def _later_logs(mist: Mist, job_id: str, text: str) -> Iterator[str]:
    """Yield the lines after `text`, whenever the job has printed or has ended."""
    for event in mist.events(job_id=job_id, logs=True):
        if event["event"] in {"logs", "finished", "failed", "canceled"}:
            now = mist.logs(job_id)
            yield now.removeprefix(text)
            text = now


def _job_row(job: Any) -> list[str]:
    created = datetime.fromtimestamp(job["createTime"] / 1000).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    begin, end = job.get("startTime"), job.get("endTime")
    seconds = f"{(end - begin) / 1000:.1f}" if begin and end else ""
    return [job["jobId"], job["endpoint"], job["context"], job["status"], created, seconds]


def _show(items: Sequence[Any], columns: Sequence[str], row: Callable[[Any], list[str]], *, as_json: bool) -> None:
    if as_json:
        _print_json(items)
        return
    first, *others = columns
    table = Table(
        Column(first, no_wrap=True, min_width=ID_WIDTH if first == "job" else None), *others, box=None, pad_edge=False
    )
    for item in items:
        table.add_row(*(escape(cell) for cell in row(item)))
    out.print(table)


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{name}={one}" for name, one in value.items())
    return str(value)


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


@contextmanager
def _sentences() -> Iterator[None]:
    """Every error as one sentence and an exit code."""
    try:
        yield
    except (ArgumentSyntaxError, BadFileError) as error:
        _leave(REFUSED, str(error))
    except UnreachableError as error:
        _leave(UNREACHABLE, f"{error}. Is Mist running there? MIST_URL or --url says where it is.")
    except MistError as error:
        _leave(REFUSED, str(error))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _leave(code: int, sentence: str) -> NoReturn:
    print(sentence, file=sys.stderr)
    sys.exit(code)


def main() -> None:
    app()


if __name__ == "__main__":
    main()

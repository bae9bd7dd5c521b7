"""The command `mist`. Results go to standard output; every error is one sentence on standard error.

Exit codes: 0 success, 1 the job failed or was canceled, 2 the request was refused, 3 no gateway answered, 130 interrupted.
"""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
from mist_domain.errors import RefusalError
from mist_tools.cli.applying import apply
from mist_tools.cli.watching import watch

ID_WIDTH = 36
FAILED, REFUSED, UNREACHABLE, INTERRUPTED = 1, 2, 3, 130


class ArgumentSyntaxError(ValueError):
    """An argument is not `name=value`, or the arguments are no JSON object; the text names it."""


app = typer.Typer(no_args_is_help=True, add_completion=False)
WIDE = 240
"""Columns when standard output is no terminal, so that no line of a table is broken."""

out, err = Console(width=None if sys.stdout.isatty() else WIDE), Console(stderr=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
JobId = Annotated[str, typer.Argument(metavar="JOB", help="Id of the job.")]


@app.callback()
def root(
    context: typer.Context,
    url: Annotated[
        str, typer.Option(envvar="MIST_URL", help="Addresses of gateways, separated by commas.")
    ] = "http://127.0.0.1:2004",
    patience: Annotated[float, typer.Option(help="Seconds to try again while no gateway answers.")] = 10.0,
) -> None:
    """Start and follow Spark jobs, and manage endpoints and contexts.

    Example: mist run simple-context numbers='[1, 2, 3]'

    The token, if the gateway wants any, is read from MIST_TOKEN.
    """
    context.obj = Mist(*url.split(","), patience=patience)


@app.command()
def status(context: typer.Context) -> None:
    """Print versions, hosts and the number of jobs in each status."""
    with _errors_as_sentences():
        _print_json(context.obj.status())


@app.command()
def endpoints(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List the endpoints, which jobs are started from."""
    with _errors_as_sentences():
        found = context.obj.endpoints()
        columns = ("name", "lang", "path", "className", "defaultContext")
        _show(found, columns, lambda item: [item[name] for name in columns], as_json=as_json)


@app.command()
def contexts(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List the contexts, which are named groups of Spark settings."""
    with _errors_as_sentences():
        found = context.obj.contexts()
        columns = ("name", "workerMode", "maxJobs", "downtime", "sparkConf")
        _show(found, columns, lambda item: [_text(item[name]) for name in columns], as_json=as_json)


@app.command()
def workers(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List the workers: Spark drivers that are up."""
    with _errors_as_sentences():
        columns = ("name", "address", "sparkUi")
        _show(context.obj.workers(), columns, lambda item: [item.get(name, "") for name in columns], as_json=as_json)


@app.command()
def jobs(
    context: typer.Context,
    *,
    status: Annotated[
        list[str] | None, typer.Option("--status", "-s", help="Only jobs in this status; may be repeated.")
    ] = None,
    endpoint: Annotated[str | None, typer.Option(help="Only jobs of this endpoint.")] = None,
    limit: Annotated[int, typer.Option(help="Number of jobs to list.")] = 25,
    offset: Annotated[int, typer.Option(help="Number of newer jobs to skip.")] = 0,
    as_json: AsJson = False,
) -> None:
    """List jobs, the newest first.

    Example: mist jobs -s started -s queued --limit 5
    """
    with _errors_as_sentences():
        found = context.obj.jobs(status=status or (), limit=limit, offset=offset, endpoint=endpoint)
        columns = ("job", "endpoint", "context", "status", "created", "seconds")
        _show(found, columns, _job_row, as_json=as_json)


@app.command()
def run(
    context: typer.Context,
    endpoint: Annotated[str, typer.Argument(help="Name of the endpoint.")],
    arguments: Annotated[list[str] | None, typer.Argument(metavar="NAME=VALUE", help="Arguments of the job.")] = None,
    *,
    in_context: Annotated[
        str | None, typer.Option("--context", help="Context to run in; by default the endpoint's.")
    ] = None,
    mode: Annotated[str | None, typer.Option(help="shared or exclusive; by default the context's.")] = None,
    external_id: Annotated[str | None, typer.Option(help="A label of your own, shown with the job.")] = None,
    key: Annotated[str | None, typer.Option(help="Idempotency key: the same key again is the same job.")] = None,
    json_args: Annotated[str | None, typer.Option(help="All arguments as one JSON object.")] = None,
    watching: Annotated[
        bool, typer.Option("--watch", "-w", help="Show the job's events and Spark's progress.")
    ] = False,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Print the job's id and do not wait.")] = False,
) -> None:
    """Run a job and print its result as JSON.

    Example: mist run simple-context numbers='[1, 2, 3]' multiplier=2
    """
    mist: Mist = context.obj
    with _errors_as_sentences():
        values = _arguments(mist, endpoint, arguments or (), json_args)
        options = Start(context=in_context, mode=mode, external_id=external_id, key=key)
        job_id = mist.start(endpoint, values, options)
        if detach:
            print(job_id)
            return
        _follow(mist, job_id, watching=watching)


@app.command()
def logs(
    context: typer.Context,
    job: JobId,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Continue until the job is over.")] = False,
) -> None:
    """Print the lines that a job has logged."""
    mist: Mist = context.obj
    with _errors_as_sentences():
        text = mist.logs(job)
        sys.stdout.write(text)
        if follow:
            for addition in _later_logs(mist, job, text):
                sys.stdout.write(addition)
                sys.stdout.flush()


@app.command()
def cancel(context: typer.Context, job: JobId) -> None:
    """Cancel a job and print its status."""
    with _errors_as_sentences():
        print(context.obj.cancel(job)["status"])


@app.command()
def stop(context: typer.Context, worker: Annotated[str, typer.Argument(help="Name of the worker.")]) -> None:
    """Stop a worker, which is a Spark driver; jobs that run in it fail."""
    with _errors_as_sentences():
        context.obj.stop_worker(worker)


@app.command("apply")
def apply_file(
    context: typer.Context,
    file: Annotated[Path, typer.Option("--file", "-f", help="A YAML file with contexts and endpoints.")],
) -> None:
    """Create or change the contexts and endpoints of a file, and upload the job code beside it.

    Example: mist apply -f mist.yaml
    """
    with _errors_as_sentences():
        for line in apply(context.obj, file):
            print(line)


@app.command()
def events(
    context: typer.Context,
    *,
    since: Annotated[
        str | None, typer.Option(help="Cursor of the last event read; by default only new events.")
    ] = None,
    job: Annotated[str | None, typer.Option(help="Only this job, from its first event to its last.")] = None,
    phases: Annotated[bool, typer.Option("--phases", help="Also the phases between the statuses.")] = False,
) -> None:
    """Print each event of jobs as a line of JSON, until interrupted."""
    with _errors_as_sentences():
        for event in context.obj.events(since=since, job_id=job, phases=phases):
            print(json.dumps(event), flush=True)


def _arguments(mist: Mist, endpoint: str, words: Iterable[str], json_args: str | None) -> dict[str, Any]:
    if json_args is None:
        return read_arguments(words, mist.endpoint(endpoint)["execute"])
    try:
        values = json.loads(json_args)
    except ValueError as error:
        raise ArgumentSyntaxError(f"--json-args is no JSON: {error}") from error
    if not isinstance(values, dict):
        raise ArgumentSyntaxError("--json-args must be a JSON object")
    return values


def read_arguments(words: Iterable[str], signature: Mapping[str, Any]) -> dict[str, Any]:
    """Read `name=value` words, such as `numbers=[1,2] name=Ann`. Raises `ArgumentSyntaxError`.

    A value that is JSON is read as JSON unless the signature wants a string; any other value is text.
    """
    return dict(_read(word, signature) for word in words)


def _read(word: str, signature: Mapping[str, Any]) -> tuple[str, Any]:
    name, equals, text = word.partition("=")
    if not equals or not name:
        raise ArgumentSyntaxError(f"{word!r} is no argument: write name=value, such as numbers='[1, 2]'")
    if _is_text(signature.get(name, {})):
        return name, text
    try:
        return name, json.loads(text)
    except ValueError:
        return name, text


def _is_text(kind: Mapping[str, Any]) -> bool:
    if kind.get("type") == "MOption":
        return _is_text(kind["args"][0])
    return kind.get("type") == "MString"


def _follow(mist: Mist, job_id: str, *, watching: bool) -> None:
    try:
        if watching:
            err.print(f"job {job_id}", highlight=False)
            watch(mist, job_id, err)
        job = mist.wait(job_id)
    except KeyboardInterrupt:
        _exit(INTERRUPTED, f"The job goes on; mist cancel {job_id} ends it.")
    if job["status"] != "finished":
        _exit(FAILED, f"{job['status']}: {job.get('jobResult', job_id)}")
    _print_json(job.get("jobResult"))


def _later_logs(mist: Mist, job_id: str, text: str) -> Iterator[str]:
    """Text logged after `text`, each time the job has printed or is over."""
    for event in mist.events(job_id=job_id, logs=True):
        if event["event"] in {"logs", "finished", "failed", "canceled"}:
            whole = mist.logs(job_id)
            yield whole.removeprefix(text)
            text = whole


def _job_row(job: Any) -> list[str]:
    created = datetime.fromtimestamp(job["createTime"] / 1000).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    start, end = job.get("startTime"), job.get("endTime")
    seconds = f"{(end - start) / 1000:.1f}" if start and end else ""
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
        return " ".join(f"{name}={setting}" for name, setting in value.items())
    return str(value)


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


@contextmanager
def _errors_as_sentences() -> Iterator[None]:
    """Turn an error into a sentence on standard error and an exit code."""
    try:
        yield
    except (ArgumentSyntaxError, RefusalError) as error:
        _exit(REFUSED, str(error))
    except UnreachableError as error:
        _exit(UNREACHABLE, f"{error}. Is Mist running there? MIST_URL or --url says where it is.")
    except MistError as error:
        _exit(REFUSED, str(error))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _exit(code: int, sentence: str) -> NoReturn:
    print(sentence, file=sys.stderr)
    sys.exit(code)


def main() -> None:
    app()


if __name__ == "__main__":
    main()

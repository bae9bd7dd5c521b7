"""Endpoints and contexts from a file: what is wrong is named with its field and what is allowed."""

from pathlib import Path

import pytest

from mist_domain.errors import RefusalError
from mist_domain.facts.registry import ContextDefined, EndpointDefined
from mist_tools.load import read_file

JOB = "def job(n: int, m: str = 'x'):\n    return {}\n"


def write(folder: Path, text: str) -> Path:
    (folder / "job.py").write_text(JOB)
    file = folder / "mist.yaml"
    file.write_text(text)
    return file


def test_paths_are_relative_to_the_file_and_signatures_are_read(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        """
        contexts:
          - {name: c, sparkConf: {spark.master: "local[1]", spark.ui.enabled: false}, downtime: Inf, workerMode: exclusive}
        endpoints:
          - {name: e, path: job.py, className: job, defaultContext: c, startTimeout: 10s, retries: 2}
        """,
    )
    context, endpoint = read_file(file)
    assert isinstance(context, ContextDefined)
    assert context.context.spark_conf == {"spark.master": "local[1]", "spark.ui.enabled": "false"}
    assert (context.context.downtime, context.context.worker_mode) == (None, "exclusive")
    assert isinstance(endpoint, EndpointDefined)
    assert endpoint.endpoint.path == f"file://{tmp_path}/job.py"
    assert endpoint.endpoint.signature == '{"n":{"type":"MInt"},"m":{"type":"MOption","args":[{"type":"MString"}]}}'
    assert (endpoint.endpoint.start_timeout, endpoint.endpoint.retries) == (10_000, 2)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("contexts: [{name: c, maxJobs: 0}]", r"context 'c': maxJobs is '0'; it must be a whole number, 1 or more"),
        ("contexts: [{name: c, workerMode: both}]", r"workerMode is 'both'; it must be 'shared' or 'exclusive'"),
        ("contexts: [{name: c, downtime: long}]", r"downtime is 'long'; it must be a duration"),
        ("contexts: [{name: a/b}]", r"name is 'a/b'; it must be 1 to 128 letters"),
        ("contexts: [{name: c, max_jobs: 3}]", r"context 'c': there is no field 'max_jobs'; there are .*maxJobs"),
        ("contexts: [{name: c}, {name: c}]", r"context/c is there twice"),
        ("contexts: [c]", r"contexts must be a list of objects, each with a name"),
        ("contexts: [{maxJobs: 3}]", r"mist.yaml: contexts must be a list of objects, each with a name"),
        ("endpoint: []", r"'endpoint' is unknown"),
        ("[]", r"must hold 'contexts' and 'endpoints'"),
        ("a: [", r"is no YAML"),
        ("endpoints: [{name: e, className: job}]", r"endpoint 'e': path is missing; it must be a string"),
        ("endpoints: [{name: e, path: no.py, className: job}]", r"endpoint 'e': file://.*/no.py does not exist"),
        ("endpoints: [{name: e, path: job.py, className: nobody}]", r"endpoint 'e': .*nobody"),
        ("endpoints: [{name: e, path: job.txt, className: job}]", r"job.txt is no job: its name must end in .py"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(RefusalError, match=says):
        read_file(write(tmp_path, text))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RefusalError, match=r"nothing\.yaml cannot be read"):
        read_file(tmp_path / "nothing.yaml")

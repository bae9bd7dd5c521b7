"""`mist apply`: send the contexts and endpoints of a YAML file, and the job code beside it, to the server."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mist.client import Mist, NotFoundError
from mist_tools.registry_file import Entry, read_registry_file

ENDPOINT_DEFAULTS: Mapping[str, Any] = {
    "defaultContext": "default",
    "tags": [],
    "retries": 0,
    "startTimeout": "Inf",
    "performTimeout": "Inf",
}
"""Fields that a file may leave out. The server keeps what a change leaves out, and a file says the whole."""


def apply(mist: Mist, file: Path) -> Iterator[str]:
    """Apply the file; yields a line for each entry and upload. A second time nothing changes.

    Raises `RefusalError` before the first write when the file is wrong, and the errors of `mist` at each write.
    """
    content = read_registry_file(file)
    for context in content.contexts:
        yield _apply_context(mist, context)
    for endpoint in content.endpoints:
        yield from _apply_endpoint(mist, endpoint, content.folder)


def _apply_context(mist: Mist, document: Entry) -> str:
    name = document["name"]
    if name == "default":
        return "context default: only the server's own files change it; passed over"
    before = _known(lambda: mist.context(name))
    after = mist.put_context(document)
    return f"context {name}: {_done(before, after, document)}"


def _apply_endpoint(mist: Mist, document: Entry, folder: Path) -> Iterator[str]:
    name, path = document["name"], str(document.get("path", ""))
    code = folder / path
    if "://" not in path and code.is_file():
        yield f"artifact {code.name}: {_upload(mist, code)}"
        document = {**document, "path": code.name}
    before = _known(lambda: mist.endpoint(name))
    if before is None:
        mist.create_endpoint(document)
        yield f"endpoint {name}: created"
    else:
        after = mist.update_endpoint({**ENDPOINT_DEFAULTS, **document})
        yield f"endpoint {name}: {_done(before, after, document)}"


def _upload(mist: Mist, code: Path) -> str:
    sha = _known(lambda: mist.artifact_sha(code.name))
    if sha == hashlib.sha1(code.read_bytes(), usedforsecurity=False).hexdigest():
        return "unchanged"
    mist.upload(code, force=True)
    return "replaced" if sha else "uploaded"


def _done(before: Any, after: Any, document: Entry) -> str:
    """The word for a write; "written" where a field that the server does not show may have changed."""
    if before is None:
        return "created"
    if before != after:
        return "changed"
    return "written" if document.keys() - after.keys() else "unchanged"


def _known(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except NotFoundError:
        return None

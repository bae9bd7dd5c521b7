"""`mist apply`: a YAML file of contexts and endpoints, with the job code that lies beside it, made to be so on the server."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from mist.client import Mist, NotFoundError


class BadFileError(ValueError):
    """The file cannot be applied; the text says why."""


def apply(mist: Mist, file: Path) -> Iterator[str]:
    """One line for each entry: what was done. Applied twice, the second time nothing changes."""
    content = _content(file)
    for context in _entries(content, "contexts"):
        yield _apply_context(mist, context)
    for endpoint in _entries(content, "endpoints"):
        yield from _apply_endpoint(mist, endpoint, file.parent)


def _apply_context(mist: Mist, document: Mapping[str, Any]) -> str:
    name = document["name"]
    if name == "default":
        return "context default: only the server's own files change it; passed over"
    before = _known(lambda: mist.context(name))
    after = mist.put_context(document)
    return f"context {name}: {_done(before, after, document)}"


def _apply_endpoint(mist: Mist, document: Mapping[str, Any], folder: Path) -> Iterator[str]:
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
        yield f"endpoint {name}: {_done(before, mist.update_endpoint(document), document)}"


def _upload(mist: Mist, code: Path) -> str:
    sha = _known(lambda: mist.artifact_sha(code.name))
    if sha == hashlib.sha1(code.read_bytes(), usedforsecurity=False).hexdigest():
        return "unchanged"
    mist.upload(code, force=True)
    return "replaced" if sha else "uploaded"


def _done(before: Any, after: Any, document: Mapping[str, Any]) -> str:
    """The word for a write. A field that the server does not show may have changed: "written" says no more than that."""
    if before is None:
        return "created"
    if before != after:
        return "changed"
    return "written" if document.keys() - after.keys() else "unchanged"


def _known(ask: Any) -> Any:
    try:
        return ask()
    except NotFoundError:
        return None


def _content(file: Path) -> Mapping[str, Any]:
    try:
        content = yaml.safe_load(file.read_text())
    except OSError as error:
        raise BadFileError(f"{file} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadFileError(f"{file} is no YAML: {error}") from error
    if not isinstance(content, dict) or set(content) - {"contexts", "endpoints"}:
        raise BadFileError(f"{file} must hold 'contexts' and 'endpoints', each a list, and nothing else")
    return content


def _entries(content: Mapping[str, Any], kind: str) -> list[Mapping[str, Any]]:
    entries = content.get(kind) or []
    if not isinstance(entries, list) or not all(isinstance(one, dict) and one.get("name") for one in entries):
        raise BadFileError(f"{kind} must be a list of objects, each with a name")
    return entries

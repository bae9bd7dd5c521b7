"""The YAML file of endpoints and contexts: its shape, checked before a line of it is used.

    contexts:
      - {name: big, maxJobs: 4}
    endpoints:
      - {name: count, path: count.py, className: count, defaultContext: big}

`mist apply` sends its entries to a gateway, `python -m mist_tools.load` appends them to the log. Fields other than
the name are checked where they are used: by the gateway, or by the gateway's models in `mist_tools.load`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mist_domain.errors import RefusalError

Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryFile:
    """Entries in the order of the file, each with a name that no other entry of its kind has."""

    folder: Path
    contexts: list[Entry]
    endpoints: list[Entry]


def read_registry_file(path: Path) -> RegistryFile:
    """Read and check the file. Raises `RefusalError` with code `bad_file`, which names the file and the fault."""
    content = _content(path)
    unknown = sorted(str(key) for key in content.keys() - {"contexts", "endpoints"})
    if unknown:
        raise _refused(path, f"{unknown[0]!r} is unknown; a file has 'contexts' and 'endpoints'")
    return RegistryFile(
        folder=path.parent,
        contexts=_entries(path, content, "contexts"),
        endpoints=_entries(path, content, "endpoints"),
    )


def _content(path: Path) -> Mapping[Any, Any]:
    try:
        content = yaml.safe_load(path.read_text())
    except OSError as error:
        raise RefusalError("bad_file", f"{path} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RefusalError("bad_file", f"{path} is no YAML: {error}") from error
    if not isinstance(content, dict):
        raise RefusalError("bad_file", f"{path} must hold 'contexts' and 'endpoints', each a list.")
    return content


def _entries(path: Path, content: Mapping[Any, Any], kind: str) -> list[Entry]:
    entries = content.get(kind) or []
    if not isinstance(entries, list) or not all(isinstance(entry, dict) and entry.get("name") for entry in entries):
        raise _refused(path, f"{kind} must be a list of objects, each with a name")
    names: set[str] = set()
    for entry in entries:
        name = str(entry["name"])
        if name in names:
            raise _refused(path, f"{kind.removesuffix('s')}/{name} is there twice; name each once")
        names.add(name)
    return entries


def _refused(path: Path, reason: str) -> RefusalError:
    return RefusalError("bad_file", f"{path}: {reason}.")

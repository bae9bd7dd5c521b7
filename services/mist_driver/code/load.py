"""A job's code, loaded: the module of a file or archive, and the function or class that is the job.

A module's name holds the hash of its place and content, so that two versions of a file live in one driver side by
side. Code that is the same is loaded once: what a module computes at its top level is kept for the next job.
"""

import hashlib
import importlib
import importlib.util
import os
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from mist_domain.signatures.languages import language_of
from mist_domain.signatures.reader import SignatureError, read_signature
from mist_driver.code.archive import SUFFIXES, archive_folder, load_from_archive
from mist_driver.code.call_styles import Call, to_call
from mist_driver.code.jar import jar_call
from mist_driver.code.sql import sql_call


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCode:
    """`signature` is that of the source; `call` runs the job."""

    signature: dict[str, Any]
    call: Call


def origin_of(path: str) -> str:
    """The beginning of the file names of the job's own code."""
    return str(archive_folder()) if path.lower().endswith(SUFFIXES) else path


class JobCodes:
    """All the code that this driver has loaded. Any thread may ask."""

    def __init__(self, sql_rows: int) -> None:
        self._sql_rows = sql_rows
        self._known: dict[tuple[str, str, int, int], JobCode] = {}
        self._modules: dict[str, ModuleType] = {}
        self._loading: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, path: str, class_name: str) -> JobCode:
        """Load the job, or find it loaded. Raises `SignatureError` for a missing job, and whatever its own code raises."""
        status = os.stat(path)  # noqa: PTH116 (for every job, and three times as fast)
        key = (path, class_name, status.st_mtime_ns, status.st_size)
        code = self._known.get(key)
        if code is None:
            code = self._known[key] = self._load(Path(path), class_name)
        return code

    def _load(self, path: Path, class_name: str) -> JobCode:
        match language_of(str(path)):
            case "sql":
                signature, call = sql_call(path, self._sql_rows)
                return JobCode(signature=signature, call=call)
            case "java":
                return JobCode(signature={}, call=jar_call(path, class_name))
            case _:
                return self._load_python(path, class_name)

    def _load_python(self, path: Path, class_name: str) -> JobCode:
        content = path.read_bytes()
        name = f"mist_job_{hashlib.sha256(str(path).encode() + content).hexdigest()[:16]}"
        with self._lock:
            lock = self._loading.setdefault(name, threading.Lock())
        with lock:
            if str(path).lower().endswith(SUFFIXES):
                return _from_archive(name, path, class_name)
            source = importlib.util.decode_source(content)
            signature = read_signature(source, class_name)
            if name not in self._modules:
                self._modules[name] = _run_module(name, path, source)
        return JobCode(signature=signature, call=to_call(_attribute(self._modules[name], class_name), signature))


def _run_module(name: str, path: Path, source: str) -> ModuleType:
    """Run the file under `name`. Spark's workers cannot import it, so its functions travel to them by value."""
    cloudpickle: Any = importlib.import_module("pyspark.cloudpickle")
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module
    cloudpickle.register_pickle_by_value(module)
    try:
        exec(compile(source, str(path), "exec", dont_inherit=True), module.__dict__)  # noqa: S102 (the job)
    except BaseException:
        cloudpickle.unregister_pickle_by_value(module)
        del sys.modules[name]
        raise
    return module


def _from_archive(name: str, path: Path, class_name: str) -> JobCode:
    module, job, source = load_from_archive(name, path, class_name)
    signature = read_signature(source, job)
    return JobCode(signature=signature, call=to_call(_attribute(module, job), signature))


def _attribute(module: ModuleType, class_name: str) -> Any:
    try:
        return getattr(module, class_name)
    except AttributeError:
        raise SignatureError(f'"{class_name}" is missing after the file has run') from None

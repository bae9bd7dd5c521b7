"""Jobs in a `.zip`, `.egg` or `.whl`: their packages under a root of their own, in the driver and in Spark's workers.

The archive's members are packed again under one package named after the content. That package makes an absolute
import of one member by another find the member of the same archive, so that versions never mix.
"""

import importlib
import importlib.util
import inspect
import tempfile
import zipfile
from functools import cache
from pathlib import Path
from types import ModuleType

from mist_domain.signatures.reader import SignatureError, archive_members
from mist_driver.code import archive_root

SUFFIXES = (".zip", ".egg", ".whl")


@cache
def archive_folder() -> Path:
    """The folder of repacked archives, in the driver's scratch folder (`TMPDIR`), which the host removes."""
    return Path(tempfile.mkdtemp(prefix="mist-archives-"))


def load_from_archive(name: str, path: Path, class_name: str) -> tuple[ModuleType, str, str]:
    """The module of `package.module.job`, the name `job` in it, and the module's source."""
    members, job = archive_members(class_name)
    source = _read_member(path, members)
    packed = archive_folder() / f"{name}.zip"
    if not packed.exists():
        _pack(path, packed, name)
        _give_to_spark(packed)
    return importlib.import_module(f"{name}.{class_name.rpartition('.')[0]}"), job, source


def _read_member(path: Path, members: list[str]) -> str:
    with zipfile.ZipFile(path) as archive:
        for member in members:
            if member in archive.namelist():
                return importlib.util.decode_source(archive.read(member))
    raise SignatureError(f"{path.name} holds neither {members[0]} nor {members[1]}")


def _pack(path: Path, packed: Path, name: str) -> None:
    """Everything under `name/`, whose `__init__` is this driver's `archive_root`."""
    unfinished = packed.with_suffix(".part")
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as out:
        members = [member for member in archive.namelist() if not member.endswith("/")]
        for member in members:
            out.writestr(f"{name}/{member}", archive.read(member))
        out.writestr(f"{name}/__init__.py", inspect.getsource(archive_root))
    unfinished.rename(packed)


def _give_to_spark(packed: Path) -> None:
    """Spark adds it to the import path here and in its workers."""
    from pyspark import SparkContext

    context = SparkContext._active_spark_context
    if context is not None:
        context.addPyFile(str(packed))

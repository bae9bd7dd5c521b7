"""The root package of one archive of jobs: absolute imports between its members stay within it.

This file is copied into the archive and runs in Spark's workers too, so it imports nothing of Mist.
"""

import builtins
import sys
from functools import cache
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from typing import Any


def own_import(name: str, namespace: Any = None, local: Any = None, fromlist: Any = (), level: int = 0) -> Any:
    """`__import__` for the archive's modules: what the archive has comes from the archive."""
    top = name.partition(".")[0]
    if level or not is_member(top):
        return builtins.__import__(name, namespace, local, fromlist, level)
    if fromlist:
        return builtins.__import__(f"{__name__}.{name}", namespace, local, fromlist, 0)
    import_module(f"{__name__}.{name}")
    return sys.modules[f"{__name__}.{top}"]


@cache
def is_member(top: str) -> bool:
    whole, path = f"{__name__}.{top}", globals()["__path__"]
    return whole in sys.modules or PathFinder.find_spec(whole, path) is not None


class Loader:
    """The usual loader; the module just sees another `__import__`."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def create_module(self, spec: ModuleSpec) -> Any:
        return self._inner.create_module(spec)

    def exec_module(self, module: Any) -> None:
        module.__builtins__ = {**vars(builtins), "__import__": own_import}
        self._inner.exec_module(module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class Finder:
    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:  # noqa: ARG004
        if not name.startswith(f"{__name__}."):
            return None
        spec = PathFinder.find_spec(name, path)
        if spec is not None and spec.loader is not None:
            spec.loader = Loader(spec.loader)  # type: ignore[assignment]
        return spec


if "mist_job_" in __name__:
    sys.meta_path.insert(0, Finder)

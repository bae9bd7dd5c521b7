"""A class of a `.jar` as a job: `main(String[])`, or a static method of a session and a map that returns a map.

It runs in the driver's JVM, in the JVM thread of the job's own thread, so its Spark work carries the job's tag.
Each jar has a class loader of its own, by its content: two versions in one driver do not see each other's classes.
Executors get every jar through Spark, which knows one class of a name there: versions that differ in classes that
travel to executors want contexts of their own.
"""

import hashlib
import json
import shutil
import tempfile
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from mist_driver.code.call_styles import Arguments, Call, JobCodeError
from mist_driver.spark.context import JobContext

MAIN, WORK = "main", "work"


class JavaError(Exception):
    """An exception of the job's Java code; `kind` is its class, `trace` its stack trace."""

    def __init__(self, kind: str, message: str, trace: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.trace = trace


def jar_call(path: Path, class_name: str) -> Call:
    """The call of the class, or of the one method that `Class#method` names."""

    def call(context: JobContext, arguments: Arguments) -> Any:
        session: Any = context.session
        return _Java(session).run(str(path), class_name, arguments)

    return call


class _Java:
    """The JVM for one job, from the job's own thread."""

    def __init__(self, session: Any) -> None:
        self._jvm: Any = session._jvm
        self._session: Any = session._jsparkSession
        self._context: Any = session.sparkContext._jsc.sc()
        self._gateway: Any = session.sparkContext._gateway

    def run(self, path: str, class_name: str, arguments: Arguments) -> Any:
        from py4j.protocol import Py4JJavaError

        loader = self._loader(path)
        style, method = self._method(loader, path, class_name)
        thread = self._jvm.java.lang.Thread.currentThread()
        before = thread.getContextClassLoader()
        thread.setContextClassLoader(loader)
        self._active().setActiveSession(self._session)
        try:
            return self._invoke(style, method, arguments)
        except Py4JJavaError as error:
            raise self._thrown(error) from error
        finally:
            self._active().clearActiveSession()
            thread.setContextClassLoader(before)

    def _active(self) -> Any:
        return getattr(self._jvm, "org.apache.spark.sql.classic.SparkSession")

    def _loader(self, path: str) -> Any:
        with _LOADING:
            loader = _LOADERS.get(path)
            if loader is None:
                jar = _copy(path)
                self._context.addJar(jar)
                urls = self._gateway.new_array(self._jvm.java.net.URL, 1)
                urls[0] = self._jvm.java.io.File(jar).toURI().toURL()
                parent = self._jvm.java.lang.Thread.currentThread().getContextClassLoader()
                loader = _LOADERS[path] = self._jvm.java.net.URLClassLoader(urls, parent)
            return loader

    def _method(self, loader: Any, path: str, class_name: str) -> tuple[str, Any]:
        owner, _, wanted = class_name.partition("#")
        found: list[tuple[str, Any]] = list(self._candidates(self._class(loader, path, owner), wanted))
        works = [method for style, method in found if style == WORK] or [method for _, method in found]
        if not works:
            raise JobCodeError(
                f"{class_name} has neither a public static method of (SparkSession, Map) nor main(String[])"
            )
        if len(works) > 1:
            names = ", ".join(sorted(method.getName() for method in works))
            raise JobCodeError(
                f"{owner} has several methods of (SparkSession, Map): {names}; name one as {owner}#method"
            )
        return next((style, method) for style, method in found if method is works[0])

    def _class(self, loader: Any, path: str, name: str) -> Any:
        from py4j.protocol import Py4JJavaError

        try:
            return loader.loadClass(name)
        except Py4JJavaError as error:
            kind = error.java_exception.getClass().getSimpleName()
            raise JobCodeError(f"{Path(path).name} has no class {name} that can be loaded ({kind})") from None

    def _candidates(self, owner: Any, wanted: str) -> Iterator[tuple[str, Any]]:
        for method in owner.getMethods():
            name = method.getName()
            if wanted in ("", name) and self._jvm.java.lang.reflect.Modifier.isStatic(method.getModifiers()):
                kinds = list(method.getParameterTypes())
                if len(kinds) == 1 and name == MAIN and kinds[0].getName() == "[Ljava.lang.String;":
                    yield MAIN, method
                elif len(kinds) == 2 and kinds[0].isInstance(self._session) and kinds[1].getName() == "java.util.Map":
                    yield WORK, method

    def _invoke(self, style: str, method: Any, arguments: Arguments) -> Any:
        given = self._gateway.new_array(self._jvm.java.lang.Object, 1 if style == MAIN else 2)
        mapper = self._jvm.com.fasterxml.jackson.databind.ObjectMapper()
        if style == MAIN:
            words = main_arguments(arguments)
            texts = self._gateway.new_array(self._jvm.java.lang.String, len(words))
            for at, word in enumerate(words):
                texts[at] = word
            given[0] = texts
        else:
            given[0] = self._session
            kind = self._jvm.java.lang.Class.forName("java.util.LinkedHashMap")
            given[1] = mapper.readValue(json.dumps(arguments), kind)
        result = method.invoke(None, given)
        return {} if style == MAIN else json.loads(mapper.writeValueAsString(result))

    def _thrown(self, error: Any) -> Exception:
        thrown = error.java_exception
        while thrown.getClass().getName() == "java.lang.reflect.InvocationTargetException":
            thrown = thrown.getCause()
        trace = self._jvm.org.apache.spark.util.Utils.exceptionString(thrown)
        return JavaError(thrown.getClass().getName(), str(thrown.getMessage() or ""), trace)


def main_arguments(arguments: Arguments) -> list[str]:
    """The words of `{"args": […]}` as they are; else `name=value` for each argument, with any value but text as JSON."""
    words = arguments.get("args")
    if set(arguments) == {"args"} and isinstance(words, list):
        return [_word(word) for word in words]
    return [f"{name}={_word(value)}" for name, value in arguments.items()]


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


_LOADERS: dict[str, Any] = {}
_LOADING = threading.Lock()


@cache
def _folder() -> Path:
    """In the driver's scratch folder (`TMPDIR`), which the host removes."""
    return Path(tempfile.mkdtemp(prefix="mist-jars-"))


def _copy(path: str) -> str:
    """Spark knows a jar by its file name, so each content has a name of its own."""
    with Path(path).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()[:16]
    copy = _folder() / f"{digest}-{Path(path).name}"
    shutil.copyfile(path, copy)
    return str(copy)

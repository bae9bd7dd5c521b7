"""Languages of jobs, by file suffix; the named parameters of SQL text."""

import re
from collections.abc import Mapping

PYTHON_ARCHIVES = (".zip", ".egg", ".whl")
PYTHON = (".py", *PYTHON_ARCHIVES)
ARCHIVES = (*PYTHON_ARCHIVES, ".jar")
LANGUAGES: Mapping[str, tuple[str, ...]] = {
    "python": PYTHON,
    "java": (".jar",),
    "scala": (".jar",),
    "sql": (".sql",),
}
SUFFIXES = (*PYTHON, ".jar", ".sql")
SQL_CLASS = "sql"
"""The className of a `.sql` file, which names nothing in it."""

_SQL_TOKEN = re.compile(
    r"""'(?:[^'\\]|\\.)*' | "(?:[^"\\]|\\.)*" | `[^`]*` | --[^\n]* | /\*.*?\*/ | :: | (?<![\w:]):(?P<name>[A-Za-z_]\w*)""",
    re.VERBOSE | re.DOTALL,
)


def language_of(path: str) -> str | None:
    """The language of a file by its suffix; of a `.jar`, `java`; `None` for a suffix that no job has."""
    return next((one for one, suffixes in LANGUAGES.items() if path.lower().endswith(suffixes)), None)


def fits_language(path: str, language: str) -> bool:
    return path.lower().endswith(LANGUAGES[language])


def sql_parameters(text: str) -> list[str]:
    """The names that stand in the SQL as `:name`, each once, in order; quotes and comments are passed over."""
    found = (match["name"] for match in _SQL_TOKEN.finditer(text))
    return list(dict.fromkeys(name for name in found if name))

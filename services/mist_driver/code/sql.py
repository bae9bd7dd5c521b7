"""A `.sql` file as a job: one statement, its `:name` parameters bound by Spark as values, never put into the text."""

import json
from pathlib import Path
from typing import Any

from mist_domain.signatures.arguments import known_arguments
from mist_domain.signatures.languages import sql_parameters
from mist_domain.signatures.types import ArgumentType, any_type
from mist_driver.code.call_styles import Arguments, Call
from mist_driver.spark.context import JobContext


def sql_call(path: Path, rows: int) -> tuple[dict[str, ArgumentType], Call]:
    """The signature, and the call of the statement; at most `rows` rows are its result."""
    text = path.read_text().strip().rstrip(";")
    signature = {name: any_type() for name in sql_parameters(text)}

    def call(context: JobContext, arguments: Arguments) -> Any:
        given = known_arguments(signature, arguments)
        return _collect(context.session.sql(text, args=given or None), rows)

    return signature, call


def _collect(frame: Any, rows: int) -> dict[str, Any]:
    """Rows in Spark's own JSON: decimals, dates and nested rows too."""
    if not frame.columns:
        return {"result": []}
    from pyspark.sql.functions import struct, to_json

    as_json = frame.select(to_json(struct("*"), {"ignoreNullFields": "false"}))
    found = [json.loads(row[0]) for row in as_json.limit(rows + 1).collect()]
    if len(found) <= rows:
        return {"result": found}
    return {"result": found[:rows], "cut": f"there are more rows; the first {rows} are here"}

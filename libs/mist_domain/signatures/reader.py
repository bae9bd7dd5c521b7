"""Signatures of jobs, read from the syntax tree of their source, which is never run.

Three styles: a plain function, a class with `execute`, a function under mistpy's decorators.
"""

import ast
from collections.abc import Iterator, Sequence

from mist_domain.signatures.arguments import check_arguments
from mist_domain.signatures.types import Annotations, ArgumentType, any_type, last_name, list_of, optional

__all__ = ["SignatureError", "archive_members", "check_arguments", "read_signature"]

SPARK_NAMES = {"spark", "sc"}
SPARK_TYPES = {"SparkSession", "SparkContext"}
MISTPY_TAKES = {
    "on_spark_context", "on_spark_session", "on_sql_context", "on_hive_context", "on_hive_session",
    "on_streaming_context",
}  # fmt: skip
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
JobNode = FunctionNode | ast.ClassDef


class SignatureError(ValueError):
    """The source cannot be read, or does not hold the named job. The text is a sentence for the client."""


def read_signature(source: str, class_name: str) -> dict[str, ArgumentType]:
    """The arguments of `class_name` in `source`, in order, as the wire's `execute`.

    A name that the module imports or assigns is there but unreadable: its arguments are not known, `{}`.
    """
    try:
        return _read(_parse(source), class_name)
    except (RecursionError, MemoryError) as error:
        raise SignatureError("this is not Python that can be read: it is nested too deeply") from error


def _read(module: ast.Module, class_name: str) -> dict[str, ArgumentType]:
    annotations = Annotations(module)
    node = _find(module, class_name)
    if node is None:
        return {}
    if isinstance(node, ast.ClassDef):
        return _parameters(_execute(module, node), annotations, skip=1)
    if any(last_name(decorator) in MISTPY_TAKES for decorator in node.decorator_list):
        return dict(_mistpy_arguments(node, annotations)) or _parameters(node, annotations, skip=1)
    return _parameters(node, annotations, skip=int(takes_spark(node)))


def archive_members(class_name: str) -> tuple[list[str], str]:
    """Locate `package.module.job` in an archive: the members to try, in order, and the name inside."""
    path, _, name = class_name.rpartition(".")
    if not path:
        raise SignatureError(f'"{class_name}" names no module: in an archive the className is "package.module.job"')
    stem = path.replace(".", "/")
    return [f"{stem}.py", f"{stem}/__init__.py"], name


def takes_spark(node: FunctionNode) -> bool:
    """True when the first parameter is the session or the context, by its name or its annotation."""
    positional = [*node.args.posonlyargs, *node.args.args]
    if not positional:
        return False
    first = positional[0]
    return first.arg in SPARK_NAMES or _annotated_as(first.annotation) in SPARK_TYPES


def _annotated_as(annotation: ast.expr | None) -> str:
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return annotation.value.rpartition(".")[2].strip()
    return last_name(annotation) if annotation else ""


def _parse(source: str) -> ast.Module:
    try:
        return ast.parse(source)
    except SyntaxError as error:
        line = f" in line {error.lineno}" if error.lineno else ""
        raise SignatureError(f"this is not Python: {error.msg}{line}") from error
    except ValueError as error:
        raise SignatureError(f"this is not Python: {error}") from error


def _find(module: ast.Module, class_name: str) -> JobNode | None:
    """The definition of that name, the last one counting; `None` when the name is only imported or assigned."""
    statements = list(_statements(module.body))
    jobs = {node.name: node for node in statements if isinstance(node, JobNode)}
    if class_name in jobs:
        return jobs[class_name]
    if class_name in {name for node in statements for name in _bound_names(node)}:
        return None
    there = ", ".join(sorted(name for name in jobs if not name.startswith("_"))) or "no function and no class"
    raise SignatureError(f'"{class_name}" is not defined there; there is {there}')


def _statements(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that define the module's names, also those under `if`, `try` and `with`."""
    for node in body:
        yield node
        if isinstance(node, ast.If | ast.Try | ast.With):
            yield from _statements([part for part in ast.iter_child_nodes(node) if isinstance(part, ast.stmt)])


def _bound_names(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            yield from ((name.asname or name.name).partition(".")[0] for name in names)
        case ast.Assign(targets=targets):
            yield from (target.id for target in targets if isinstance(target, ast.Name))
        case ast.AnnAssign(target=ast.Name(id=name)):
            yield name
        case _:
            return


def _execute(module: ast.Module, node: ast.ClassDef) -> FunctionNode:
    """The class's `execute`, its own or that of a base in the same file."""
    classes = {one.name: one for one in module.body if isinstance(one, ast.ClassDef)}
    waiting, seen = [node.name], set[str]()
    while waiting:
        name = waiting.pop(0)
        if name in seen or name not in classes:
            continue
        seen.add(name)
        for part in classes[name].body:
            if isinstance(part, FunctionNode) and part.name == "execute":
                return part
        waiting.extend(last_name(base) for base in classes[name].bases)
    raise SignatureError(f'the class "{node.name}" has no method "execute"')


def _parameters(node: FunctionNode, annotations: Annotations, *, skip: int) -> dict[str, ArgumentType]:
    positional = [*node.args.posonlyargs, *node.args.args]
    defaults = [None] * (len(positional) - len(node.args.defaults)) + list(node.args.defaults)
    pairs = list(zip(positional, defaults, strict=True))[skip:]
    pairs += zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    return {
        parameter.arg: _typed(annotations.read(parameter.annotation), has_default=default is not None)
        for parameter, default in pairs
    }


def _typed(kind: ArgumentType, *, has_default: bool) -> ArgumentType:
    return optional(kind) if has_default else kind


def _mistpy_arguments(node: FunctionNode, annotations: Annotations) -> Iterator[tuple[str, ArgumentType]]:
    """`arg("n", type_hint=int)` and `opt_arg(…)`, inside `with_args` or as decorators of their own."""
    for call in _calls(node.decorator_list):
        if last_name(call.func) == "with_args":
            yield from (found for inner in _calls(call.args) for found in _mistpy_argument(inner, annotations))
        else:
            yield from _mistpy_argument(call, annotations)


def _calls(nodes: Sequence[ast.expr]) -> list[ast.Call]:
    return [node for node in nodes if isinstance(node, ast.Call)]


def _mistpy_argument(call: ast.Call, annotations: Annotations) -> Iterator[tuple[str, ArgumentType]]:
    given = dict(zip(("name", "type_hint", "default", "optional"), call.args, strict=False))
    given |= {word.arg: word.value for word in call.keywords if word.arg}
    name = given.get("name")
    if last_name(call.func) not in {"arg", "opt_arg"} or not isinstance(name, ast.Constant):
        return
    kind = _mistpy_type(given.get("type_hint"), annotations)
    may_miss = last_name(call.func) == "opt_arg" or any(_says_yes(given.get(word)) for word in ("default", "optional"))
    yield str(name.value), optional(kind) if may_miss else kind


def _says_yes(node: ast.expr | None) -> bool:
    """Not given, for mistpy, are `default=None` and `optional=False`."""
    return node is not None and not (isinstance(node, ast.Constant) and (node.value is None or node.value is False))


def _mistpy_type(hint: ast.expr | None, annotations: Annotations) -> ArgumentType:
    if isinstance(hint, ast.Call) and last_name(hint.func) == "list_type":
        return list_of(_mistpy_type(hint.args[0], annotations)) if hint.args else list_of(any_type())
    return annotations.read(hint)

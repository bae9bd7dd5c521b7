"""Argument types as the wire names them (`{"type": "MList", "args": [{"type": "MInt"}]}`), read from annotations.

What cannot be read is `MAny`: a type that says nothing refuses nothing.
"""

import ast
from collections.abc import Iterable, Mapping
from typing import Any

ArgumentType = dict[str, Any]

SIMPLE = {"bool": "MBoolean", "int": "MInt", "float": "MDouble", "str": "MString"}
LISTS = {"list", "List", "tuple", "Tuple", "set", "Set", "frozenset", "FrozenSet", "AbstractSet"} | {
    "Sequence", "MutableSequence", "Iterable", "Collection", "Iterator",
}  # fmt: skip
MAPS = {"dict", "Dict", "Mapping", "MutableMapping", "defaultdict", "OrderedDict"}
LITERALS: dict[type, str] = {bool: "MBoolean", int: "MInt", str: "MString"}


def any_type() -> ArgumentType:
    return {"type": "MAny"}


def list_of(item: ArgumentType) -> ArgumentType:
    return {"type": "MList", "args": [item]}


def optional(inner: ArgumentType) -> ArgumentType:
    """`inner`, or nothing at all; never an option of an option."""
    return inner if inner["type"] == "MOption" else {"type": "MOption", "args": [inner]}


def last_name(node: ast.expr) -> str:
    """`int` of `int`, `List` of `typing.List`; empty for what is no name."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


class Annotations:
    """Reads annotations of one module; `aliases` and `objects` are what the module itself defines."""

    def __init__(self, module: ast.Module) -> None:
        self._aliases = dict(_aliases(module.body))
        classes = [node for node in module.body if isinstance(node, ast.ClassDef)]
        self._objects = {node.name: node for node in classes if _is_typed_dict(node)}
        self._open: set[str] = set()

    def read(self, node: ast.expr | None) -> ArgumentType:
        match node:
            case ast.Constant(value=str(text)):
                return self._read_text(text)
            case ast.Name() | ast.Attribute():
                return self._read_name(last_name(node))
            case ast.Subscript(value=container, slice=inside):
                return self._read_generic(last_name(container), _items(inside))
            case ast.BinOp(op=ast.BitOr()):
                return self._read_union(_alternatives(node))
            case _:
                return any_type()

    def _read_text(self, text: str) -> ArgumentType:
        try:
            return self.read(ast.parse(text, mode="eval").body)
        except SyntaxError:
            return any_type()

    def _read_name(self, name: str) -> ArgumentType:
        if name in self._open:
            return any_type()
        if name in self._objects or name in self._aliases:
            return self._read_defined(name)
        if name in SIMPLE:
            return {"type": SIMPLE[name]}
        if name in LISTS:
            return list_of(any_type())
        return self._map_of([]) if name in MAPS else any_type()

    def _read_defined(self, name: str) -> ArgumentType:
        self._open.add(name)
        found = self._read_object(self._objects[name]) if name in self._objects else self.read(self._aliases[name])
        self._open.discard(name)
        return found

    def _read_object(self, node: ast.ClassDef) -> ArgumentType:
        partial = any(word.arg == "total" and ast.unparse(word.value) == "False" for word in node.keywords)
        fields = {
            last_name(entry.target): optional(self.read(entry.annotation)) if partial else self.read(entry.annotation)
            for entry in node.body
            if isinstance(entry, ast.AnnAssign)
        }
        return {"type": "MObj", "fields": fields}

    def _read_generic(self, container: str, items: list[ast.expr]) -> ArgumentType:
        match container:
            case "Optional" | "NotRequired":
                return optional(self.read(items[0]))
            case "Union":
                return self._read_union(items)
            case "Annotated" | "Required" | "Final":
                return self.read(items[0])
            case "Literal":
                return _literal(items)
            case _ if container in LISTS:
                return list_of(self._item(items))
            case _ if container in MAPS:
                return self._map_of(items)
            case _:
                return any_type()

    def _item(self, items: list[ast.expr]) -> ArgumentType:
        """The type of a list's items; a tuple's when they are all the same."""
        kinds = [self.read(item) for item in items if not (isinstance(item, ast.Constant) and item.value is ...)]
        return kinds[0] if kinds and all(kind == kinds[0] for kind in kinds) else any_type()

    def _map_of(self, items: list[ast.expr]) -> ArgumentType:
        value = self.read(items[1]) if len(items) == 2 else any_type()
        return {"type": "MMap", "args": [{"type": "MString"}, value]}

    def _read_union(self, items: list[ast.expr]) -> ArgumentType:
        kinds = [self.read(item) for item in items if not _is_none(item)]
        kind = kinds[0] if kinds and all(kind == kinds[0] for kind in kinds) else _number(kinds)
        return optional(kind) if len(kinds) < len(items) else kind


def _number(kinds: list[ArgumentType]) -> ArgumentType:
    """`int | float` is what `MDouble` takes; any other mixture is `MAny`."""
    return {"type": "MDouble"} if {kind["type"] for kind in kinds} == {"MInt", "MDouble"} else any_type()


def _literal(items: list[ast.expr]) -> ArgumentType:
    kinds = {LITERALS.get(type(item.value)) if isinstance(item, ast.Constant) else None for item in items}
    kind = kinds.pop()
    return {"type": kind} if kind and not kinds else any_type()


def _items(node: ast.expr) -> list[ast.expr]:
    return node.elts if isinstance(node, ast.Tuple) else [node]


def _alternatives(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _alternatives(node.left) + _alternatives(node.right)
    return [node]


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_typed_dict(node: ast.ClassDef) -> bool:
    return any(last_name(base) == "TypedDict" for base in node.bases)


def _aliases(body: Iterable[ast.stmt]) -> Iterable[tuple[str, ast.expr]]:
    """`Numbers = list[int]` and `Numbers: TypeAlias = list[int]`."""
    for node in body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield name, value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                yield name, value
            case _:
                continue


def describe(kind: Mapping[str, Any]) -> str:
    """A type in words: "a list of integers", "an object of numbers"."""
    match kind["type"], kind.get("args", []):
        case "MList", [item] if item["type"] != "MAny":
            return f"a list of {_plural(item)}"
        case "MMap", [_, value] if value["type"] != "MAny":
            return f"an object of {_plural(value)}"
        case "MOption", [inner]:
            return f"{describe(inner)} or null"
        case name, _:
            return _SINGULAR.get(name, "a value")


def _plural(kind: Mapping[str, Any]) -> str:
    if kind["type"] in {"MList", "MMap"}:
        container, _, rest = describe(kind).partition(" of ")
        return f"{container.split()[-1]}s" + (f" of {rest}" if rest else "")
    if kind["type"] == "MOption":
        return f"{_plural(kind['args'][0])} or nulls"
    return f"{describe(kind).split()[-1]}s"


_SINGULAR = {
    "MBoolean": "a boolean",
    "MInt": "an integer",
    "MDouble": "a number",
    "MString": "a string",
    "MList": "a list",
    "MMap": "an object",
    "MObj": "an object",
}

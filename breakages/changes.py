"""Source code -> the small changes that a test should notice. Pure."""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,), ast.NotIn: (ast.In,),
}  # fmt: skip
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.BitAnd: ast.BitOr,
}  # fmt: skip
_OPPOSITES = {"any": "all", "all": "any", "min": "max", "max": "min"}
_WRAPPERS = ("sorted", "abs", "int", "reversed", "quote", "shorten", "newest_first")
_EMPTY = {"bool": ("True", "False"), "str": ("''",), "int": ("0",), "tuple": ("()",), "list": ("[]",), "dict": ("{}",)}
# Types, which mean nothing at run time, and decorators.
_NOT_BROKEN = ("annotation", "returns", "decorator_list", "bases")
_Node = TypeVar("_Node", bound=ast.AST)
_LONGEST_SHOWN = 60  # characters of each side of a change


@dataclass(frozen=True)
class Change:
    """One change of a file: the line, the function or method (empty outside of any), what it is, and the new source."""

    line: int
    function: str
    words: str
    source: str


def changes(source: str) -> Iterator[Change]:
    """Yield every change of ``source`` that is known here, from its first line to its last."""
    tree = ast.parse(source)
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import)]
    modules = frozenset(name.asname or name.name for node in imports for name in node.names)
    places = sorted(
        _places(tree, _Surroundings("", None, modules)), key=lambda place: (place.old.lineno, place.old.col_offset)
    )
    seen = {ast.unparse(tree)}
    for place in sorted(places, key=lambda place: (place.old.lineno, place.old.col_offset)):
        place.put(place.new)
        broken = ast.unparse(tree)
        place.put(place.old)
        if broken not in seen:
            seen.add(broken)
            yield Change(
                place.old.lineno, place.function, _words(ast.unparse(place.old), ast.unparse(place.new)), broken
            )


@dataclass(frozen=True)
class _Place:
    """One node in its parent, and what may stand there instead."""

    function: str
    parent: ast.AST
    name: str
    at: int | None  # where it is in a list
    old: ast.expr | ast.stmt
    new: ast.AST

    def put(self, node: ast.AST) -> None:
        if self.at is None:
            setattr(self.parent, self.name, node)
        else:
            getattr(self.parent, self.name)[self.at] = node


@dataclass(frozen=True)
class _Surroundings:
    """Where a node is; ``modules`` are the names in its file that stand for modules."""

    name: str  # of the outermost function or, outside of any, of the class
    function: ast.FunctionDef | None
    modules: frozenset[str]

    def inside(self, node: ast.AST) -> _Surroundings:
        if not isinstance(node, ast.FunctionDef | ast.ClassDef):
            return self
        name = self.name if self.function else f"{self.name}.{node.name}".removeprefix(".")
        return replace(self, name=name, function=node if isinstance(node, ast.FunctionDef) else self.function)


def _places(parent: ast.AST, around: _Surroundings) -> Iterator[_Place]:
    """Yield the places below ``parent``."""
    around = around.inside(parent)
    for name, value in ast.iter_fields(parent):
        children = list(enumerate(value)) if isinstance(value, list) else [(None, value)]
        for at, node in children if name not in _NOT_BROKEN else ():
            if isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation) == "TypeAlias":
                continue
            if isinstance(node, ast.stmt):
                found: Iterable[ast.AST] = _instead_of_statement(node, parent, around.function)
            elif isinstance(node, ast.expr):
                found = (*_instead_of_condition(parent, name), *_instead_of_value(node, parent, around.modules))
            else:
                found = ()
            yield from (_Place(around.name if around.function else "", parent, name, at, node, new) for new in found)
            if isinstance(node, ast.AST):
                yield from _places(node, around)


def _instead_of_statement(node: ast.stmt, parent: ast.AST, function: ast.FunctionDef | None) -> Iterator[ast.stmt]:
    if function is None:
        return
    match node:
        case ast.Expr(value=ast.Constant()):
            return  # a docstring
        case ast.Expr() | ast.AugAssign() | ast.Raise() | ast.Continue() | ast.Break() | ast.Delete():
            yield ast.Pass()
        case ast.Assign(targets=[target]) if not isinstance(target, ast.Name) or _is_set_twice(target, function):
            yield ast.Pass()
        case ast.Return(value=value):
            if not isinstance(parent, ast.FunctionDef):
                yield ast.Pass()
            if value is not None:
                yield from (ast.Return(value=empty) for empty in _empty_values(function.returns))
        case ast.Match(cases=cases):
            yield from (_with(node, cases=cases[:at] + cases[at + 1 :]) for at in range(len(cases)) if len(cases) > 1)


def _is_set_twice(name: ast.Name, function: ast.FunctionDef) -> bool:
    arguments = [argument.arg for argument in (*function.args.args, *function.args.kwonlyargs)]
    stored = [node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
    return Counter([*arguments, *stored])[name.id] > 1


def _empty_values(annotation: ast.expr | None) -> Iterator[ast.expr]:
    """Yield what a function with this annotation may return as well."""
    match annotation:
        case ast.Constant(value=None):
            yield annotation
        case ast.Name(id=name) | ast.Subscript(value=ast.Name(id=name)):
            yield from (ast.parse(text, mode="eval").body for text in _EMPTY.get(name, ()))
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            yield from (*_empty_values(left), *_empty_values(right))


def _instead_of_condition(parent: ast.AST, name: str) -> Iterator[ast.expr]:
    is_condition = name in ("test", "guard") or (isinstance(parent, ast.comprehension) and name == "ifs")
    if is_condition:
        yield ast.Constant(value=False)
        if not isinstance(parent, ast.While):
            yield ast.Constant(value=True)


def _instead_of_value(node: ast.expr, parent: ast.AST, modules: frozenset[str]) -> Iterator[ast.expr]:
    match node:
        case ast.Constant(value=bool(value)):
            yield ast.Constant(value=not value)
        case ast.Constant(value=int(value) | float(value)):
            yield from (ast.Constant(value=value + 1), ast.Constant(value=value - 1))
        case ast.Tuple(elts=elements, ctx=ast.Load()) | ast.List(elts=elements, ctx=ast.Load()):
            if not isinstance(parent, ast.Subscript):  # there it is a type
                yield from (_with(node, elts=elements[:at] + elements[at + 1 :]) for at in range(len(elements)))
        case ast.Dict(keys=keys, values=values):
            for at in range(len(keys)):
                yield _with(node, keys=keys[:at] + keys[at + 1 :], values=values[:at] + values[at + 1 :])
        case ast.Call():
            yield from _instead_of_call(node, parent, modules)
        case _:
            yield from _instead_of_operation(node)


def _instead_of_operation(node: ast.expr) -> Iterator[ast.expr]:
    match node:
        case ast.Compare(ops=ops):
            for at, old in enumerate(ops):
                yield from (_with(node, ops=[*ops[:at], new(), *ops[at + 1 :]]) for new in _COMPARISONS[type(old)])
        case ast.BoolOp(op=operator, values=values):
            yield _with(node, op=ast.Or() if isinstance(operator, ast.And) else ast.And())
            yield from values
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield operand
        case ast.BinOp(op=operator, left=left, right=right):
            if isinstance(operator, ast.BitOr | ast.Add | ast.BitAnd):
                yield from (left, right)
            if type(operator) in _ARITHMETIC:
                yield _with(node, op=_ARITHMETIC[type(operator)]())


def _instead_of_call(node: ast.Call, parent: ast.AST, modules: frozenset[str]) -> Iterator[ast.expr]:
    words = node.keywords
    yield from (_with(node, keywords=words[:at] + words[at + 1 :]) for at, word in enumerate(words) if word.arg)
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name))) if name in modules:
            return
        case ast.Call(func=ast.Attribute(value=owner)) if not isinstance(parent, ast.Expr):
            yield owner
        case ast.Call(func=ast.Name(id=name), args=[first, *_]):
            if name in _OPPOSITES:
                yield _with(node, func=ast.Name(id=_OPPOSITES[name]))
            if name in _WRAPPERS:
                yield first


def _with(node: _Node, **fields: object) -> _Node:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def _words(before: str, after: str) -> str:
    """Return what a change is, on one line; where it is long, only the part that differs."""
    before, after = (" ".join(text.split()) for text in (before, after))
    if max(len(before), len(after)) > _LONGEST_SHOWN:
        at = next((at for at, (one, other) in enumerate(zip(before, after, strict=False)) if one != other), 0)
        begin = max(0, before.rfind(" ", 0, max(0, at - 12)) + 1)
        before, after = (f"{'… ' if begin else ''}{text[begin : begin + _LONGEST_SHOWN]}" for text in (before, after))
    return f"{before}  ->  {after}"

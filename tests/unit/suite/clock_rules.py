"""Finds the places in a test module that judge by the clock: a busy machine could fail them.

Elapsed time is followed through names, lists and return values inside one module. Calls of other modules are not.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

MIN_GUARD_SECONDS: Final = 30.0
_CLOCKS: Final = frozenset({"monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "time", "time_ns"})
_GUARDS: Final = {
    "timeout": 0,
    "timeout_at": 0,
    "fail_after": 0,
    "move_on_after": 0,
    "wait_for": 1,
    "wait": 0,
    "join": 0,
    "drain": 0,
}
"""Calls with a time limit, and the position of the limit."""
_MEANT_TO_PASS: Final = {"drain": 1.0}
"""Calls whose limit is no guard if it is shorter than this: the test expects it to pass."""
_LIMITS: Final = frozenset({"timeout", "seconds", "limit_seconds"})
"""Parameters that limit a wait."""
_MILLISECOND_LIMITS: Final = frozenset({"set_default_timeout", "set_options", "set_default_navigation_timeout"})
_HTTPX_CALLS: Final = frozenset({"Client", "AsyncClient", "get", "post", "put", "delete", "request", "stream"})
_ELAPSED: Final = frozenset({"total_seconds"})
_NAMES: Final = re.compile(r"(?:.*_)?(?:took|elapsed|latency|latencies|delays?|p99)(?:_.*)?", re.ASCII)
"""Names that hold elapsed time, wherever it was measured."""
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def find_clock_judgments(tree: ast.Module, imported: Mapping[str, float] | None = None) -> Iterator[tuple[int, str]]:
    """The line and kind of each judgment. `imported` gives the values of constants from other modules."""
    constants = {**(imported or {}), **constants_of(tree)}
    timed: set[str] = set()
    while (found := timed | _timed_functions(tree, timed)) != timed:
        timed = found
    for scope in _scopes_of(tree):
        scope.follow(timed)
        for node in scope.nodes:
            yield from _judge(node, scope, timed, constants)


def constants_of(tree: ast.Module) -> dict[str, float]:
    """The module's numeric constants."""
    values: dict[str, float] = {}
    for node in tree.body:
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ):
                number = _number(value, values)
                if number is not None:
                    values[name] = number
    return values


def _judge(
    node: ast.AST, scope: "_Scope", timed: set[str], constants: Mapping[str, float]
) -> Iterator[tuple[int, str]]:
    match node:
        case ast.Compare(left=left, ops=[ast.Lt() | ast.LtE() | ast.Gt() | ast.GtE() as operator, *_]):
            sides = [left, *node.comparators]
            if any(scope.is_elapsed(side, timed) for side in sides):
                yield node.lineno, "compares elapsed time"
            elif isinstance(operator, ast.Lt | ast.LtE) and scope.reads_clock(left):
                # With `>`, a test waits until the period has passed.
                periods = [period for side in node.comparators for period in scope.periods_of(side, constants)]
                if any(period < MIN_GUARD_SECONDS for period in periods):
                    yield node.lineno, f"compares the clock with {min(periods):g} s"
        case ast.Call(func=ast.Attribute(value=ast.Name(id="httpx"), attr=name), keywords=keywords) if (
            name in _HTTPX_CALLS and not {"timeout", "transport"} & {keyword.arg for keyword in keywords}
        ):
            yield node.lineno, "has httpx's limit of 5 s"
        case ast.Call():
            for seconds in _limits_of(node, constants):
                if seconds < MIN_GUARD_SECONDS:
                    yield node.lineno, f"limits a wait to {seconds:g} s"
        case ast.FunctionDef(args=arguments) | ast.AsyncFunctionDef(args=arguments):
            for name, default in _defaults_of(arguments):
                seconds_or_none = _number(default, constants)
                if name in _LIMITS and seconds_or_none is not None and seconds_or_none < MIN_GUARD_SECONDS:
                    yield node.lineno, f"limits a wait to {seconds_or_none:g} s"


def _limits_of(call: ast.Call, constants: Mapping[str, float]) -> Iterator[float]:
    name = _name_of(call.func)
    if name == "timedelta":
        return
    scale = 1000 if name in _MILLISECOND_LIMITS else 1
    position = 0 if name == "set_default_timeout" else _GUARDS.get(name)
    limits = [keyword.value for keyword in call.keywords if keyword.arg in _LIMITS]
    if position is not None:
        limits += call.args[position : position + 1]
    for limit in limits:
        seconds = _number(limit, constants)
        if seconds is not None and seconds / scale >= _MEANT_TO_PASS.get(name, 0):
            yield seconds / scale


@dataclass
class _Scope:
    """The nodes of an outermost function, or of the module outside all functions, and what its names hold."""

    nodes: list[ast.AST]
    clocks: dict[str, ast.expr] = field(default_factory=dict)
    """Names that hold a reading of the clock, or a moment that was computed from one."""
    elapsed: set[str] = field(default_factory=set)

    def follow(self, timed: set[str]) -> None:
        before = -1
        while before != len(self.clocks) + len(self.elapsed):
            before = len(self.clocks) + len(self.elapsed)
            for node in self.nodes:
                for target, value in _bindings_of(node):
                    if self.is_elapsed(value, timed):
                        self.elapsed |= target
                    elif self.reads_clock(value):
                        self.clocks |= dict.fromkeys(target, value)

    def reads_clock(self, node: ast.AST) -> bool:
        return any(self._is_clock(part) for part in ast.walk(node))

    def is_elapsed(self, node: ast.AST, timed: set[str]) -> bool:
        match node:
            case ast.Call(func=ast.Name(id="len")):
                return False
            case ast.Call(func=function) if _name_of(function) in timed | _ELAPSED:
                return True
            case ast.Name(id=name) if name in self.elapsed or _NAMES.fullmatch(name):
                return True
            case ast.BinOp(op=ast.Sub(), left=left) if self.reads_clock(left):
                return True
        return any(self.is_elapsed(child, timed) for child in ast.iter_child_nodes(node))

    def periods_of(self, node: ast.expr, constants: Mapping[str, float]) -> Iterator[float]:
        """The constants that are added to a reading of the clock."""
        match node:
            case ast.Name(id=name) if name in self.clocks:
                yield from self.periods_of(self.clocks[name], constants)
            case ast.BinOp(op=ast.Add(), left=left, right=right):
                for moment, period in ((left, right), (right, left)):
                    seconds = _number(period, constants)
                    if seconds is not None and self.reads_clock(moment):
                        yield seconds
            case ast.Tuple(elts=parts):
                for part in parts:
                    yield from self.periods_of(part, constants)

    def _is_clock(self, node: ast.AST) -> bool:
        match node:
            case ast.Call(func=function, args=[], keywords=[]):
                return _name_of(function) in _CLOCKS
            case ast.Name(id=name):
                return name in self.clocks
        return False


def _scopes_of(tree: ast.Module) -> Iterator[_Scope]:
    outside: list[ast.AST] = []
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, _Function):
            yield _Scope(list(ast.walk(node)))
        else:
            outside.append(node)
            waiting += ast.iter_child_nodes(node)
    yield _Scope(outside)


def _timed_functions(tree: ast.Module, timed: set[str]) -> set[str]:
    """The functions that return elapsed time, given those already known."""
    found = set()
    for scope in _scopes_of(tree):
        function = scope.nodes[0]
        if not isinstance(function, _Function):
            continue
        scope.follow(timed)
        returned = [node.value for node in scope.nodes if isinstance(node, ast.Return) and node.value is not None]
        if any(scope.is_elapsed(value, timed) for value in returned):
            found.add(function.name)
    return found


def _bindings_of(node: ast.AST) -> Iterator[tuple[set[str], ast.expr]]:
    """The names that a statement binds or fills, and the value."""
    match node:
        case ast.Assign(targets=targets, value=value):
            yield {name for target in targets for name in _names_in(target)}, value
        case ast.AnnAssign(target=target, value=ast.expr() as value) | ast.AugAssign(target=target, value=value):
            yield _names_in(target), value
        case ast.NamedExpr(target=ast.Name(id=name), value=value):
            yield {name}, value
        case ast.For(target=target, iter=value) | ast.AsyncFor(target=target, iter=value):
            yield _names_in(target), value
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="append" | "extend"), args=[value]):
            yield {name}, value


def _names_in(target: ast.expr) -> set[str]:
    return {node.id for node in ast.walk(target) if isinstance(node, ast.Name)}


def _defaults_of(arguments: ast.arguments) -> Iterator[tuple[str, ast.expr]]:
    positional = [*arguments.posonlyargs, *arguments.args]
    for argument, default in zip(
        positional[len(positional) - len(arguments.defaults) :], arguments.defaults, strict=True
    ):
        yield argument.arg, default
    for argument, keyword_default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if keyword_default is not None:
            yield argument.arg, keyword_default


def _number(node: ast.expr, constants: Mapping[str, float]) -> float | None:
    """The value of a constant expression."""
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return float(value)
        case ast.Name(id=name):
            return constants.get(name)
        case ast.BinOp(left=left, op=ast.Add() | ast.Mult() | ast.Div() | ast.Sub() as operator, right=right):
            first, second = _number(left, constants), _number(right, constants)
            if first is None or second is None:
                return None
            match operator:
                case ast.Add():
                    return first + second
                case ast.Sub():
                    return first - second
                case ast.Mult():
                    return first * second
            return first / second
    return None


def _name_of(function: ast.expr) -> str:
    match function:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""

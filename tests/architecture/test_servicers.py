"""A servicer translates: a unary method is parse, call, render, and decides nothing."""

import ast
from pathlib import Path

RPC = Path(__file__).parents[2] / "alservice" / "rpc"
DECISIONS = (
    ast.If,
    ast.IfExp,
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.Try,
    ast.TryStar,
    ast.Match,
    ast.comprehension,
)
Method = ast.FunctionDef | ast.AsyncFunctionDef


def rpc_methods() -> dict[str, Method]:
    """Methods named like RPCs (`Query`) of the classes in `rpc/*_service.py`."""
    return {
        f"{path.stem}.{method.name}": method
        for path in sorted(RPC.glob("*_service.py"))
        for cls in ast.parse(path.read_text()).body
        if isinstance(cls, ast.ClassDef)
        for method in cls.body
        if isinstance(method, Method) and method.name[0].isupper()
    }


def streams(method: Method) -> bool:
    """Whether the call carries a stream: it takes an iterator of requests, or yields answers."""
    takes = any(argument.arg == "request_iterator" for argument in method.args.args)
    return takes or any(isinstance(node, ast.Yield) for node in ast.walk(method))


def decisions(method: Method) -> list[str]:
    """Kinds and lines of the statements that decide or repeat."""
    return [
        f"{type(node).__name__} in line {getattr(node, 'lineno', '?')}"
        for node in ast.walk(method)
        if isinstance(node, DECISIONS)
    ]


def test_there_are_unary_methods_to_check() -> None:
    assert len([m for m in rpc_methods().values() if not streams(m)]) > 20


def test_a_unary_method_has_no_branch_and_no_loop() -> None:
    unary = {name: method for name, method in rpc_methods().items() if not streams(method)}
    assert {name: found for name, method in unary.items() if (found := decisions(method))} == {}


def test_a_stream_method_has_one_loop_at_most() -> None:
    for name, method in rpc_methods().items():
        if streams(method):
            assert len(decisions(method)) <= 1, name

"""The history on disk: each client writes down what it is about to do, and then what came of it.

A line that begins a call is with the kernel before the call is sent, so a test that dies leaves
a record of everything that may have happened.
"""

import json
import time
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Final

from tests.chaos.call import NEVER, Call
from tests.e2e import history

_KINDS: Final[dict[str, Any]] = {
    name: kind
    for name, kind in vars(history).items()
    if isinstance(kind, type) and is_dataclass(kind)
}


class Journal:
    """The file of one client."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a")

    def begin(self, request: history.Request, *, hurried: bool = False) -> None:
        """It is about to be sent."""
        self._write({"begin": encode(request), "at": time.monotonic_ns(), "hurried": hurried})

    def end(self, result: history.Result | None, attempts: int, failure: str = "") -> None:
        """It was answered, or given up."""
        line = {"at": time.monotonic_ns(), "attempts": attempts, "failure": failure}
        self._write({"end": encode(result), **line})

    def close(self) -> None:
        """Nothing more will come."""
        self._file.close()

    def _write(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()


def calls_in(path: Path) -> list[Call]:
    """All calls of one client, in order; the last one may lack its end."""
    calls: list[Call] = []
    for text in path.read_text().splitlines():
        line = json.loads(text)
        if "begin" in line:
            calls.append(Call(decode(line["begin"]), line["at"], NEVER, hurried=line["hurried"]))
            continue
        calls[-1] = replace(
            calls[-1],
            end_ns=line["at"],
            result=decode(line["end"]),
            attempts=line["attempts"],
            failure=line["failure"],
        )
    return calls


def encode(value: Any) -> Any:
    """As JSON."""
    if isinstance(value, tuple):
        return [encode(each) for each in value]
    if not is_dataclass(value):
        return value
    named = {field.name: encode(getattr(value, field.name)) for field in fields(value)}
    return {"is": type(value).__name__, **named}


def decode(value: Any) -> Any:
    """What `encode` was given."""
    if isinstance(value, list):
        return tuple(decode(each) for each in value)
    if not isinstance(value, dict):
        return value
    named = {name: decode(each) for name, each in value.items() if name != "is"}
    return _KINDS[value["is"]](**named)

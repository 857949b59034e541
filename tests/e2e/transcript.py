"""Reads a page of documentation as a transcript: commands, and what they print."""

import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

FENCE: Final = "```"
ADDRESS: Final = "127.0.0.1:50051"
MADE_BY_SERVER: Final = (
    (re.compile(r"\b([bmo])-[0-9a-f]{8,}"), r"\1-..."),
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z"), "TIME"),
    (re.compile(r"^[0-9a-f]+-\d+$"), "ETAG"),
)
# What was learned depends a little on the processor and on the version of scikit-learn.
LEARNED: Final = {"value", "low", "high", "score", "temperature", "fits"}
_CUT: Final = "--8<-- {} --8<--"


@dataclass(frozen=True)
class Step:
    """One command and what it prints; `lines` are where in the page the output stands."""

    command: str
    output: str
    lines: tuple[int, int]


def steps(page: str, *, tool: str = "") -> list[Step]:
    """The commands of all `console` blocks, of those for `tool`, and of no other tool's."""
    lines, found, number = page.splitlines(), list[Step](), 0
    while number < len(lines):
        if not lines[number].startswith(f"{FENCE}console"):
            number += 1
            continue
        wanted = lines[number].removeprefix(f"{FENCE}console").strip() in ("", tool)
        end = lines.index(FENCE, number + 1)
        found += _of_block(lines, number + 1, end) if wanted else []
        number = end + 1
    return found


def _of_block(lines: list[str], start: int, end: int) -> list[Step]:
    found, number = list[Step](), start
    while number < end:
        command = [lines[number].removeprefix("$ ")]
        number += 1
        while number < end and lines[number].startswith("> "):
            command.append(lines[number].removeprefix("> "))
            number += 1
        first = number
        while number < end and not lines[number].startswith("$ "):
            number += 1
        text = "\n".join(lines[first:number])
        found.append(Step("\n".join(command), text, (first, number)))
    return found


def run(page: list[Step], address: str, folder: Path, environment: Mapping[str, str]) -> list[str]:
    """What each command prints, all in one shell, against the server at `address`."""
    script = ""
    for number, step in enumerate(page):
        script += f"{step.command.replace(ADDRESS, address)}\necho\necho '{_CUT.format(number)}'\n"
    ended = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    printed, rest = [], ended.stdout
    for number in range(len(page)):
        text, cut, rest = rest.partition(_CUT.format(number))
        assert cut, f"the shell stopped at {page[number].command}:\n{ended.stdout}{ended.stderr}"
        printed.append(text.strip().replace(address, ADDRESS))
    assert not ended.stderr, ended.stderr
    return printed


def masked(text: str) -> Any:
    """The output without what differs from run to run; JSON by its meaning, not its spaces."""
    try:
        return _masked(json.loads(text))
    except json.JSONDecodeError:
        return _masked(text)


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: "LEARNED" if k in LEARNED else _masked(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_masked(inner) for inner in value]
    if isinstance(value, str):
        for pattern, word in MADE_BY_SERVER:
            value = pattern.sub(word, value)
    return value


def rewritten(page: str, found: list[Step], printed: list[str]) -> str:
    """The page with these outputs in place of its own."""
    lines = page.splitlines()
    for step, text in reversed(list(zip(found, printed, strict=True))):
        lines[slice(*step.lines)] = text.splitlines()
    return "\n".join(lines) + "\n"

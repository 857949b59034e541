"""How long the work of a killed replica lay about, from the replicas' own logs."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Kill:
    """Which replica, and when, in seconds since 1970."""

    replica: str
    at_s: float


@dataclass(frozen=True, slots=True)
class Start:
    """An attempt at an operation."""

    replica: str
    operation: str
    attempt: int
    at_s: float


def starts(replica: str, log: Iterable[str]) -> list[Start]:
    """All attempts that the log of a replica tells of."""
    lines = [json.loads(line) for line in log if '"operation.started"' in line]
    return [
        Start(
            replica,
            line["operation"],
            line["attempt"],
            datetime.fromisoformat(line["timestamp"]).timestamp(),
        )
        for line in lines
    ]


def takeovers(begun: Iterable[Start], kills: Sequence[Kill]) -> list[float]:
    """Seconds from the death of the replica that had an operation to the next attempt at it."""
    by_operation: Mapping[str, dict[int, Start]] = defaultdict(dict)
    for start in begun:
        by_operation[start.operation][start.attempt] = start
    return sorted(
        attempts[number + 1].at_s - kill.at_s
        for attempts in by_operation.values()
        for number, start in attempts.items()
        if number + 1 in attempts
        for kill in kills
        if kill.replica == start.replica and start.at_s < kill.at_s < attempts[number + 1].at_s
    )

"""Timing that can be trusted on a noisy machine: both sides in turn, ratios pair by pair, medians.

Times are wall-clock seconds of whole calls with all their threads. A warm-up of each side is not
counted.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Paired:
    """Medians of both sides, in seconds, and the median of `other / ours` over the pairs."""

    ours_s: float
    other_s: float
    speedup: float


def paired(
    ours: Callable[[], object], other: Callable[[], object], *, rounds: int = 7, warm: int = 1
) -> Paired:
    """Run both in turn, `rounds` times each."""
    for _ in range(warm):
        ours()
        other()
    pairs = [(seconds(ours), seconds(other)) for _ in range(rounds)]
    return summary(pairs)


def summary(pairs: Sequence[tuple[float, float]]) -> Paired:
    """Medians of pairs (ours, other)."""
    return Paired(
        ours_s=statistics.median(a for a, _ in pairs),
        other_s=statistics.median(b for _, b in pairs),
        speedup=statistics.median(b / a for a, b in pairs),
    )


def seconds(work: Callable[[], object]) -> float:
    """How long one call takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def slow(ours: Callable[[], object], other: Callable[[], object]) -> Paired:
    """For a peer that takes a minute or more: once, with ours just before it and just after.

    Ours is warmed up; theirs is not, for what a first call costs is lost in a minute.
    """
    ours()
    before, theirs = seconds(ours), seconds(other)
    mean = (before + seconds(ours)) / 2
    return Paired(ours_s=mean, other_s=theirs, speedup=theirs / mean)

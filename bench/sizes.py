"""Sizes of the cases: the real ones, or tiny ones that only prove that each case runs."""

import os
from typing import Final, TypeVar

T = TypeVar("T")

SMALL: Final = os.environ.get("ALSERVICE_BENCH_SMALL", "") not in {"", "0"}
THREADS: Final = 2  # everybody's budget: the server, the peers, the passes in this process


def sized(real: T, small: T) -> T:
    """`small` where ALSERVICE_BENCH_SMALL is set."""
    return small if SMALL else real

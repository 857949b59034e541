"""Processor time of processes with their children, as Linux counts it."""

import os
from collections.abc import Sequence
from pathlib import Path

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
# Fields of /proc/PID/stat after the name: the parent; user and system, also of ended children.
_PARENT, _TIMES = 1, slice(11, 15)


def cpu_seconds(pids: Sequence[int]) -> float:
    """What these processes, and their children that live or have ended, have used so far."""
    found = [fields for entry in Path("/proc").glob("[0-9]*") if (fields := _stat(entry))]
    wanted = {str(pid) for pid in pids}
    mine = [f for pid, f in found if pid in wanted or f[_PARENT] in wanted]
    return sum(int(ticks) for fields in mine for ticks in fields[_TIMES]) * _TICK_S


def _stat(entry: Path) -> tuple[str, list[str]] | None:
    try:
        text = (entry / "stat").read_text()
    except OSError:  # it has just ended
        return None
    return entry.name, text.rpartition(")")[2].split()

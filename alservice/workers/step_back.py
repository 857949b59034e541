"""Priority: what takes minutes lets whoever answers calls go first."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

#: About a third of the share of a process that answers calls, where both want the same core.
NICENESS: Final = 5


def step_back(pid: int) -> None:
    """A new child in a session of its own lets us go first; its threads to come do as well.

    Where Linux shares the processor out by session, niceness counts within a session only, so
    the session steps back too. A child that has ended already is left alone.
    """
    niceness = min(os.getpriority(os.PRIO_PROCESS, 0) + NICENESS, 19)
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, niceness)
        Path(f"/proc/{pid}/autogroup").write_text(str(niceness))

"""A child that computes for minutes has less priority than we, with all its threads."""

import os
import subprocess
import sys
from pathlib import Path

from alservice.workers.step_back import NICENESS, step_back

# Waits for a line, then tells the niceness of a thread that was started after it.
CHILD = """
import os, sys, threading
sys.stdin.readline()
tell = lambda: print(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()), flush=True)
thread = threading.Thread(target=tell)
thread.start()
thread.join()
sys.stdin.readline()
"""


def test_threads_of_the_child_step_back_with_it_and_so_does_its_session() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as child:
        step_back(child.pid)
        assert child.stdin is not None and child.stdout is not None
        child.stdin.write("\n")
        child.stdin.flush()
        told = int(child.stdout.readline())
        assert told == min(os.getpriority(os.PRIO_PROCESS, 0) + NICENESS, 19)
        session = Path(f"/proc/{child.pid}/autogroup")
        if session.exists() and os.access(session, os.W_OK):
            assert session.read_text().split()[-1] == str(told)


def test_a_child_that_has_ended_is_left_alone() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait()
    step_back(child.pid)


def test_our_own_priority_stays() -> None:
    before = os.getpriority(os.PRIO_PROCESS, 0)
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as child:
        step_back(child.pid)
        child.kill()
    assert os.getpriority(os.PRIO_PROCESS, 0) == before

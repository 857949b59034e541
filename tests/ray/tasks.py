"""Tasks that go wrong on purpose; actors of the test cluster can import them."""

import os
import secrets
import signal
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from alservice.core import Cancelled, Ranked
from alservice.ports.segments import SegmentStore
from alservice.scoring.spread.tasks import Draw, Hands
from alservice.storage.open_elsewhere import open_elsewhere

I64 = np.ndarray


@dataclass(frozen=True, slots=True)
class Dies(Draw):
    """Kills the process that carries it out, so many times; never the one that asked."""

    asker: int
    folder: Path
    times: int

    def part(self, numbers: I64) -> "Dies":
        return self

    def __call__(self, hands: Hands) -> Ranked:
        died = len(list(self.folder.iterdir()))
        if os.getpid() != self.asker and died < self.times:
            (self.folder / str(died)).touch()
            os.kill(os.getpid(), signal.SIGKILL)
            threading.Event().wait()  # the signal ends the process, not this thread
        return Draw.__call__(self, hands)


@dataclass(frozen=True, slots=True)
class Works:
    """Works until it is cancelled, and says through a pipe when it begins and when it ends."""

    pipe: Path

    def part(self, numbers: I64) -> "Works":
        return self

    def __call__(self, hands: Hands) -> object:
        with self.pipe.open("w", buffering=1) as out:
            out.write("begun\n")
            while not hands.cancel.cancelled:
                pass
            out.write("ended\n")
        raise Cancelled


@dataclass(frozen=True, slots=True)
class Says:
    """The id of the process that carries it out."""

    def part(self, numbers: I64) -> "Says":
        return self

    def __call__(self, hands: Hands) -> object:
        return os.getpid()


class CannotBeSent:
    """Fails on its way, as if the cluster were gone; says that it is under way, and waits."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Event(), threading.Event()

    def __reduce__(self) -> str:
        self.begun.set()
        self.go.wait()
        raise ConnectionError

    def part(self, numbers: I64) -> "CannotBeSent":
        return self

    def __call__(self, hands: Hands) -> object:
        raise NotImplementedError


def open_noted(noted: Path, folder: Path) -> tuple[SegmentStore, str | None]:
    """`open_elsewhere`, with a file in `noted` for each time that it is tried."""
    (noted / secrets.token_hex(8)).touch()
    return open_elsewhere(None, folder)


def open_bucket_elsewhere(
    environment: dict[str, str], address: str, folder: Path
) -> tuple[SegmentStore, str | None]:
    """`open_elsewhere` on a node that was started with this environment."""
    os.environ.update(environment, TMPDIR=str(folder))
    tempfile.tempdir = None  # what was found before
    return open_elsewhere(address, folder)

"""Replays in a process of its own: a scratch service that can be killed in the middle."""

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO, Final, Self

import numpy as np

from alservice.domain.errors import Cancelled, SimulationFailed
from alservice.domain.learner import Progress
from alservice.ports.replaying import ReplayJob, ReplayReport
from alservice.ports.trainer import CancelFlag
from alservice.workers.step_back import step_back

LOG: Final = logging.getLogger(__name__)
POLL_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class ReplayProcess:
    """A `Replaying` whose jobs run in `python -m alservice.simulation`.

    Vectors and the child's service lie below `scratch`, never in the machine's /tmp.
    """

    scratch: Path
    _turn: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def emptying(cls, scratch: Path) -> Self:
        """With a folder of nobody else, where what a killed server has left is deleted."""
        for left in scratch.iterdir() if scratch.is_dir() else ():
            try:
                _delete(left)
            except OSError as error:
                LOG.warning("%s of an earlier simulation cannot be deleted: %s", left, error)
        return cls(scratch)

    def replay(self, job: ReplayJob, progress: Progress, cancel: CancelFlag) -> ReplayReport:
        """As `Replaying.replay` promises."""
        with self._turn, self._home() as home:
            _write(job, home)
            with (home / "log").open("w") as log, _child(home, log) as (process, pipe):
                _follow(process, pipe, progress, cancel)
            return _report(home, process.returncode)

    @contextmanager
    def _home(self) -> Iterator[Path]:
        """A folder for one job."""
        self.scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="simulate-", dir=self.scratch) as folder:
            yield Path(folder).resolve()


def _delete(left: Path) -> None:
    if left.is_dir() and not left.is_symlink():
        shutil.rmtree(left)
    else:
        left.unlink()


def _write(job: ReplayJob, home: Path) -> None:
    names = np.array(job.class_ids)
    np.savez(home / f"{job.name}.npz", X=job.vectors, y=job.classes, label_names=names)
    said = {
        "players": [asdict(player) for player in job.players],
        "seeds": job.seeds,
        "batch_size": job.batch_size,
        "budget": job.budget,
    }
    (home / "job.json").write_text(json.dumps(said), encoding="utf-8")
    (home / "tmp").mkdir()


@contextmanager
def _child(home: Path, log: IO[str]) -> Iterator[tuple[subprocess.Popen[bytes], IO[str]]]:
    """The process, dead afterwards, and what it reports.

    On a pipe of its own: whatever some library prints goes to the log.
    """
    ours, theirs = os.pipe()
    with os.fdopen(ours, encoding="utf-8") as pipe:
        try:
            process = subprocess.Popen(  # noqa: S603 (our own interpreter and arguments)
                [sys.executable, "-P", "-m", "alservice.simulation", str(home), str(theirs)],
                env=_environment(home),
                stdin=subprocess.PIPE,  # its end tells the child that we have gone
                stdout=log,
                stderr=log,
                pass_fds=(theirs,),
                start_new_session=True,
            )
        except OSError as error:
            raise SimulationFailed("the simulation's process could not be started") from error
        finally:
            os.close(theirs)
        step_back(process.pid)
        try:
            yield process, pipe
        finally:
            process.kill()
            process.communicate()


def _environment(home: Path) -> dict[str, str]:
    """Ours, with temporary files where they are deleted."""
    package = str(Path(__file__).parents[2])  # where it lies, wherever we were started
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        **os.environ,
        **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(home / "tmp")),
        "PYTHONPATH": os.pathsep.join(paths),
    }


def _follow(
    process: subprocess.Popen[bytes], pipe: IO[str], progress: Progress, cancel: CancelFlag
) -> None:
    """Pass on `done total remark` lines until the child has ended. Raises Cancelled."""
    lines: SimpleQueue[str] = SimpleQueue()
    threading.Thread(target=_read, args=(pipe, lines), daemon=True).start()
    while True:
        if cancel.is_set():
            raise Cancelled("the simulation was cancelled")
        try:
            line = lines.get(timeout=POLL_S)
        except Empty:
            continue
        if not line:
            process.wait()
            return
        done, total, remark = line.rstrip("\n").split(" ", 2)
        progress(int(done) / max(1, int(total)), remark or "playing")


def _read(pipe: IO[str], lines: "SimpleQueue[str]") -> None:
    """Every whole line, then an empty one."""
    for line in pipe:
        if line.endswith("\n"):
            lines.put(line)
    lines.put("")


def _report(home: Path, code: int) -> ReplayReport:
    """What the child left. Raises SimulationFailed."""
    if code == 0:
        texts = [
            (home / f"report.{kind}").read_text(encoding="utf-8") for kind in ("json", "html")
        ]
        return ReplayReport(*texts)
    LOG.error("a simulation ended with %d: %s", code, (home / "log").read_text()[-4000:])
    refusal = home / "refusal"
    if refusal.exists():
        text = refusal.read_text(encoding="utf-8")
    elif code == -signal.SIGKILL:
        text = (
            "its process was killed, as the system does when memory runs out; make room for it, "
            "or replay a project with fewer or shorter vectors"
        )
    else:
        text = f"its process ended with exit code {code}; the server's log tells more"
    raise SimulationFailed(f"the simulation could not be played: {text}")

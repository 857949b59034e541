"""Replays in a process of its own: a scratch service that can be killed in the middle."""

import json
import logging
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO, Final

import numpy as np

from alservice.domain.errors import Cancelled, SimulationFailed
from alservice.domain.learner import Progress
from alservice.ports.replaying import ReplayJob, ReplayReport
from alservice.ports.trainer import CancelFlag

LOG: Final = logging.getLogger(__name__)
POLL_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class ReplayProcess:
    """A `Replaying` whose jobs run in `python -m alservice.simulation`."""

    _turn: threading.Lock = field(default_factory=threading.Lock)

    def replay(self, job: ReplayJob, progress: Progress, cancel: CancelFlag) -> ReplayReport:
        """As `Replaying.replay` promises."""
        with self._turn, tempfile.TemporaryDirectory(prefix="alservice-replay-") as folder:
            home = Path(folder)
            _write(job, home)
            with (home / "log").open("w") as log:
                process = subprocess.Popen(  # noqa: S603 (our own interpreter and arguments)
                    [sys.executable, "-m", "alservice.simulation", folder],
                    stdin=subprocess.PIPE,  # its end tells the child that we have gone
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                )
            try:
                _follow(process, progress, cancel)
            finally:
                process.kill()
                process.communicate()
            return _report(home, process.returncode)


def _write(job: ReplayJob, home: Path) -> None:
    names = np.array(job.class_ids)
    np.savez(home / f"{job.name}.npz", X=job.vectors, y=job.classes, label_names=names)
    said = {
        "strategies": job.strategies,
        "seeds": job.seeds,
        "batch_size": job.batch_size,
        "budget": job.budget,
    }
    (home / "job.json").write_text(json.dumps(said), encoding="utf-8")


def _follow(process: subprocess.Popen[str], progress: Progress, cancel: CancelFlag) -> None:
    """Pass on `done total remark` lines until the child has ended. Raises Cancelled."""
    lines: SimpleQueue[str] = SimpleQueue()
    if process.stdout is None:
        raise AssertionError("a pipe was asked for")
    reader = threading.Thread(target=_read, args=(process.stdout, lines), daemon=True)
    reader.start()
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
    """Every line, then an empty one."""
    for line in pipe:
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
    text = refusal.read_text(encoding="utf-8") if refusal.exists() else f"exit code {code}"
    raise SimulationFailed(f"the simulation could not be played: {text}")

"""The real child process replays a small set, and ends when it is told to."""

import json
import os
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alservice.domain.errors import Cancelled, SimulationFailed
from alservice.domain.learner import silent
from alservice.ports.replaying import ReplayJob, ReplayPlayer
from alservice.workers.replay_process import ReplayProcess


def job(*names: str, seeds: int = 2, filler: float = 0.0) -> ReplayJob:
    draw = np.random.default_rng(0)
    classes = np.arange(60) % 2
    vectors = draw.normal(size=(60, 3)).astype(np.float32)
    vectors[:, 0] += 2 * classes + filler
    return ReplayJob(
        name="small",
        vectors=vectors,
        classes=classes.astype(np.int64),
        class_ids=("ham", "spam"),
        players=tuple(ReplayPlayer(name, name) for name in names),
        seeds=seeds,
        batch_size=5,
        budget=15,
    )


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    return tmp_path / "data/scratch"


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """Those that are started."""
    begun: list[subprocess.Popen[bytes]] = []

    class Noted(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            begun.append(self)

    monkeypatch.setattr(subprocess, "Popen", Noted)
    return begun


def test_a_replay_reports_its_progress_and_its_result(scratch: Path) -> None:
    heard: list[float] = []
    report = ReplayProcess(scratch).replay(
        job("random", "margin"), lambda share, _: heard.append(share), threading.Event()
    )
    told = json.loads(report.json)
    assert {row["competitor"] for row in told["rows"]} == {"random", "margin"}
    assert told["rows"][0]["labels"] == 15 and told["rows"][0]["seeds"] == 2
    assert told["failures"] == []
    assert heard == sorted(heard) and heard[-1] == 1
    assert "<svg" in report.html


def test_a_cancelled_replay_ends_and_leaves_nothing_anywhere(
    scratch: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machines = tmp_path / "tmp"
    machines.mkdir()
    monkeypatch.setenv("TMPDIR", str(machines))
    cancel = threading.Event()
    seen: set[str] = set()

    def enough(share: float, _: str) -> None:
        if share:
            seen.update(path.name.split("-")[0] for path in scratch.glob("simulate-*/**/*"))
            cancel.set()

    with pytest.raises(Cancelled):
        ReplayProcess(scratch).replay(job("random", "margin", seeds=500), enough, cancel)
    # What it had was there: the vectors and the scratch service.
    assert {"small.npz", "alservice"} <= seen
    assert list(scratch.iterdir()) == [] == list(machines.iterdir())


def test_what_a_killed_server_has_left_is_deleted_and_nothing_beside_it(scratch: Path) -> None:
    (scratch / "simulate-1/tmp").mkdir(parents=True)
    (scratch / "simulate-1/vectors.npz").write_text("secret")
    elsewhere = scratch.parent / "segments"
    elsewhere.mkdir()
    (elsewhere / "kept").write_text("kept")
    (scratch / "link").symlink_to(elsewhere)
    ReplayProcess.emptying(scratch)
    assert list(scratch.iterdir()) == []
    assert (elsewhere / "kept").read_text() == "kept"


def test_what_cannot_be_played_is_told(scratch: Path) -> None:
    with pytest.raises(SimulationFailed, match=r"could not be played.*nobody"):
        ReplayProcess(scratch).replay(job("nobody"), silent, threading.Event())
    with pytest.raises(SimulationFailed, match="vectors hold NaN") as told:
        ReplayProcess(scratch).replay(
            job("random", filler=float("nan")), silent, threading.Event()
        )
    assert "/" not in str(told.value)


def test_no_file_of_a_stranger_is_ever_run(
    scratch: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker = tmp_path / "was-run"
    (tmp_path / "x.py").write_text(f"open({str(marker)!r}, 'w')\ndef f(*_): return [0]\n")
    (tmp_path / "json.py").write_text((tmp_path / "x.py").read_text())
    monkeypatch.chdir(tmp_path)  # of the child too: what lies there must not be imported
    for name in ("x.py:f", f"{tmp_path}/x.py:f", "x.f", "label=x.py:f"):
        with pytest.raises(SimulationFailed, match="could not be played"):
            ReplayProcess(scratch).replay(job("random", name), silent, threading.Event())
    assert not marker.exists()


def test_what_a_library_prints_does_not_disturb_the_progress(
    scratch: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text("print('hello', flush=True)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    report = ReplayProcess(scratch).replay(job("random", seeds=1), silent, threading.Event())
    assert json.loads(report.json)["competitors"] == ["random"]


def test_a_child_that_is_killed_says_that_it_may_have_been_memory(
    scratch: Path, children: list[subprocess.Popen[bytes]]
) -> None:
    def kill(_share: float, _doing: str) -> None:
        os.kill(children[-1].pid, signal.SIGKILL)

    with pytest.raises(SimulationFailed, match="memory runs out"):
        ReplayProcess(scratch).replay(job("random", seeds=500), kill, threading.Event())

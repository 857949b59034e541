"""The real child process replays a small set, and ends when it is told to."""

import json
import threading

import numpy as np
import pytest

from alservice.domain.errors import Cancelled, SimulationFailed
from alservice.ports.replaying import ReplayJob
from alservice.workers.replay_process import ReplayProcess


def job(*strategies: str, seeds: int = 2) -> ReplayJob:
    draw = np.random.default_rng(0)
    classes = np.arange(60) % 2
    vectors = draw.normal(size=(60, 3)).astype(np.float32)
    vectors[:, 0] += 2 * classes
    return ReplayJob(
        name="small",
        vectors=vectors,
        classes=classes.astype(np.int64),
        class_ids=("ham", "spam"),
        strategies=strategies,
        seeds=seeds,
        batch_size=5,
        budget=15,
    )


def test_a_replay_reports_its_progress_and_its_result() -> None:
    heard: list[float] = []
    report = ReplayProcess().replay(
        job("random", "margin"), lambda share, _: heard.append(share), threading.Event()
    )
    told = json.loads(report.json)
    assert {row["competitor"] for row in told["rows"]} == {"random", "margin"}
    assert told["rows"][0]["labels"] == 15 and told["rows"][0]["seeds"] == 2
    assert heard == sorted(heard) and heard[-1] == 1
    assert "<svg" in report.html


def test_a_cancelled_replay_ends() -> None:
    cancel = threading.Event()

    def enough(share: float, _: str) -> None:
        if share:
            cancel.set()

    with pytest.raises(Cancelled):
        ReplayProcess().replay(job("random", "margin", seeds=500), enough, cancel)


def test_what_cannot_be_played_is_told() -> None:
    with pytest.raises(SimulationFailed, match="could not be played"):
        ReplayProcess().replay(job("nobody"), lambda *_: None, threading.Event())

"""What a worker needs: a real catalog under a clock that tests move, and a project to train."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from alservice.storage.catalog.sqlite import SqliteCatalog
from alservice.storage.segments import LocalSegmentStore
from alservice.workers import heartbeat as module
from tests.rounds import Rounds, begin, ids
from tests.usecases.conftest import Clock
from tests.workers.worker import Worker


@pytest.fixture
def rounds(tmp_path: Path) -> Iterator[Rounds]:
    """A project with 40 items, six of them labelled."""
    catalog = SqliteCatalog(tmp_path / "data", clock_ms=Clock())
    begun = begin(catalog, LocalSegmentStore(tmp_path / "data" / "segments"))
    begun.add(ids(40))
    begun.label(ids(6))
    yield begun
    catalog.close()


@pytest.fixture
def worker(rounds: Rounds, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    monkeypatch.setattr(module, "WATCH_S", 0.01)
    made = Worker(rounds)
    yield made
    made.stop()

"""The wiring: by the types of fields, each thing once, and complete."""

import ast
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import pytest

from alservice import bootstrap
from alservice.bootstrap import CONNECTIONS, LANES, Adapters
from alservice.config import Settings
from alservice.core import CancelFlag
from alservice.core import Cancelled as KernelCancelled
from alservice.domain.artefact import Artefact, ArtefactState
from alservice.domain.errors import HousekeepingFailed
from alservice.domain.learner import Progress
from alservice.domain.operation import Operation, OperationKind
from alservice.domain.segment import Segment, SegmentState
from alservice.ports.replaying import Replaying
from alservice.rpc.lanes import THREADS
from alservice.rpc.services import SERVICES
from alservice.telemetry.work_metrics import WorkMetrics
from alservice.wiring import Wiring
from alservice.workers import loop as worker_loop
from alservice.workers.replay_process import ReplayProcess

ROOT = Path(__file__).parents[1]
PATIENCE_S = 60


class Port:
    """Something that has to be given."""


@dataclass
class Part:
    """Something that is made."""

    port: Port
    seen: list[str] = field(default_factory=list)


@dataclass
class Whole:
    """Something that is made from what is made."""

    first: Part
    second: Part


def test_parts_are_made_from_their_types_and_shared() -> None:
    port = Port()
    wiring = Wiring({Port: port})
    whole = wiring.make(Whole)
    assert whole.first is whole.second is wiring.make(Part)
    assert whole.first.port is port
    assert whole.first.seen == []


def test_what_nobody_provides_is_named() -> None:
    with pytest.raises(TypeError, match="Port"):
        Wiring({}).make(Whole)


def test_a_start_gives_up_the_files_that_a_killed_server_was_writing(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    segment = Segment(
        segment_id="s-1", project_id="p", space_id="default", state=SegmentState.WRITING
    )
    before = Adapters.open(settings, lambda: None)
    before.catalog.transact(lambda tx: tx.segments.reserve(replace(segment, expire_time_ms=2**60)))
    before.close()
    after = Adapters.open(settings, lambda: None)
    try:
        dead = after.catalog.transact(lambda tx: tx.segments.expire(0))
    finally:
        after.close()
    assert [row.segment_id for row in dead] == ["s-1"]


def test_a_start_gives_up_the_index_that_a_killed_server_was_writing(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    row = Artefact(
        artefact_id="x-1",
        project_id="p",
        operation_id="o-1",
        state=ArtefactState.WRITING,
        expire_time_ms=2**60,
    )
    before = Adapters.open(settings, lambda: None)
    before.catalog.transact(lambda tx: tx.artefacts.store(row))
    before.close()
    after = Adapters.open(settings, lambda: None)
    try:
        dead = after.catalog.transact(lambda tx: tx.artefacts.expire(0))
    finally:
        after.close()
    assert [row.artefact_id for row in dead] == ["x-1"]


def test_a_start_empties_the_scratch_folder_of_a_killed_server(tmp_path: Path) -> None:
    left = tmp_path / "scratch/simulate-x/vectors.npz"
    left.parent.mkdir(parents=True)
    left.write_text("secret")
    opened = Adapters.open(Settings(data=tmp_path), lambda: None)
    try:
        assert list((tmp_path / "scratch").iterdir()) == []
        replaying: ReplayProcess = opened.wiring().make(Replaying)
        assert replaying.scratch == tmp_path / "scratch"
    finally:
        opened.close()


def test_each_stage_of_a_start_is_told_with_the_place_that_is_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "inbox").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "inbox")
    monkeypatch.chdir(tmp_path)
    caplog.set_level(logging.INFO, "alservice")
    settings = Settings(data=Path("d"), objects="o", import_roots=("link", "s3://bucket/in/"))
    Adapters.open(settings, lambda: None).close()
    assert caplog.messages == [
        f"opening the catalog: SQLite in {tmp_path}/d",
        f"opening the segments: {tmp_path}/o",
        f"files may be imported from: {tmp_path}/inbox, s3://bucket/in",
    ]


def test_every_servicer_is_served() -> None:
    written = {
        node.name
        for path in (ROOT / "alservice" / "rpc").glob("*_service.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ClassDef) and node.name.endswith("Servicer")
    }
    assert len(written) > 3
    assert {servicer.__name__ for _, servicer, _ in SERVICES} == written


def test_every_thread_that_may_be_inside_a_transaction_finds_a_connection(tmp_path: Path) -> None:
    adapters = Adapters.open(Settings(data=tmp_path), lambda: None)
    try:
        loops = adapters.workers(adapters.wiring(), WorkMetrics())
    finally:
        adapters.close()
    beating = [loop for loop in loops if loop._kinds]  # at work each has a heartbeat
    assert sum(THREADS.values()) + len(loops) + len(beating) == CONNECTIONS


@pytest.mark.parametrize("role", ["all", "worker", "api"])
def test_a_process_of_any_role_ends_once_another_copy_works_on_its_place(
    tmp_path: Path, role: str
) -> None:
    ended: list[str] = []
    settings = Settings(data=tmp_path, role=role)
    adapters = Adapters.open(settings, lambda: ended.append("ended"))
    try:
        wiring, metrics = adapters.wiring(), WorkMetrics()
        janitor = adapters.janitor(wiring, metrics)
        loops = adapters.workers(wiring, metrics) if settings.works else [janitor]
        (watch,) = (do for loop in loops for name, do in loop._chores if name == "WatchPlace")
        for turn in ("another", "and its next one"):
            assert ended == []
            adapters.place.set_holder(turn)
            with pytest.raises(HousekeepingFailed, match="held by another copy"):
                watch()
        assert ended == ["ended"]
    finally:
        adapters.close()


@dataclass
class Stuck:
    """Carries out operations that do not end by themselves."""

    began: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    _pause: threading.Event = field(default_factory=threading.Event)

    def __call__(self, _operation: Operation, _progress: Progress, cancel: CancelFlag) -> None:
        self.began.release()
        self.wait(lambda: cancel.cancelled)
        raise KernelCancelled

    def wait(self, until: Callable[[], bool]) -> bool:
        """Whether it comes true within the patience of a test."""
        return any(until() or self._pause.wait(0.01) for _ in range(100 * PATIENCE_S))


def test_the_place_is_held_and_watched_while_every_worker_has_an_operation_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "LANES", [dict.fromkeys(lane, Stuck) for lane in LANES])
    for name in ("CHORES_S", "IDLE_S"):
        monkeypatch.setattr(worker_loop, name, 0.01)
    left = threading.Event()
    adapters = Adapters.open(Settings(data=tmp_path), left.set)
    wiring = adapters.wiring()
    loops, stuck = adapters.workers(wiring, WorkMetrics()), wiring.make(Stuck)
    for kind in OperationKind:
        one = Operation(operation_id=kind.value, project_id="p", kind=kind)
        adapters.catalog.transact(partial(lambda tx, one: tx.operations.insert(one), one=one))
    try:
        for loop in loops:
            loop.start()
        assert all(stuck.began.acquire(timeout=PATIENCE_S) for _ in LANES)
        for _ in range(3):
            shown = adapters.place.holder()
            assert stuck.wait(lambda shown=shown: adapters.place.holder() != shown)
        for number in range(100 * PATIENCE_S):
            if left.wait(0.01):
                break
            adapters.place.set_holder(f"another copy's {number}")
        assert left.is_set()
    finally:
        for loop in loops:
            loop.stop()
        adapters.close()


def test_every_worker_waits_for_an_event_of_its_own(tmp_path: Path) -> None:
    adapters = Adapters.open(Settings(data=tmp_path), lambda: None)
    try:
        loops = adapters.workers(adapters.wiring(), WorkMetrics())
        adapters.wake()
        events = {id(loop._wake) for loop in loops}
        assert len(events) == len(loops) > 1
        assert all(loop._wake.is_set() for loop in loops)
    finally:
        adapters.close()

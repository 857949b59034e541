"""Builds the server: the only file that knows every concrete class.

Use cases and servicers are made from the types of their fields, so a new RPC needs no line here;
a new adapter is named once, beside the port it implements.
"""

import asyncio
import os
import secrets
import socket
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, Final, Self

from alservice import __version__, core, learners, strategies
from alservice.auth.allow_loopback import AllowLoopback
from alservice.config import Settings
from alservice.domain.learner import Learner
from alservice.domain.operation import OperationKind
from alservice.domain.strategy import Strategy
from alservice.index import BackgroundIndexing
from alservice.ports.artefacts import ArtefactStore
from alservice.ports.catalog import Catalog
from alservice.ports.neighbours import PoolIndexing
from alservice.ports.places import FilePlace
from alservice.ports.replaying import Replaying
from alservice.ports.scoring import PoolScoring
from alservice.ports.segments import SegmentStore
from alservice.ports.sources import ItemSources
from alservice.ports.trainer import Trainer
from alservice.rpc.interceptor import Interceptor
from alservice.rpc.lanes import THREADS, Lanes
from alservice.rpc.runner import Runner
from alservice.rpc.server import RpcServer, Tls
from alservice.rpc.services import services
from alservice.scoring.open_scoring import open_scoring
from alservice.storage.artefacts import FileArtefactStore
from alservice.storage.files import LocalPlace
from alservice.storage.folder_lock import FolderLock, lock_own_folder
from alservice.storage.imports import ImportRoots
from alservice.storage.objects.object_place import ObjectPlace
from alservice.storage.open_catalog import open_catalog
from alservice.storage.open_elsewhere import open_elsewhere
from alservice.storage.open_place import open_place
from alservice.storage.segments import FileSegmentStore
from alservice.telemetry.logs import configure_logs, logger
from alservice.telemetry.metrics import Metrics
from alservice.telemetry.work_metrics import WorkMetrics
from alservice.usecases.claim_place import claim_place
from alservice.usecases.fail_operation import FailOperation
from alservice.usecases.hold_place import HoldPlace
from alservice.usecases.pool_index import IndexOf
from alservice.usecases.run_build_index import RunBuildIndex
from alservice.usecases.run_import import RunImport
from alservice.usecases.run_merge import RunMerge
from alservice.usecases.run_simulation import RunSimulation
from alservice.usecases.run_training import RunTraining
from alservice.usecases.snapshot import Snapshots
from alservice.usecases.sweep import Sweep
from alservice.usecases.sweep_artefacts import SweepArtefacts
from alservice.usecases.watch_place import WatchPlace
from alservice.web.pages import Pages
from alservice.web.server import HttpServer
from alservice.wiring import Wiring
from alservice.workers.loop import Handler, WorkerLoop
from alservice.workers.replay_process import ReplayProcess
from alservice.workers.training_process import TrainingProcess
from alservice.workers.wake import Wake

# A worker each: so a training need not wait for an index, nor either for a file of terabytes.
LANES: Final[Sequence[Mapping[OperationKind, Any]]] = (
    {OperationKind.TRAIN: RunTraining, OperationKind.MERGE: RunMerge},
    {OperationKind.BUILD_INDEX: RunBuildIndex, OperationKind.SIMULATE: RunSimulation},
    {OperationKind.IMPORT: RunImport},
)
# For each thread that may be inside a transaction: calls, workers with heartbeats, the janitor.
CONNECTIONS: Final = sum(THREADS.values()) + 2 * len(LANES) + 1
_log: Final = logger("server")


@dataclass(frozen=True, slots=True)
class Adapters:
    """The concrete classes behind the ports."""

    catalog: Catalog
    place: LocalPlace | ObjectPlace
    store: SegmentStore
    artefacts: ArtefactStore
    scoring: PoolScoring
    leave: Callable[[], None]  # the cluster that scores, if any
    indexing: PoolIndexing
    trainer: Trainer
    replaying: Replaying
    sources: ImportRoots
    wake: Wake
    scratch_lock: FolderLock | None
    fail: Callable[[], object]  # ends the process, and is safe to call from any thread

    @classmethod
    def open(
        cls, settings: Settings, on_failure: Callable[[], object], *, durable: bool = True
    ) -> Self:
        """Open the data folder; what is thrown away need not be `durable`. Raises StartupError."""
        with ExitStack() as stack:
            opening = partial(open_catalog, settings.catalog, settings.data, on_failure)
            catalog = opening(CONNECTIONS, durable=durable)
            stack.callback(catalog.close)
            place = open_place(settings.objects, settings.data, settings.cache_bytes)
            stack.callback(place.close)
            claim_place(catalog, place)
            opener = partial(open_elsewhere, settings.objects, settings.data.resolve())
            scoring, leave = open_scoring(settings.scoring, settings.threads, opener, place.mark())
            stack.callback(leave)
            sources = ImportRoots.of(settings.import_roots)
            stack.callback(sources.close)
            scratch, scratch_lock = settings.data / "scratch", None
            if settings.catalog is not None:  # replicas may share the data folder, but no scratch
                scratch, scratch_lock = lock_own_folder(scratch)
            stack.pop_all()
        return cls(
            catalog=catalog,
            place=place,
            store=FileSegmentStore(place.segments),
            artefacts=FileArtefactStore(place.artefacts),
            scoring=scoring,
            leave=leave,
            indexing=BackgroundIndexing.beside(settings.threads),
            trainer=TrainingProcess(settings.threads),
            replaying=ReplayProcess.emptying(scratch / "jobs" if scratch_lock else scratch),
            sources=sources,
            wake=Wake(),
            scratch_lock=scratch_lock,
            fail=on_failure,
        )

    def close(self) -> None:
        """Close what holds anything."""
        self.leave()
        self.trainer.close()
        self.catalog.close()
        self.place.close()
        self.sources.close()
        if self.scratch_lock is not None:
            self.scratch_lock.release()

    def wiring(self, runner: Runner | None = None) -> Wiring:
        """What use cases and, with a runner, servicers are made from."""
        known_learners = learners.discover()
        edge = {} if runner is None else {Runner: runner}
        return Wiring(
            {
                **edge,
                Catalog: self.catalog,
                FilePlace: self.place,
                SegmentStore: self.store,
                ArtefactStore: self.artefacts,
                PoolScoring: self.scoring,
                PoolIndexing: self.indexing,
                Trainer: self.trainer,
                Replaying: self.replaying,
                ItemSources: self.sources,
                Mapping[str, Strategy]: strategies.discover(),
                Mapping[str, Learner]: known_learners,
                Collection[str]: tuple(known_learners),
                Callable[[], None]: self.wake,
            }
        )

    def janitor(self, wiring: Wiring, metrics: WorkMetrics, *hold: HoldPlace) -> WorkerLoop:
        """What no operation may delay, however long: it watches the place and tidies caches."""
        chores: list[Callable[[], object]] = [*hold, *self._tidying(wiring)]
        return WorkerLoop(self.catalog, {}, _owner(), self.wake.event(), chores, metrics)

    def workers(self, wiring: Wiring, metrics: WorkMetrics) -> list[WorkerLoop]:
        """The janitor, who holds the place too, and a worker for each lane: the first sweeps."""
        owner, end = _owner(), wiring.make(FailOperation)
        chores = tuple(map(wiring.make, (Sweep, SweepArtefacts)))
        handlers = [
            {kind: Handler(wiring.make(run), end) for kind, run in lane.items()} for lane in LANES
        ]
        lanes = [
            WorkerLoop(
                self.catalog, each, owner, self.wake.event(), () if number else chores, metrics
            )
            for number, each in enumerate(handlers)
        ]
        return [self.janitor(wiring, metrics, wiring.make(HoldPlace)), *lanes]

    def _tidying(self, wiring: Wiring) -> tuple[Callable[[], object], ...]:
        """The chores that concern this process alone: whether it is of use, and what it maps."""
        snapshots, indexes = wiring.make(Snapshots), wiring.make(IndexOf)
        for kept in (indexes, snapshots):
            self.place.when_short(kept.forget_oldest)
        watch = WatchPlace(self.catalog, self.place, self.fail)
        return watch, snapshots.forget_gone, indexes.forget_gone


def _owner() -> str:
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"


class App:
    """A server with all its parts: `async with App(settings) as app`, then `start` and `drain`.

    `failed` is set when the server cannot write any more, or has lost the place of its files: it
    is of no use until it begins anew.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.failed = asyncio.Event()
        self.address = ""
        self.http_address: str | None = None
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Open the data folder and take the ports. Raises StartupError."""
        configure_logs(self.settings.log_format, self.settings.log_level)
        async with AsyncExitStack() as stack:
            self._open(stack)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close everything, what was opened last first."""
        await self._stack.aclose()

    def _open(self, stack: AsyncExitStack) -> None:
        loop = asyncio.get_running_loop()
        adapters = Adapters.open(
            self.settings, partial(loop.call_soon_threadsafe, self.failed.set)
        )
        stack.callback(adapters.close)
        self._lanes = Lanes(self.settings.waiting)
        stack.callback(self._lanes.close)
        self._interceptor = Interceptor(
            AllowLoopback(self.settings.insecure), metrics=self._metrics()
        )
        wiring = adapters.wiring(Runner(self._lanes))
        works, told = self.settings.works, self._interceptor.metrics.work
        self._workers = (
            adapters.workers(wiring, told) if works else [adapters.janitor(wiring, told)]
        )
        for worker in self._workers:
            stack.callback(worker.stop)
        # A worker's port answers health alone: what calls it by mistake gets UNIMPLEMENTED.
        served = services(wiring.make) if self.settings.answers else []
        self._rpc = RpcServer(served, self._interceptor)
        self.address = self._rpc.bind(self.settings.listen, _tls(self.settings))
        self._http = HttpServer(self.settings.http) if self.settings.http else None
        if self._http:
            self.http_address = self._http.address
            stack.push_async_callback(self._http.stop)
        stack.push_async_callback(self._rpc.stop, 0)

    def _metrics(self) -> Metrics:
        metrics = Metrics()
        metrics.tell_build(__version__, core.build_info())
        for lane, threads in self._lanes.all.items():
            metrics.watch_lane(
                lane.value,
                partial(getattr, threads, "waiting_count"),
                partial(getattr, threads, "running_count"),
            )
        return metrics

    async def start(self) -> None:
        """Serve."""
        for worker in self._workers:
            worker.start()
        await self._rpc.start()
        if self._http:
            in_flight, metrics = self._interceptor.in_flight, self._interceptor.metrics
            pages = Pages(__version__, self.address, lambda: not in_flight.draining, metrics.text)
            await self._http.start(pages.app())
        role = self.settings.role
        _log.info("serving", role=role, address=self.address, http=self.http_address)

    async def drain(self) -> bool:
        """Say NOT_SERVING, let running calls finish, refuse new ones; whether all have ended."""
        running = len(self._interceptor.in_flight.running)
        _log.info("draining", running=running, grace_s=self.settings.grace_s)
        ended = await self._rpc.stop(self.settings.grace_s)
        _log.info("drained", clean=ended)
        return ended


def _tls(settings: Settings) -> Tls | None:
    if settings.tls_cert and settings.tls_key:
        return Tls(settings.tls_cert, settings.tls_key, settings.tls_client_ca)
    return None

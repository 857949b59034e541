"""Builds the server: the only file that knows every concrete class.

Use cases and servicers are made from the types of their fields, so a new RPC needs no line here;
a new adapter is named once, beside the port it implements.
"""

import asyncio
import os
import secrets
import socket
import threading
from collections.abc import Callable, Collection, Mapping
from contextlib import AsyncExitStack
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from functools import partial
from types import TracebackType
from typing import Any, Final, Self, get_type_hints

import grpc.aio
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf.descriptor import FileDescriptor

from alservice import __version__, core, learners, strategies
from alservice.api.v1 import (
    active_learning_service_pb2,
    active_learning_service_pb2_grpc,
    model_service_pb2,
    model_service_pb2_grpc,
    pool_service_pb2,
    pool_service_pb2_grpc,
    project_service_pb2,
    project_service_pb2_grpc,
    strategy_service_pb2,
    strategy_service_pb2_grpc,
)
from alservice.auth.allow_loopback import AllowLoopback
from alservice.config import Settings
from alservice.core import Engine
from alservice.domain.learner import Learner
from alservice.domain.operation import OperationKind
from alservice.domain.strategy import Strategy
from alservice.ports.catalog import Catalog
from alservice.ports.scoring import PoolScoring
from alservice.ports.segments import SegmentStore
from alservice.ports.trainer import Trainer
from alservice.rpc.active_learning_service import ActiveLearningServicer
from alservice.rpc.interceptor import Interceptor
from alservice.rpc.lanes import Lanes
from alservice.rpc.model_service import ModelServicer
from alservice.rpc.operations_service import OperationsServicer
from alservice.rpc.pool_service import PoolServicer
from alservice.rpc.project_service import ProjectServicer
from alservice.rpc.runner import Runner
from alservice.rpc.server import RpcServer, Service, Tls
from alservice.rpc.strategy_service import StrategyServicer
from alservice.scoring.local import LocalScoring
from alservice.storage.catalog.sqlite import SqliteCatalog
from alservice.storage.segments.store import LocalSegmentStore
from alservice.telemetry.logs import configure_logs, logger
from alservice.telemetry.metrics import Metrics
from alservice.usecases.fail_operation import FailOperation
from alservice.usecases.run_merge import RunMerge
from alservice.usecases.run_training import RunTraining
from alservice.usecases.snapshot import Snapshots
from alservice.usecases.sweep import Sweep
from alservice.web.pages import Pages
from alservice.web.server import HttpServer
from alservice.workers.loop import Handler, WorkerLoop
from alservice.workers.training_process import TrainingProcess

_log: Final = logger("server")

# Each proto service: the file that describes it, its servicer, and how gRPC adds it to a server.
SERVICES: Final[tuple[tuple[FileDescriptor, type[Any], Callable[..., None]], ...]] = (
    (
        active_learning_service_pb2.DESCRIPTOR,
        ActiveLearningServicer,
        active_learning_service_pb2_grpc.add_ActiveLearningServiceServicer_to_server,
    ),
    (
        project_service_pb2.DESCRIPTOR,
        ProjectServicer,
        project_service_pb2_grpc.add_ProjectServiceServicer_to_server,
    ),
    (
        pool_service_pb2.DESCRIPTOR,
        PoolServicer,
        pool_service_pb2_grpc.add_PoolServiceServicer_to_server,
    ),
    (
        model_service_pb2.DESCRIPTOR,
        ModelServicer,
        model_service_pb2_grpc.add_ModelServiceServicer_to_server,
    ),
    (
        strategy_service_pb2.DESCRIPTOR,
        StrategyServicer,
        strategy_service_pb2_grpc.add_StrategyServiceServicer_to_server,
    ),
    (
        operations_pb2.DESCRIPTOR,
        OperationsServicer,
        operations_pb2_grpc.add_OperationsServicer_to_server,
    ),
)


class Wiring:
    """Makes things from the types of their fields: each type once, so that it is shared."""

    def __init__(self, given: Mapping[Any, object]) -> None:
        self._made = dict(given)

    def make(self, kind: Any) -> Any:
        """What was given for `kind`, or a dataclass built from what its fields need."""
        if kind not in self._made:
            if not (isinstance(kind, type) and is_dataclass(kind)):
                raise TypeError(f"nothing in bootstrap.py provides {kind}")
            hints = get_type_hints(kind)
            needed = [field.name for field in fields(kind) if _is_needed(field)]
            self._made[kind] = kind(**{name: self.make(hints[name]) for name in needed})
        return self._made[kind]


def _is_needed(field: Field[Any]) -> bool:
    return field.init and field.default is MISSING and field.default_factory is MISSING


@dataclass(frozen=True, slots=True)
class Adapters:
    """The concrete classes behind the ports."""

    catalog: Catalog
    store: SegmentStore
    scoring: PoolScoring
    trainer: Trainer
    wake: threading.Event

    @classmethod
    def open(cls, settings: Settings, on_failure: Callable[[], object]) -> Self:
        """Open the data folder. Raises StartupError."""
        catalog = SqliteCatalog(settings.data, on_failure=on_failure)
        # We hold the folder's lock: whoever was at work on an operation or a file is dead.
        catalog.transact(lambda tx: (tx.operations.disown(tx.now_ms()), tx.segments.disown()))
        return cls(
            catalog=catalog,
            store=LocalSegmentStore(settings.data / "segments"),
            scoring=LocalScoring(Engine(settings.threads)),
            trainer=TrainingProcess(settings.threads),
            wake=threading.Event(),
        )

    def close(self) -> None:
        """Close what holds anything."""
        self.trainer.close()
        self.catalog.close()

    def wiring(self, runner: Runner) -> Wiring:
        """What use cases and servicers are made from."""
        known_learners = learners.discover()
        return Wiring(
            {
                Runner: runner,
                Catalog: self.catalog,
                SegmentStore: self.store,
                PoolScoring: self.scoring,
                Trainer: self.trainer,
                Mapping[str, Strategy]: strategies.discover(),
                Mapping[str, Learner]: known_learners,
                Collection[str]: tuple(known_learners),
                Callable[[], None]: self.wake.set,
            }
        )

    def worker(self, wiring: Wiring) -> WorkerLoop:
        """What carries operations to their end, and sweeps in between."""
        end = wiring.make(FailOperation)
        handlers = {
            OperationKind.TRAIN: Handler(wiring.make(RunTraining), end),
            OperationKind.MERGE: Handler(wiring.make(RunMerge), end),
        }
        owner = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        sweep, snapshots = wiring.make(Sweep), wiring.make(Snapshots)
        chores = lambda: (sweep(), snapshots.forget_gone())  # noqa: E731
        return WorkerLoop(self.catalog, handlers, owner, self.wake, chores)


def services(wiring: Wiring) -> list[Service]:
    """All proto services, with their servicers."""
    return [
        Service(_full_name(file), _adder(add, wiring.make(servicer)))
        for file, servicer, add in SERVICES
    ]


def _full_name(file: FileDescriptor) -> str:
    (service,) = file.services_by_name.values()
    return str(service.full_name)


def _adder(add: Callable[..., None], servicer: object) -> Callable[[grpc.aio.Server], None]:
    return lambda server: add(servicer, server)


class App:
    """A server with all its parts: `async with App(settings) as app`, then `start` and `drain`.

    `failed` is set when the server cannot write any more: it is of no use until it begins anew.
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
        self._worker = adapters.worker(wiring)
        stack.callback(self._worker.stop)
        self._rpc = RpcServer(services(wiring), self._interceptor)
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
        self._worker.start()
        await self._rpc.start()
        if self._http:
            in_flight, metrics = self._interceptor.in_flight, self._interceptor.metrics
            pages = Pages(__version__, self.address, lambda: not in_flight.draining, metrics.text)
            await self._http.start(pages.app())
        _log.info("serving", address=self.address, http=self.http_address)

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

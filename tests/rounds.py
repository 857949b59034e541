"""One project, worked on as a team would: items, queries, answers, and a plain trainer."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from alservice import strategies
from alservice.core import CancelFlag, Engine
from alservice.domain.batch import Batch
from alservice.domain.call import Call
from alservice.domain.head import LinearHead
from alservice.domain.item import ItemBlock, Role
from alservice.domain.label import Answer, LabelStatus, Settled
from alservice.domain.learner import FittedModel, Learner, Progress, silent
from alservice.domain.model import ModelRow
from alservice.domain.operation import Operation
from alservice.domain.principal import LOCAL
from alservice.domain.project import ClassLabel, DType, Policy, Project, VectorSpace
from alservice.domain.strategy import Strategy
from alservice.index import BackgroundIndexing
from alservice.ports.artefacts import ArtefactStore
from alservice.ports.catalog import Catalog
from alservice.ports.neighbours import PoolIndexing
from alservice.ports.places import FilePlace
from alservice.ports.scoring import PoolScoring
from alservice.ports.segments import SegmentStore
from alservice.ports.trainer import CancelFlag as Stop
from alservice.ports.trainer import Trainer, TrainingJob
from alservice.scoring.local import LocalScoring
from alservice.storage.artefacts import LocalArtefactStore
from alservice.storage.files import LocalPlace
from alservice.storage.segments import LocalSegmentStore
from alservice.usecases.create_project import CreateProject, CreateProjectCommand
from alservice.usecases.query import Query, QueryCommand, QueryResult
from alservice.usecases.run_training import RunTraining
from alservice.usecases.submit_labels import SubmitLabels, SubmitLabelsCommand, SubmitLabelsResult
from alservice.usecases.train import Train, TrainCommand, TrainResult
from alservice.wiring import Wiring
from tests.usecases.items import Pool

CLASSES = ("cat", "dog", "eel")
SALT = 20_220


def ids(count: int, start: int = 0) -> tuple[str, ...]:
    """`i0`, `i1`, ..."""
    return tuple(f"i{n}" for n in range(start, start + count))


def truth(item_id: str) -> str:
    """The class of an item: `eel` has none."""
    return CLASSES[int(item_id[1:]) % 2]


def vectors_of(
    item_ids: Sequence[str], dimension: int = 4
) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Vectors that follow from the ids, in two clouds that overlap, (n, dimension) float32."""
    numbers = np.array([int(item_id[1:]) for item_id in item_ids], np.float64)
    cloud = np.sin(numbers[:, None] * (1.7 + 1.3 * np.arange(dimension)))
    cloud[:, :1] += 1.5 * (numbers[:, None] % 2)
    return cloud.astype(np.float32)


def items(item_ids: Sequence[str], dimension: int = 4, **columns: Any) -> ItemBlock:
    """Items; `role` is that of all."""
    role = columns.pop("role", Role.POOL)
    roles = np.full(len(item_ids), role, np.uint8)
    return ItemBlock(
        tuple(item_ids), vectors_of(item_ids, dimension), DType.F32, roles=roles, **columns
    )


def _no_fit(*_: object) -> FittedModel:
    raise AssertionError("learners run in a Trainer")


LEARNERS = {
    name: Learner(name=name, summary="", reference="", fit=_no_fit)
    for name in ("logistic", "nearest")
}


@dataclass
class NearestMean:
    """A Trainer for tests: nearest class mean. `before` runs while it is at work."""

    before: Callable[[TrainingJob, Progress, Stop], object] = lambda *_: None
    jobs: list[TrainingJob] = field(default_factory=list)

    def fit(self, job: TrainingJob, progress: Progress, cancel: Stop) -> FittedModel:
        self.jobs.append(job)
        self.before(job, progress, cancel)
        rows = job.training
        weights = np.zeros((rows.class_count, rows.vectors.shape[1]), np.float32)
        for number in np.unique(rows.classes):
            weights[number] = rows.vectors[rows.classes == number].mean(axis=0)
        bias = -0.5 * (weights**2).sum(axis=1)
        return FittedModel(
            head=LinearHead(weights, bias), parameters={"C": 1.0}, temperature=1.0, metrics=()
        )

    def close(self) -> None:
        """Nothing to let go of."""


@dataclass(frozen=True)
class Rounds:
    """A project, and everything that is done to it."""

    wiring: Wiring
    catalog: Catalog
    store: LocalSegmentStore
    trainer: NearestMean
    project_id: str

    @property
    def pool(self) -> Pool:
        return Pool(self.catalog, self.store, self.project_id)

    @property
    def project(self) -> Project:
        return self.pool.project

    def add(self, item_ids: Sequence[str], **columns: Any) -> None:
        self.pool.add(items(item_ids, **columns))

    def query(self, count: int = 0, *, call: Call | None = None, **fields: Any) -> QueryResult:
        command = QueryCommand(project_id=self.project_id, batch_size=count, **fields)
        result: QueryResult = self.wiring.make(Query)(call or a_call(), command)
        return result

    def ask(self, count: int = 0, **fields: Any) -> list[str]:
        """The ids of a batch."""
        return [item.item_id for item in self.query(count, **fields).batch.items]

    def submit(self, *answers: Answer, call: Call | None = None) -> SubmitLabelsResult:
        command = SubmitLabelsCommand(self.project_id, answers)
        result: SubmitLabelsResult = self.wiring.make(SubmitLabels)(call or a_call(), command)
        return result

    def label(self, item_ids: Iterable[str], **fields: Any) -> SubmitLabelsResult:
        """The truth about these items."""
        return self.submit(*(Answer(item_id=i, class_id=truth(i), **fields) for i in item_ids))

    def answer(self, item_id: str, class_id: str | None = "cat", **fields: Any) -> LabelStatus:
        """One answer."""
        (status,) = self.submit(Answer(item_id=item_id, class_id=class_id, **fields)).statuses
        return status

    def train(self, *, call: Call | None = None, **fields: Any) -> TrainResult:
        command = TrainCommand(project_id=self.project_id, **fields)
        result: TrainResult = self.wiring.make(Train)(call or a_call(), command)
        return result

    def claim(self, owner: str = "worker") -> Operation:
        operation = self.catalog.transact(
            lambda tx: tx.operations.claim(owner, tx.now_ms(), 15_000)
        )
        assert operation is not None
        return operation

    def run(self, operation: Operation, cancel: CancelFlag | None = None) -> None:
        self.wiring.make(RunTraining)(operation, silent, cancel or CancelFlag())

    def learn(self, **fields: Any) -> ModelRow:
        """Train, as a worker would."""
        model_id = self.train(**fields).model.model_id
        self.run(self.claim())
        return self.model(model_id)

    def model(self, model_id: str) -> ModelRow:
        model = self.catalog.read(lambda tx: tx.models.get(self.project_id, model_id))
        assert model is not None
        return model

    def operation(self, operation_id: str) -> Operation:
        found = self.catalog.read(lambda tx: tx.operations.get(self.project_id, operation_id))
        assert found is not None
        return found

    def batch(self, batch_id: str) -> Batch:
        batch = self.catalog.read(lambda tx: tx.batches.get(self.project_id, batch_id))
        assert batch is not None
        return batch

    def settled(self) -> dict[str, Settled]:
        """What is believed, by item: only lives of today have any."""
        rows = self.catalog.read(lambda tx: tx.labels.settled_since(self.project_id, -1))
        assert len({row.item_id for row in rows}) == len(rows)
        return {row.item_id: row for row in rows}

    def reserved(self) -> set[str]:
        """The ids of the reserve."""
        return {item.item_id for item in self.pool.items(500) if item.reserved}


def a_call(method: str = "Test", request_id: str = "", fingerprint: str = "same") -> Call:
    """A call of the local user."""
    return Call(LOCAL, method, request_id, fingerprint, CancelFlag())


def wire(catalog: Catalog, store: LocalSegmentStore, trainer: Trainer, threads: int = 1) -> Wiring:
    """Use cases by type, as the server makes them."""
    return Wiring(
        {
            Catalog: catalog,
            SegmentStore: store,
            FilePlace: LocalPlace(store._folder.parent),
            ArtefactStore: LocalArtefactStore(store._folder.parent / "artefacts"),
            PoolScoring: LocalScoring(Engine(threads)),
            PoolIndexing: BackgroundIndexing(Engine(threads)),
            Trainer: trainer,
            Mapping[str, Strategy]: strategies.discover(),
            Mapping[str, Learner]: LEARNERS,
            Collection[str]: tuple(LEARNERS),
            Callable[[], None]: lambda: None,
        }
    )


def begin(
    catalog: Catalog,
    store: LocalSegmentStore,
    project_id: str = "rounds",
    space: VectorSpace | None = None,
    **policy: Any,
) -> Rounds:
    """A new project; without a reserve unless told otherwise."""
    trainer = NearestMean()
    wiring = wire(catalog, store, trainer)
    command = CreateProjectCommand(
        project_id=project_id,
        classes=tuple(map(ClassLabel, CLASSES)),
        space=space or VectorSpace(),
        policy=Policy(**{"reserve_share": 0.0, "strategy": "margin", **policy}),
    )
    project = wiring.make(CreateProject)(a_call("CreateProject"), command)
    catalog.transact(lambda tx: tx.projects.update(replace(project, salt=SALT)))
    return Rounds(wiring, catalog, store, trainer, project_id)

"""A service of one's own in this process: the real use cases over a folder that is thrown away."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from alservice.bootstrap import Adapters
from alservice.config import Settings
from alservice.core import CancelFlag
from alservice.domain.batch import Arm
from alservice.domain.call import Call
from alservice.domain.head import Head
from alservice.domain.item import ItemBlock
from alservice.domain.label import Answer
from alservice.domain.learner import FittedModel, Progress, silent
from alservice.domain.model import ModelRow, ModelState
from alservice.domain.names import new_id
from alservice.domain.principal import LOCAL
from alservice.domain.project import ClassLabel, DType, Policy
from alservice.ports.catalog import Catalog, Tx
from alservice.ports.trainer import CancelFlag as Stop
from alservice.ports.trainer import TrainingJob
from alservice.simulation.competitor import Competitor
from alservice.usecases.add_items import AddItems, UploadHeader
from alservice.usecases.create_project import CreateProject, CreateProjectCommand
from alservice.usecases.delete_project import DeleteProject, DeleteProjectCommand
from alservice.usecases.model_head import decode_head, encode_head
from alservice.usecases.query import Query, QueryCommand
from alservice.usecases.run_training import RunTraining
from alservice.usecases.submit_labels import SubmitLabels, SubmitLabelsCommand
from alservice.usecases.train import Train, TrainCommand
from alservice.wiring import Wiring
from alservice.workers.training_child import run

I64 = NDArray[np.int64]
_CHUNK: Final = 20_000
_LEASE_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class InThisProcess:
    """A Trainer without a process of its own: nobody else waits here."""

    def fit(self, job: TrainingJob, progress: Progress, cancel: Stop) -> FittedModel:
        """The learner's model, measured on the job's evaluations."""
        return run(job, progress)

    def close(self) -> None:
        """Nothing to let go of."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A batch: pool positions in its order, and which of them the audit asked for, (k,) each."""

    rows: I64
    audit: NDArray[np.bool_]


@dataclass(slots=True)
class ScratchProject:
    """One project of a scratch service; an item's id is its position in the pool."""

    wiring: Wiring
    project_id: str
    class_count: int
    learner: str
    _model: ModelRow | None = None

    def query(self, count: int, competitor: Competitor, seed: int) -> Asked:
        """What the competitor asks next, leased. Raises what Query raises."""
        ask = QueryCommand(
            project_id=self.project_id,
            batch_size=count,
            strategy=competitor.strategy,
            diversify=competitor.diversify,
            parameters=competitor.parameters,
            with_content=False,
            seed=seed,
        )
        items = self.wiring.make(Query)(_call("Query"), ask).batch.items
        rows = np.array([int(item.item_id) for item in items], np.int64)
        return Asked(rows, np.array([item.arm is Arm.AUDIT for item in items], np.bool_))

    def answer(self, rows: I64, classes: I64) -> None:
        """The annotator's answers."""
        answers = tuple(
            Answer(item_id=str(row), class_id=class_id(number), annotator_id="simulated")
            for row, number in zip(rows.tolist(), classes.tolist(), strict=True)
        )
        self.wiring.make(SubmitLabels)(
            _call("SubmitLabels"), SubmitLabelsCommand(self.project_id, answers)
        )

    def deploy(self, head: Head, penalty: float) -> None:
        """Make `head` the active model, as if training had made it; `penalty` is its C."""
        catalog: Catalog = self.wiring.make(Catalog)
        catalog.transact(lambda tx: self._deploy(tx, head, penalty))

    def train(self, *, activate: bool) -> Head:
        """Train the service's own learner, as a worker would. Raises what training raises."""
        ask = TrainCommand(project_id=self.project_id, activate=activate)
        made = self.wiring.make(Train)(_call("Train"), ask)
        catalog: Catalog = self.wiring.make(Catalog)
        operation = catalog.transact(
            lambda tx: tx.operations.claim("simulation", tx.now_ms(), _LEASE_MS)
        )
        if operation is None:
            raise AssertionError("a training that nobody else can claim")
        self.wiring.make(RunTraining)(operation, silent, CancelFlag())
        model_id = made.model.model_id
        head = catalog.read(lambda tx: tx.models.head(self.project_id, model_id))
        if head is None:
            raise AssertionError("a trained model without a head")
        return decode_head(head)

    def delete(self) -> None:
        """Forget the project."""
        ask = DeleteProjectCommand(self.project_id)
        self.wiring.make(DeleteProject)(_call("DeleteProject"), ask)

    def _deploy(self, tx: Tx, head: Head, penalty: float) -> None:
        project = tx.projects.lock(self.project_id)
        if project is None:
            raise AssertionError(self.project_id)
        if self._model is not None:  # no round reads it again, and kernel heads are large
            tx.models.store(self.project_id, self._model, b"")
        row = ModelRow(
            model_id=new_id("m"),
            state=ModelState.READY,
            learner=self.learner,
            operation_id="",
            space_id=project.space.space_id,
            class_ids=project.schema.class_ids,
            revision=project.revision,
            label_count=project.settled_count,
            parameters={"C": penalty, "temperature": 1.0},
            create_time_ms=tx.now_ms(),
            end_time_ms=tx.now_ms(),
        )
        tx.models.insert(self.project_id, row)
        tx.models.store(self.project_id, row, encode_head(head))
        revision = project.revision + 1
        tx.projects.update(replace(project, active_model_id=row.model_id, revision=revision))
        self._model = row


@dataclass(slots=True)
class Scratch:
    """A service without a server, for one thread."""

    wiring: Wiring
    _made: int = 0

    def begin(
        self, vectors: NDArray[Any], class_count: int, *, learner: str, salt: int, audit: bool
    ) -> ScratchProject:
        """A project with these items (n, d); reserve and audit as for anybody, or off."""
        self._made += 1
        policy = Policy(learner=learner) if audit else Policy(learner=learner, reserve_share=0.0)
        command = CreateProjectCommand(
            project_id=f"replay-{self._made}",
            classes=tuple(ClassLabel(class_id(number)) for number in range(class_count)),
            policy=policy,
        )
        project = self.wiring.make(CreateProject)(_call("CreateProject"), command)
        catalog: Catalog = self.wiring.make(Catalog)
        # The reserve is drawn by the salt: a seed must draw the same one again.
        catalog.transact(lambda tx: tx.projects.update(replace(project, salt=salt)))
        session = self.wiring.make(AddItems).open(
            _call("AddItems"), UploadHeader(project.project_id)
        )
        for start in range(0, len(vectors), _CHUNK):
            part = np.ascontiguousarray(vectors[start : start + _CHUNK], np.float32)
            ids = tuple(map(str, range(start, start + len(part))))
            session.append(start, ItemBlock(ids, part, DType.F32))
        session.commit()
        return ScratchProject(self.wiring, project.project_id, class_count, learner)


def class_id(number: int) -> str:
    """The id of the class at this position."""
    return f"c{number}"


@contextmanager
def scratch_service() -> Iterator[Scratch]:
    """A service whose state is gone afterwards, on one thread."""
    with tempfile.TemporaryDirectory(prefix="alservice-simulate-") as folder:
        settings = Settings(data=Path(folder) / "data", threads=1)
        opened = Adapters.open(settings, lambda: None, durable=False)
        opened.trainer.close()
        adapters = replace(opened, trainer=InThisProcess())
        try:
            yield Scratch(adapters.wiring())
        finally:
            adapters.close()


def _call(method: str) -> Call:
    return Call(LOCAL, method, "", "", CancelFlag())

"""What use cases need: a real catalog and a real segment store in a folder of their own."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import pytest

from alservice import strategies
from alservice.core import CancelFlag
from alservice.domain.call import Call
from alservice.domain.model import ModelRow, ModelState
from alservice.domain.operation import Operation, OperationKind
from alservice.domain.principal import LOCAL, Principal
from alservice.domain.project import ClassLabel, Policy, Project, VectorSpace
from alservice.ports.catalog import Catalog
from alservice.storage.catalog.sqlite import SqliteCatalog
from alservice.storage.segments import LocalSegmentStore
from alservice.usecases.create_project import CreateProject, CreateProjectCommand
from tests.rounds import Rounds, begin, ids
from tests.usecases.items import Pool

LEARNERS = frozenset({"logistic"})


class Clock:
    """The database's clock, which tests move: a millisecond passes with each look at it."""

    def __init__(self) -> None:
        self.now_ms = 1_800_000_000_000

    def __call__(self) -> int:
        self.now_ms += 1
        return self.now_ms

    def advance(self, milliseconds: int) -> None:
        self.now_ms += milliseconds


class CallFactory(Protocol):
    """Makes a call; without a fingerprint, two calls with one request_id are the same request."""

    def __call__(
        self,
        method: str = ...,
        request_id: str = ...,
        *,
        fingerprint: str = ...,
        principal: Principal = ...,
        cancel: CancelFlag | None = ...,
    ) -> Call: ...


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def catalog(tmp_path: Path, clock: Clock) -> Iterator[Catalog]:
    opened = SqliteCatalog(tmp_path / "data", clock_ms=clock)
    yield opened
    opened.close()


@pytest.fixture
def store(tmp_path: Path) -> LocalSegmentStore:
    return LocalSegmentStore(tmp_path / "data" / "segments")


@pytest.fixture
def call() -> CallFactory:
    def make(
        method: str = "Test",
        request_id: str = "",
        *,
        fingerprint: str = "same",
        principal: Principal = LOCAL,
        cancel: CancelFlag | None = None,
    ) -> Call:
        return Call(principal, method, request_id, fingerprint, cancel or CancelFlag())

    return make


@pytest.fixture
def create_project(catalog: Catalog) -> CreateProject:
    return CreateProject(catalog, strategies.discover(), LEARNERS)


@pytest.fixture
def make_project(create_project: CreateProject, call: CallFactory) -> Callable[..., Project]:
    """`make_project("reviews", classes=("good", "bad"), space=..., batch_size=5)`."""
    numbers = count(1)

    def make(
        project_id: str = "",
        classes: tuple[str, ...] = ("cat", "dog"),
        space: VectorSpace | None = None,
        **policy: Any,
    ) -> Project:
        command = CreateProjectCommand(
            project_id=project_id or f"project-{next(numbers)}",
            classes=tuple(map(ClassLabel, classes)),
            space=space or VectorSpace(),
            policy=Policy(**policy),
        )
        return create_project(call("CreateProject"), command)

    return make


@pytest.fixture
def add_model(catalog: Catalog, clock: Clock) -> Callable[..., ModelRow]:
    """`add_model("reviews", "m-1", state=ModelState.TRAINING)`: a row, READY unless told."""

    def add(project_id: str, model_id: str, **fields: Any) -> ModelRow:
        row = ModelRow(
            **{
                "model_id": model_id,
                "state": ModelState.READY,
                "learner": "logistic",
                "operation_id": "o-1",
                "space_id": "default",
                "class_ids": ("cat", "dog"),
                "create_time_ms": clock(),
                **fields,
            }
        )
        catalog.transact(lambda tx: tx.models.insert(project_id, row))
        return row

    return add


@pytest.fixture
def add_operation(catalog: Catalog, clock: Clock) -> Callable[..., Operation]:
    """`add_operation("reviews", "o-1", state=...)`: TRAIN, QUEUED unless told."""

    def add(project_id: str, operation_id: str, **fields: Any) -> Operation:
        operation = Operation(
            **{
                "operation_id": operation_id,
                "project_id": project_id,
                "kind": OperationKind.TRAIN,
                "create_time_ms": clock(),
                **fields,
            }
        )
        catalog.transact(lambda tx: tx.operations.insert(operation))
        return operation

    return add


@pytest.fixture
def items_pool(
    catalog: Catalog, store: LocalSegmentStore, make_project: Callable[..., Project]
) -> Pool:
    """The items of an empty project with the classes `cat` and `dog`."""
    return Pool(catalog, store, make_project("items").project_id)


@pytest.fixture
def start(catalog: Catalog, store: LocalSegmentStore) -> Callable[..., Rounds]:
    """`start("reviews", reserve_share=0.2)`: a project to work on; see tests/rounds.py."""

    def begun(project_id: str = "rounds", **fields: Any) -> Rounds:
        return begin(catalog, store, project_id, **fields)

    return begun


@pytest.fixture
def rounds(start: Callable[..., Rounds]) -> Rounds:
    """A project with 40 items, `i0` to `i39`, and no reserve."""
    begun = start()
    begun.add(ids(40))
    return begun

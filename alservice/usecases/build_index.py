"""BuildIndex: find once what strategies ask a pool again and again, as an operation."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from alservice.domain.artefact import Artefact
from alservice.domain.call import Call
from alservice.domain.errors import InvalidField, PoolEmpty, VectorsMissing
from alservice.domain.names import new_id
from alservice.domain.operation import Operation, OperationKind, OperationState
from alservice.domain.project import Project
from alservice.domain.segment import Segment
from alservice.ports.artefacts import ArtefactStore
from alservice.ports.catalog import Catalog, Tx
from alservice.ports.neighbours import PoolIndexing
from alservice.usecases.once import once
from alservice.usecases.pool_index import damaged_index
from alservice.usecases.require import lock_project, require_operation

USUAL_NEIGHBOURS: Final = 16
MOST_NEIGHBOURS: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildIndexCommand:
    """What a caller asks for; 0 neighbours means the usual number."""

    project_id: str
    neighbour_count: int = 0
    force: bool = False


@dataclass(frozen=True, slots=True)
class BuildIndex:
    """Queues a build, joins the one that is under way, or finds that there is nothing new."""

    catalog: Catalog
    artefacts: ArtefactStore
    indexing: PoolIndexing
    wake_workers: Callable[[], None]

    def __call__(self, call: Call, ask: BuildIndexCommand) -> Operation:
        """The operation.

        Raises ProjectNotFound, InvalidField, VectorsMissing, PoolEmpty, IndexTooLarge,
        RequestIdReused, Overloaded; OperationNotFound where an earlier call with the same
        request_id began it and it was deleted since.
        """
        wanted = _Wanted(
            neighbour_count=_checked(ask.neighbour_count or USUAL_NEIGHBOURS),
            force=ask.force,
            damaged=damaged_index(self.catalog, self.artefacts, ask.project_id),
            check=self.indexing.check,
        )
        operation = self.catalog.transact(lambda tx: _begin(tx, call, ask.project_id, wanted))
        self.wake_workers()
        return operation


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What is asked for; the index with the id `damaged` is as good as none."""

    neighbour_count: int
    force: bool
    damaged: str
    check: Callable[[int, int, int], None]


def _checked(count: int) -> int:
    if not 1 <= count <= MOST_NEIGHBOURS:
        text = f"neighbour_count is {count}; it must be 1 to {MOST_NEIGHBOURS}"
        raise InvalidField(text, field="neighbour_count", limit=MOST_NEIGHBOURS, got=count)
    return count


def _begin(tx: Tx, call: Call, project_id: str, wanted: _Wanted) -> Operation:
    project = lock_project(tx, project_id)
    effect = lambda: _operation(tx, project, wanted).operation_id  # noqa: E731
    operation_id = once(tx, call, project_id, effect, json.dumps, json.loads)
    return require_operation(tx, project_id, operation_id)


def _operation(tx: Tx, project: Project, wanted: _Wanted) -> Operation:
    segments = tx.segments.live(project.project_id)
    _check_pool(project, segments, wanted)
    for begun in tx.operations.unfinished(project.project_id, OperationKind.BUILD_INDEX):
        if _same(begun, wanted, segments):
            return begun
    latest = tx.artefacts.live(project.project_id)
    if latest is not None and _nothing_new(latest, wanted, segments):
        return _done_operation(tx, latest)
    operation = Operation(
        operation_id=new_id("o"),
        project_id=project.project_id,
        kind=OperationKind.BUILD_INDEX,
        request={
            "neighbour_count": wanted.neighbour_count,
            "force": wanted.force,
            "segments": len(segments),
            "revision": _revision(segments),
        },
        stage="waiting for a worker",
        create_time_ms=tx.now_ms(),
    )
    tx.operations.insert(operation)
    return operation


def _check_pool(project: Project, segments: Sequence[Segment], wanted: _Wanted) -> None:
    if project.space.dimension == 0:
        text = "an index is made of vectors, and the items of this project have none"
        raise VectorsMissing(text, project=project.project_id)
    if project.item_count == 0:
        text = "there is nothing to index: the project has no items yet"
        raise PoolEmpty(text, project=project.project_id)
    rows = sum(segment.rows for segment in segments)
    wanted.check(rows, project.space.dimension or 0, wanted.neighbour_count)


def _same(begun: Operation, wanted: _Wanted, segments: Sequence[Segment]) -> bool:
    """Whether an unfinished build will answer this request as well.

    One that waits reads the pool later; one that runs must have been asked for after the last
    change of the pool. One that was not forced may end by finding that there is nothing new,
    which is no answer to a request that forces.
    """
    if begun.cancel_requested or begun.request["neighbour_count"] != wanted.neighbour_count:
        return False
    if wanted.force and not begun.request.get("force"):
        return False
    now = (len(segments), _revision(segments))
    seen = (begun.request["segments"], begun.request["revision"]) == now
    return begun.state is OperationState.QUEUED or seen


def _nothing_new(latest: Artefact, wanted: _Wanted, segments: Sequence[Segment]) -> bool:
    if wanted.force or latest.artefact_id == wanted.damaged:
        return False
    present = tuple(segment.segment_id for segment in segments)
    return latest.facts["neighbour_count"] == wanted.neighbour_count and latest.is_of(present)


def _revision(segments: Sequence[Segment]) -> int:
    return max(segment.revision for segment in segments)


def _done_operation(tx: Tx, latest: Artefact) -> Operation:
    """The operation that made the index; a new one, done already, if that was deleted."""
    made = tx.operations.get(latest.project_id, latest.operation_id)
    if made is not None:
        return made
    operation = Operation(
        operation_id=latest.operation_id,
        project_id=latest.project_id,
        kind=OperationKind.BUILD_INDEX,
        state=OperationState.SUCCEEDED,
        request={"neighbour_count": latest.facts["neighbour_count"]},
        result=latest.facts,
        progress=1.0,
        stage="the pool has not changed",
        create_time_ms=tx.now_ms(),
        end_time_ms=tx.now_ms(),
    )
    tx.operations.insert(operation)
    return operation

"""BuildIndex: find once what strategies ask a pool again and again, as an operation."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from alservice.domain.artefact import Artefact
from alservice.domain.call import Call
from alservice.domain.errors import InvalidField, PoolEmpty, VectorsMissing
from alservice.domain.names import new_id
from alservice.domain.operation import Operation, OperationKind, OperationState
from alservice.domain.project import Project
from alservice.ports.catalog import Catalog, Tx
from alservice.usecases.once import once
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
    wake_workers: Callable[[], None]

    def __call__(self, call: Call, ask: BuildIndexCommand) -> Operation:
        """The operation.

        Raises ProjectNotFound, InvalidField, VectorsMissing, PoolEmpty, RequestIdReused;
        OperationNotFound where an earlier call with the same request_id began it and it was
        deleted since.
        """
        count = _checked(ask.neighbour_count or USUAL_NEIGHBOURS)
        operation = self.catalog.transact(lambda tx: _begin(tx, call, ask, count))
        self.wake_workers()
        return operation


def _checked(count: int) -> int:
    if not 1 <= count <= MOST_NEIGHBOURS:
        text = f"neighbour_count is {count}; it must be 1 to {MOST_NEIGHBOURS}"
        raise InvalidField(text, field="neighbour_count", limit=MOST_NEIGHBOURS, got=count)
    return count


def _begin(tx: Tx, call: Call, ask: BuildIndexCommand, count: int) -> Operation:
    project = lock_project(tx, ask.project_id)
    effect = lambda: _operation(tx, project, count, force=ask.force).operation_id  # noqa: E731
    operation_id = once(tx, call, ask.project_id, effect, json.dumps, json.loads)
    return require_operation(tx, ask.project_id, operation_id)


def _operation(tx: Tx, project: Project, count: int, *, force: bool) -> Operation:
    _check_pool(project)
    segments = tx.segments.live(project.project_id)
    present = tuple(segment.segment_id for segment in segments)
    for begun in tx.operations.unfinished(project.project_id, OperationKind.BUILD_INDEX):
        if _same(begun, count, len(present), max(s.revision for s in segments)):
            return begun
    latest = tx.artefacts.live(project.project_id)
    if latest is not None and not force and _nothing_new(latest, present, count):
        return _done_operation(tx, latest)
    operation = Operation(
        operation_id=new_id("o"),
        project_id=project.project_id,
        kind=OperationKind.BUILD_INDEX,
        request={
            "neighbour_count": count,
            "force": force,
            "segments": len(present),
            "revision": max(segment.revision for segment in segments),
        },
        stage="waiting for a worker",
        create_time_ms=tx.now_ms(),
    )
    tx.operations.insert(operation)
    return operation


def _check_pool(project: Project) -> None:
    if project.space.dimension == 0:
        text = "an index is made of vectors, and the items of this project have none"
        raise VectorsMissing(text, project=project.project_id)
    if project.item_count == 0:
        text = "there is nothing to index: the project has no items yet"
        raise PoolEmpty(text, project=project.project_id)


def _same(begun: Operation, count: int, segments: int, revision: int) -> bool:
    """Whether an unfinished build will answer this request as well.

    One that waits reads the pool later; one that runs must have been asked for after the last
    change of the pool.
    """
    if begun.cancel_requested or begun.request["neighbour_count"] != count:
        return False
    seen = (begun.request["segments"], begun.request["revision"]) == (segments, revision)
    return begun.state is OperationState.QUEUED or seen


def _nothing_new(latest: Artefact, present: tuple[str, ...], count: int) -> bool:
    return latest.facts["neighbour_count"] == count and latest.is_of(present)


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

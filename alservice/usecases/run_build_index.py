"""What a worker does for a BuildIndex: find, write, publish if the work is still its own."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alservice.core import Block, CancelFlag
from alservice.domain.artefact import Artefact, ArtefactState
from alservice.domain.errors import AlserviceError, Conflict
from alservice.domain.learner import Progress
from alservice.domain.names import new_id
from alservice.domain.near_duplicates import count_near_duplicates, near_duplicates
from alservice.domain.operation import Operation, OperationState
from alservice.domain.segment import LINGER_MS
from alservice.ports.artefacts import ArtefactStore
from alservice.ports.catalog import Catalog, Tx
from alservice.ports.neighbours import Neighbours, PoolIndexing
from alservice.usecases.fail_operation import ended
from alservice.usecases.pool_index import damaged_index
from alservice.usecases.snapshot import Located, Snapshots
from alservice.usecases.write_segments import WRITING_MS

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class RunBuildIndex:
    """Runs one BUILD_INDEX operation to its end."""

    catalog: Catalog
    snapshots: Snapshots
    indexing: PoolIndexing
    artefacts: ArtefactStore

    def __call__(self, operation: Operation, progress: Progress, cancel: CancelFlag) -> None:
        """Run it.

        Raises Cancelled, ProjectNotFound, IndexTooLarge, SegmentCorrupt, DiskFull, Overloaded,
        Conflict.
        """
        begin_ms = self.catalog.now_ms()
        progress(0.0, "opening the pool")
        located = self.snapshots.located(operation.project_id)
        damaged = damaged_index(self.catalog, self.artefacts, operation.project_id)
        if self.catalog.transact(lambda tx: _built_already(tx, operation, located, damaged)):
            return
        arrays, facts = self._find(located, operation, progress, cancel)
        progress(0.97, "writing")
        artefact = _named(operation, located)
        self.catalog.transact(lambda tx: _reserve(tx, artefact))
        try:
            sealed = self.artefacts.write(artefact.artefact_id, arrays)
            written = replace(
                artefact, size_bytes=sealed.size_bytes, crc32c=sealed.crc32c, facts=facts
            )
            self.catalog.transact(lambda tx: _publish(tx, operation, written, begin_ms))
        except BaseException:
            self._discard(artefact.artefact_id)
            raise

    def _find(
        self, located: Located, operation: Operation, progress: Progress, cancel: CancelFlag
    ) -> tuple[Arrays, dict[str, Any]]:
        blocks = _blocks(located)
        count = int(operation.request["neighbour_count"] or 0)
        found = self.indexing.neighbours(blocks, count, _part(progress, 0.0, 0.85), cancel)
        twins = self.indexing.twins(blocks, _part(progress, 0.85, 0.88), cancel)
        duplicate_of = near_duplicates(found.numbers, found.distances, twins, cancel)
        seed = located.project.salt
        clusters = self.indexing.clusters(blocks, seed, _part(progress, 0.88, 0.97), cancel)
        sizes = [len(block.id_hash) for block in blocks]
        arrays: Arrays = {
            "offsets": np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
            "neighbours": found.numbers,
            "distances": found.distances,
            "cluster": clusters.assignment,
            "centres": clusters.centres,
            "duplicate_of": duplicate_of,
        }
        facts = _facts(found, len(clusters.centres), count_near_duplicates(duplicate_of))
        return arrays, {**facts, "neighbour_count": count}

    def _discard(self, artefact_id: str) -> None:
        """Remove a file that did not go live; what cannot be removed is left to the sweeper."""
        with suppress(AlserviceError, OSError):
            if self.catalog.transact(lambda tx: _give_up(tx, artefact_id)):
                self.artefacts.remove(artefact_id)


def _named(operation: Operation, located: Located) -> Artefact:
    return Artefact(
        artefact_id=new_id("x"),
        project_id=operation.project_id,
        operation_id=operation.operation_id,
        state=ArtefactState.WRITING,
        segment_ids=_segment_ids(located),
        revision=located.project.revision,
    )


def _segment_ids(located: Located) -> tuple[str, ...]:
    return tuple(opened.segment.segment_id for opened in located.pool)


def _built_already(tx: Tx, operation: Operation, located: Located, damaged: str) -> bool:
    """End the operation if another one has made the same, while this one waited."""
    latest = tx.artefacts.live(operation.project_id)
    if latest is None or operation.request.get("force") or latest.artefact_id == damaged:
        return False
    if not latest.is_of(_segment_ids(located)):
        return False
    if latest.facts["neighbour_count"] != operation.request["neighbour_count"]:
        return False
    done = ended(operation, tx.now_ms(), OperationState.SUCCEEDED)
    tx.operations.finish(replace(done, result=latest.facts), operation.attempt)
    return True


def _blocks(located: Located) -> Sequence[Block]:
    return [
        Block(
            vectors=opened.reader.vectors,
            id_hash=opened.reader.ids.hashes,
            excluded=opened.deleted,
        )
        for opened in located.pool
    ]


def _part(progress: Progress, begin: float, end: float) -> Callable[[float, str], None]:
    """Progress of a part of the work, which takes this share of the whole."""
    return lambda share, stage: progress(begin + (end - begin) * share, stage)


def _facts(found: Neighbours, clusters: int, duplicates: int) -> dict[str, str | int | float]:
    return {
        "item_count": len(found.numbers),
        "recall": found.recall,
        "method": found.method,
        "cluster_count": clusters,
        "near_duplicate_count": duplicates,
    }


def _reserve(tx: Tx, artefact: Artefact) -> None:
    tx.artefacts.store(replace(artefact, expire_time_ms=tx.now_ms() + WRITING_MS))


def _publish(tx: Tx, operation: Operation, written: Artefact, begin_ms: int) -> None:
    """The index is LIVE, the operation done, what was LIVE before is DEAD.

    Unless that was made from a newer pool: then it is what came of the operation, and this one is
    DEAD. Raises Conflict where the work is not ours any more or took so long that it was swept.
    """
    project = tx.projects.lock(operation.project_id)
    now_ms = tx.now_ms()
    facts = {
        **written.facts,
        "artefact_id": written.artefact_id,
        "size_bytes": written.size_bytes,
        "build_ms": now_ms - begin_ms,
        "create_time_ms": now_ms,
    }
    before = tx.artefacts.live(operation.project_id)
    overtaken = before is not None and before.revision > written.revision
    done = replace(
        ended(operation, now_ms, OperationState.SUCCEEDED),
        result=before.facts if before is not None and overtaken else facts,
    )
    if project is None or tx.operations.get(operation.project_id, operation.operation_id) is None:
        raise Conflict("the project was deleted while its index was built, and this work with it")
    row = tx.artefacts.get(written.artefact_id)
    if row is None or row.state is not ArtefactState.WRITING:
        text = "the file of this index has expired or was given up; begin it again"
        raise Conflict(text, artefact=written.artefact_id)
    if not tx.operations.finish(done, operation.attempt):
        raise Conflict("another worker has taken this operation over; it goes on there")
    if overtaken:
        dead = replace(written, state=ArtefactState.DEAD, facts=facts, expire_time_ms=None)
        tx.artefacts.store(dead)
        return
    tx.artefacts.retire(operation.project_id, now_ms + LINGER_MS)
    live = replace(written, state=ArtefactState.LIVE, facts=facts, create_time_ms=now_ms)
    tx.artefacts.store(replace(live, expire_time_ms=None))


def _give_up(tx: Tx, artefact_id: str) -> bool:
    """Whether its file may go: it is not live. So it is safe if a commit may have come through."""
    row = tx.artefacts.get(artefact_id)
    if row is not None and row.state is ArtefactState.WRITING:
        tx.artefacts.store(replace(row, state=ArtefactState.DEAD, expire_time_ms=None))
    return row is None or row.state is not ArtefactState.LIVE

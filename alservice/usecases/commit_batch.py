"""Turn a choice into a batch, in one transaction: check it again, lease it, write it down."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from alservice.core import keyed_hash
from alservice.domain.batch import Arm, Batch, BatchItem, BatchItemState
from alservice.domain.names import new_id
from alservice.domain.project import Project
from alservice.ports.catalog import Tx
from alservice.usecases.choose_batch import Choice, audit_due
from alservice.usecases.disguise import disguised
from alservice.usecases.open_blocks import Candidate
from alservice.usecases.open_pool import deletion_bits, is_set
from alservice.usecases.snapshot import Snapshot

_STRIDE: Final = 0x9E3779B97F4A7C15  # the golden ratio: keys far apart
PROPENSITY: Final = "propensity"  # the component that says how probable a pick was


class StaleSnapshot(Exception):
    """Too much has changed since the snapshot to build a batch on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the caller asked for, beside the choice."""

    batch_size: int
    annotator_id: str
    lease_ms: int
    seed: int


def dry_batch(snapshot: Snapshot, choice: Choice, terms: Terms) -> Batch:
    """The batch that the choice would make, with no name and no lease."""
    due = audit_due(snapshot.project, terms.batch_size)
    audits = choice.audits.candidates[:due]
    kept = _fill(snapshot.project, choice, choice.picks.candidates, audits, terms)
    return _batch("", snapshot, snapshot.now_ms, choice, kept, terms)


def commit_batch(
    tx: Tx, project: Project, snapshot: Snapshot, choice: Choice, terms: Terms
) -> Batch:
    """Write the batch and its leases; `project` is locked. Raises StaleSnapshot."""
    now_ms = tx.now_ms()
    if project.uid != snapshot.project.uid:
        raise StaleSnapshot
    picks, audits = choice.picks.candidates, choice.audits.candidates
    if project.revision != snapshot.project.revision:
        picks = _still_free(tx, project, snapshot, picks, now_ms)
        audits = _still_free(tx, project, snapshot, audits, now_ms)
    due = audit_due(project, terms.batch_size)
    kept = _fill(project, choice, picks, audits[:due], terms)
    too_few = len(kept) < terms.batch_size and not choice.picks.complete
    if not kept or too_few or (len(audits) < due and not choice.audits.complete):
        raise StaleSnapshot
    _reclaim(tx, project, kept, now_ms)
    batch = _batch(new_id("b"), snapshot, now_ms, choice, kept, terms)
    tx.batches.insert(project.project_id, batch)
    tx.leases.insert(project.project_id, [batch.lease(item) for item in batch.items])
    audit = sum(item.arm is Arm.AUDIT for item in batch.items)
    tx.projects.update(
        replace(
            project,
            revision=project.revision + 1,
            audit_asked=project.audit_asked + audit,
            queried_asked=project.queried_asked + len(kept) - audit,
        )
    )
    return batch


def _still_free(
    tx: Tx, project: Project, snapshot: Snapshot, candidates: Sequence[Candidate], now_ms: int
) -> Sequence[Candidate]:
    """Those that are alive, unsettled and not leased now."""
    ids = [candidate.item_id for candidate in candidates]
    settled = tx.labels.settled_of(project.project_id, ids)
    taken = {
        (lease.item_id, lease.incarnation)
        for lease in tx.leases.of_items(project.project_id, ids)
        if lease.expire_time_ms > now_ms
    }
    alive = _alive(tx, project, snapshot, candidates)
    return [
        candidate
        for candidate, lives in zip(candidates, alive, strict=True)
        if lives
        and (candidate.item_id, candidate.incarnation) not in settled
        and (candidate.item_id, candidate.incarnation) not in taken
    ]


def _alive(
    tx: Tx, project: Project, snapshot: Snapshot, candidates: Sequence[Candidate]
) -> Sequence[bool]:
    if tx.segments.pool_version(project.project_id) == snapshot.pool_version:
        return [True] * len(candidates)
    current = {segment.segment_id: segment for segment in tx.segments.live(project.project_id)}
    alive = [False] * len(candidates)
    for index, opened in enumerate(snapshot.pool):
        here = [i for i, candidate in enumerate(candidates) if candidate.segment == index]
        segment = current.get(opened.segment.segment_id)
        if segment is None and here:
            raise StaleSnapshot  # merged: its rows are elsewhere now
        if segment is not None and here:
            rows = np.array([candidates[i].row for i in here], np.int64)
            for i, gone in zip(here, is_set(deletion_bits(segment), rows), strict=True):
                alive[i] = not gone
    return alive


def _fill(
    project: Project,
    choice: Choice,
    picks: Sequence[Candidate],
    audits: Sequence[Candidate],
    terms: Terms,
) -> list[BatchItem]:
    """The audit's items, and the strategy's: more of those where the audit has few."""
    picks = picks[: terms.batch_size - len(audits)]
    audits = disguised(audits, picks, _secret(project, terms.seed))
    uniform = len(picks) / max(1, choice.picks.open_count)
    propensity = min(1.0, uniform) if choice.chosen_by == "random" else 0.0
    audited = min(1.0, len(audits) / max(1, choice.audits.open_count))
    return [
        *(_item(choice, c, c.components.get(PROPENSITY, propensity)) for c in picks),
        *(_item(choice, c, audited) for c in audits),
    ]


def _item(choice: Choice, candidate: Candidate, propensity: float) -> BatchItem:
    return BatchItem(
        item_id=candidate.item_id,
        incarnation=candidate.incarnation,
        rank=0,
        score=candidate.score,
        arm=candidate.arm,
        propensity=propensity,
        components=_components(choice, candidate),
    )


def _components(choice: Choice, candidate: Candidate) -> dict[str, float]:
    """What made the score; the score itself where the strategy says no more."""
    parts = {name: part for name, part in candidate.components.items() if name != PROPENSITY}
    return parts or {choice.chosen_by: candidate.score}


def _batch(
    batch_id: str,
    snapshot: Snapshot,
    now_ms: int,
    choice: Choice,
    kept: Sequence[BatchItem],
    terms: Terms,
) -> Batch:
    ordered = enumerate(_in_order(kept, _secret(snapshot.project, terms.seed)), start=1)
    items = tuple(replace(item, rank=rank) for rank, item in ordered)
    return Batch(
        batch_id=batch_id,
        annotator_id=terms.annotator_id,
        items=items,
        expire_time_ms=now_ms + terms.lease_ms,
        create_time_ms=now_ms,
        strategy=choice.strategy.name,
        strategy_version=choice.strategy.version,
        model_id=choice.model_id,
        seed=terms.seed,
        revision=snapshot.project.revision,
        chosen_by=choice.chosen_by,
        because=choice.because,
        pool_index=choice.pool_index,
    )


def _secret(project: Project, seed: int) -> int:
    """A key that follows from the seed, and not from anything that an answer shows."""
    return (project.salt * _STRIDE + seed) % 2**64


def _in_order(kept: Sequence[BatchItem], key: int) -> list[BatchItem]:
    """Best first, whatever the arm; equal scores by chance, so that the place tells nothing."""
    places = np.arange(len(kept), dtype=np.uint64)
    shuffle = keyed_hash(places, key)
    order = sorted(range(len(kept)), key=lambda i: (-kept[i].score, int(shuffle[i])))
    return [kept[i] for i in order]


def _reclaim(tx: Tx, project: Project, kept: Sequence[BatchItem], now_ms: int) -> None:
    """Take back run-out leases on these items: their old batches no longer hold them."""
    ids = [item.item_id for item in kept]
    lost: dict[str, list[str]] = {}
    for lease in tx.leases.reclaim(project.project_id, ids, now_ms):
        lost.setdefault(lease.batch_id, []).append(lease.item_id)
    for batch_id, item_ids in lost.items():
        tx.batches.set_state(project.project_id, batch_id, item_ids, BatchItemState.RELEASED)

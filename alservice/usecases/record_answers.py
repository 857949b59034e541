"""Write answers into the label log and settle what they settle, inside one transaction.

Answers are taken one after the other, so that several about one item in one request behave
as if they had come in separate ones.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from alservice.domain.batch import Arm, BatchItemState
from alservice.domain.label import Answer, LabelRow, LabelStatus, Outcome, Provenance, Settled
from alservice.domain.names import ANONYMOUS
from alservice.domain.project import Project
from alservice.domain.settling import ABSTENTIONS_TO_REVIEW, Belief, Verdict, settle, weight
from alservice.ports.catalog import Tx
from alservice.ports.tables import ItemKey
from alservice.usecases.find_lives import Life

Handed = tuple[str, str, str, str]  # (batch_id, arm, state, annotator_id)


@dataclass(slots=True)
class History:
    """What is known about the items of a request, kept up to date answer by answer.

    A belief has the provenance of the answer that made it, also where that was for the audit.
    """

    answers: dict[ItemKey, list[LabelRow]]
    handed: Mapping[ItemKey, Sequence[Handed]]
    leased: set[tuple[ItemKey, str]]  # (item, batch_id) with a lease that runs
    beliefs: dict[ItemKey, Belief]
    settled: Mapping[ItemKey, Settled]  # before this request
    answered: list[tuple[ItemKey, str]] = field(default_factory=list)  # (item, batch_id)


@dataclass(slots=True)
class Ledger:
    """What is to be written at the end.

    `settled` has by item: the place in `rows` of the answer that settles it, the belief, and
    whether the item is of a role that trains.
    """

    rows: list[LabelRow] = field(default_factory=list)
    settled: dict[ItemKey, tuple[int, Belief, bool]] = field(default_factory=dict)


def read_history(tx: Tx, project_id: str, item_ids: Sequence[str], now_ms: int) -> History:
    """All that the catalog knows about these items."""
    answers: dict[ItemKey, list[LabelRow]] = {}
    origin: dict[int, Provenance] = {}
    for row in tx.labels.of_items(project_id, item_ids):
        answers.setdefault((row.item_id, row.incarnation), []).append(row)
        origin[row.seq] = row.provenance
    settled = tx.labels.settled_of(project_id, item_ids)
    return History(
        answers=answers,
        handed=tx.batches.of_items(project_id, item_ids),
        leased={
            ((lease.item_id, lease.incarnation), lease.batch_id)
            for lease in tx.leases.of_items(project_id, item_ids)
            if lease.expire_time_ms > now_ms
        },
        beliefs={
            key: Belief(row.outcome, row.class_id, origin[row.label_seq])
            for key, row in settled.items()
        },
        settled=settled,
    )


def record_answer(
    history: History, ledger: Ledger, answer: Answer, life: Life, now_ms: int
) -> LabelStatus:
    """Take one answer into account."""
    key = (answer.item_id, life.incarnation)
    earlier = history.answers.setdefault(key, [])
    if _repeats(earlier, answer):
        return LabelStatus.DUPLICATE
    batch = _batch_of(history, key, answer)
    provenance = answer.provenance or _provenance(batch)
    verdict = _verdict(history.beliefs.get(key), answer, provenance, life)
    row = _line(answer, life, provenance, batch, now_ms)
    earlier.append(row)
    ledger.rows.append(row)
    belief = verdict.belief or _review(history, key, earlier)
    if belief is not None:
        history.beliefs[key] = belief
        settled = _measuring(history, key, belief)
        ledger.settled[key] = (len(ledger.rows) - 1, settled, life.trains)
    if batch is None or not _closes(batch, answer, settles=belief is not None):
        return verdict.status
    return _closed(history, key, batch, verdict.status)


def write_ledger(
    tx: Tx, project: Project, history: History, ledger: Ledger
) -> Sequence[tuple[Settled | None, Settled]]:
    """Append, settle, end leases; returns what was settled, each with what it was before."""
    project_id = project.project_id
    seqs = tx.labels.append(project_id, ledger.rows)
    settled = [
        _settled(key, belief, seqs[index], project.revision + 1, trains=trains)
        for key, (index, belief, trains) in ledger.settled.items()
    ]
    tx.labels.settle(project_id, settled)
    _close(tx, project_id, history.answered, BatchItemState.ANSWERED)
    _close(tx, project_id, _needless(history, ledger), BatchItemState.RELEASED)
    return [(history.settled.get((row.item_id, row.incarnation)), row) for row in settled]


def _repeats(earlier: Sequence[LabelRow], answer: Answer) -> bool:
    mine = [row for row in earlier if row.annotator_id == answer.annotator_id]
    if not mine or answer.provenance is Provenance.CORRECTED:
        return bool(mine) and _same(mine[-1], answer) and _last_word(earlier, mine[-1])
    return _same(mine[-1], answer)


def _same(row: LabelRow, answer: Answer) -> bool:
    """A person who agrees with a machine says something new."""
    machines = {row.provenance is Provenance.MACHINE, answer.provenance is Provenance.MACHINE}
    same = row.outcome is answer.outcome and row.class_id == answer.class_id
    return same and len(machines) == 1


def _last_word(earlier: Sequence[LabelRow], row: LabelRow) -> bool:
    """A correction repeats another only if nothing was said in between."""
    return earlier[-1] is row and row.provenance is Provenance.CORRECTED


def _batch_of(history: History, key: ItemKey, answer: Answer) -> Handed | None:
    """The batch that an answer belongs to.

    The one it names, else the annotator's own, else one that holds the item now, else the newest.
    """
    handed = history.handed.get(key, ())

    def closeness(batch: Handed) -> tuple[bool, bool, bool]:
        named, own = batch[0] == answer.batch_id, batch[3] == answer.annotator_id
        return named, own, (key, batch[0]) in history.leased

    return max(handed, key=closeness, default=None)


def _closes(batch: Handed, answer: Answer, *, settles: bool) -> bool:
    """Whether the item's place in the batch is done.

    Somebody else's answer ends it only by settling the item; an anonymous batch is anybody's.
    """
    mine = batch[0] == answer.batch_id or batch[3] in (answer.annotator_id, ANONYMOUS)
    return settles or (mine and answer.provenance is not Provenance.MACHINE)


def _verdict(belief: Belief | None, answer: Answer, provenance: Provenance, life: Life) -> Verdict:
    """A machine's answer on what measures would measure agreement with it: it settles nothing."""
    if provenance is Provenance.MACHINE and life.measures:
        return Verdict(LabelStatus.RECORDED, None)
    return settle(belief, answer, provenance)


def _line(
    answer: Answer, life: Life, provenance: Provenance, batch: Handed | None, now_ms: int
) -> LabelRow:
    return LabelRow(
        item_id=answer.item_id,
        incarnation=life.incarnation,
        outcome=answer.outcome,
        class_id=answer.class_id,
        annotator_id=answer.annotator_id,
        provenance=provenance,
        confidence=answer.confidence,
        seconds_spent=answer.seconds_spent,
        batch_id=batch[0] if batch else None,
        create_time_ms=now_ms,
    )


def _provenance(batch: Handed | None) -> Provenance:
    if batch is None:
        return Provenance.IMPORTED
    return Provenance.AUDIT if batch[1] == Arm.AUDIT else Provenance.QUERIED


def _measuring(history: History, key: ItemKey, belief: Belief) -> Belief:
    """What the audit asked for measures and never trains, whoever answers or corrects it."""
    if any(arm == Arm.AUDIT for _, arm, *_ in history.handed.get(key, ())):
        return replace(belief, provenance=Provenance.AUDIT)
    return belief


def _review(history: History, key: ItemKey, answers: Iterable[LabelRow]) -> Belief | None:
    """A flag, once enough people have abstained on an item that nothing is known about."""
    abstained = {row.annotator_id for row in answers if row.outcome is Outcome.ABSTAIN}
    if key in history.beliefs or len(abstained) < ABSTENTIONS_TO_REVIEW:
        return None
    return Belief(Outcome.FLAG, None, Provenance.QUERIED)


def _closed(history: History, key: ItemKey, batch: Handed, status: LabelStatus) -> LabelStatus:
    """The status as the caller sees it, once the item's place in its batch is closed."""
    open_before = batch[2] == BatchItemState.OPEN and (key, batch[0]) not in history.answered
    in_time = (key, batch[0]) in history.leased
    history.answered.append((key, batch[0]))
    if status is LabelStatus.DISAGREES or batch[2] == BatchItemState.ANSWERED:
        return status
    if open_before and not in_time:
        return LabelStatus.LATE
    return LabelStatus.LATE if batch[2] == BatchItemState.RELEASED else status


def _settled(key: ItemKey, belief: Belief, seq: int, revision: int, *, trains: bool) -> Settled:
    counts = trains and belief.provenance is not Provenance.AUDIT
    return Settled(
        item_id=key[0],
        incarnation=key[1],
        outcome=belief.outcome,
        class_id=belief.class_id,
        provenance=belief.provenance,
        weight=weight(belief.outcome) if counts else 0.0,
        label_seq=seq,
        revision=revision,
    )


def _needless(history: History, ledger: Ledger) -> list[tuple[ItemKey, str]]:
    """Where items still wait that a person's answer has settled elsewhere: (item, batch_id)."""
    answered = set(history.answered)
    return [
        (key, batch_id)
        for key, (_, belief, _) in ledger.settled.items()
        if belief.provenance is not Provenance.MACHINE
        for batch_id, _, state, _ in history.handed.get(key, ())
        if state == BatchItemState.OPEN and (key, batch_id) not in answered
    ]


def _close(
    tx: Tx, project_id: str, places: Sequence[tuple[ItemKey, str]], state: BatchItemState
) -> None:
    """End the waiting of these items in these batches, and their leases there."""
    by_batch: dict[str, list[str]] = {}
    for (item_id, _), batch_id in places:
        by_batch.setdefault(batch_id, []).append(item_id)
    for batch_id, item_ids in by_batch.items():
        tx.batches.set_state(project_id, batch_id, item_ids, state)
        tx.leases.release(project_id, batch_id, item_ids)

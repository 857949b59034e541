"""SubmitLabels: record answers, settle what they settle, say what became of each."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from alservice.domain.call import Call
from alservice.domain.errors import (
    ClassUnknown,
    InvalidField,
    ItemNotFound,
    LabelValueInvalid,
    LimitExceeded,
    did_you_mean,
)
from alservice.domain.label import Answer, LabelStatus, Outcome, Provenance
from alservice.domain.names import check_annotator_id, check_item_id
from alservice.domain.project import Project
from alservice.ports.catalog import Catalog, Tx
from alservice.usecases.count_unseen import unseen_with
from alservice.usecases.find_lives import FindLives, LifeSearch, Lives
from alservice.usecases.once import once
from alservice.usecases.queue_training import QueueTraining, seen_revision
from alservice.usecases.record_answers import Ledger, read_history, record_answer, write_ledger
from alservice.usecases.require import lock_project

_MOST_LABELS: Final = 10_000
_WITH_CLASS: Final = frozenset({Outcome.VALUE, Outcome.UNSURE})
_SETTABLE: Final = frozenset({Provenance.IMPORTED, Provenance.CORRECTED, Provenance.MACHINE})


@dataclass(frozen=True, slots=True)
class SubmitLabelsCommand:
    """Answers for items of one project."""

    project_id: str
    answers: Sequence[Answer]


@dataclass(frozen=True, slots=True)
class SubmitLabelsResult:
    """One status per answer, and where the project stands."""

    statuses: Sequence[LabelStatus]
    settled_count: int
    unseen_label_count: int


@dataclass(frozen=True, slots=True)
class SubmitLabels:
    """Stores a well-formed request as a whole, or nothing."""

    catalog: Catalog
    find_lives: FindLives
    queue_training: QueueTraining

    def __call__(self, call: Call, ask: SubmitLabelsCommand) -> SubmitLabelsResult:
        """The statuses.

        Raises ProjectNotFound, ItemNotFound, ClassUnknown, LabelValueInvalid, InvalidField,
        InvalidName, InvalidItemId, LimitExceeded, RequestIdReused, SegmentCorrupt.
        """
        _check(ask)
        search = self.find_lives(ask.project_id, [answer.item_id for answer in ask.answers])
        return search.pool.transact(self.catalog, lambda tx: self._record(tx, call, ask, search))

    def _record(
        self, tx: Tx, call: Call, ask: SubmitLabelsCommand, search: LifeSearch
    ) -> SubmitLabelsResult:
        project = lock_project(tx, ask.project_id)
        effect = lambda: self._effect(tx, project, ask, search.again(tx, project))  # noqa: E731
        return once(tx, call, ask.project_id, effect, _encode, _decode)

    def _effect(
        self, tx: Tx, project: Project, ask: SubmitLabelsCommand, lives: Lives
    ) -> SubmitLabelsResult:
        _check_classes(project, ask.answers)
        ids = list(dict.fromkeys(answer.item_id for answer in ask.answers))
        now_ms = tx.now_ms()
        history = read_history(tx, project.project_id, ids, now_ms)
        _check_known(project, ids, lives, {i for i, _ in [*history.handed, *history.answers]})
        ledger = Ledger()
        statuses = [
            LabelStatus.ITEM_DELETED
            if (life := lives.alive.get(answer.item_id)) is None
            else record_answer(history, ledger, answer, life, now_ms)
            for answer in ask.answers
        ]
        settled = write_ledger(tx, project, history, ledger) if ledger.rows else ()
        unseen = unseen_with(tx, project, seen_revision(tx, project), settled)
        revision = project.revision + bool(ledger.rows)
        project = replace(
            project,
            settled_count=project.settled_count + sum(before is None for before, _ in settled),
            revision=revision,
            labels_revision=revision if settled else project.labels_revision,
        )
        project = replace(project, unseen=replace(unseen, labels_revision=project.labels_revision))
        tx.projects.update(project)
        self.queue_training.after_labels(tx, project, unseen.count)
        return SubmitLabelsResult(statuses, project.settled_count, unseen.count)


def _check(ask: SubmitLabelsCommand) -> None:
    if not ask.answers:
        raise InvalidField("send at least one label", field="labels")
    if len(ask.answers) > _MOST_LABELS:
        text = f"send at most {_MOST_LABELS} labels in one call, not {len(ask.answers)}"
        raise LimitExceeded(text, limit=_MOST_LABELS, got=len(ask.answers))
    for answer in ask.answers:
        check_item_id(answer.item_id)
        check_annotator_id(answer.annotator_id)
        _check_value(answer)
        _check_numbers(answer)


def _check_value(answer: Answer) -> None:
    named = {"item_id": answer.item_id, "outcome": answer.outcome.value}
    if answer.outcome in _WITH_CLASS and not answer.class_id:
        text = f"the label for {answer.item_id!r} lacks its class_id"
        raise LabelValueInvalid(text, **named)
    if answer.outcome not in _WITH_CLASS and answer.class_id is not None:
        what = answer.outcome.value
        text = f"the label for {answer.item_id!r} is {what}: it must not have a class_id"
        raise LabelValueInvalid(text, **named)
    if answer.provenance is not None and answer.provenance not in _SETTABLE:
        text = "provenance may be IMPORTED, CORRECTED or MACHINE; the service decides the others"
        raise InvalidField(text, field="labels.provenance", item_id=answer.item_id)


def _check_numbers(answer: Answer) -> None:
    if answer.confidence is not None and not 0 < answer.confidence <= 1:
        text = f"confidence must be in (0, 1], not {answer.confidence:g}"
        raise InvalidField(text, field="labels.confidence", item_id=answer.item_id)
    if answer.seconds_spent is not None and not 0 <= answer.seconds_spent < math.inf:
        text = f"seconds_spent must be at least 0, not {answer.seconds_spent:g}"
        raise InvalidField(text, field="labels.seconds_spent", item_id=answer.item_id)


def _check_classes(project: Project, answers: Sequence[Answer]) -> None:
    known = project.schema.index
    for answer in answers:
        if answer.class_id is not None and answer.class_id not in known:
            text = f"the project has no class {answer.class_id!r}; AddClasses adds one"
            raise ClassUnknown(
                text,
                class_id=answer.class_id,
                item_id=answer.item_id,
                **did_you_mean(answer.class_id, known),
            )


def _check_known(project: Project, ids: Sequence[str], lives: Lives, once_known: set[str]) -> None:
    """An item that is not in the pool must at least have been: else it is a mistake."""
    known = lives.alive.keys() | lives.deleted | once_known
    missing = [item_id for item_id in ids if item_id not in known]
    if missing:
        shown = ", ".join(missing[:10])
        text = f"{len(missing)} of the items are not in the project: {shown}; nothing was stored"
        raise ItemNotFound(text, item_ids=shown, count=len(missing), project=project.project_id)


def _encode(result: SubmitLabelsResult) -> str:
    statuses = [status.value for status in result.statuses]
    return json.dumps([statuses, result.settled_count, result.unseen_label_count])


def _decode(text: str) -> SubmitLabelsResult:
    statuses, settled_count, unseen = json.loads(text)
    return SubmitLabelsResult([LabelStatus(s) for s in statuses], settled_count, unseen)

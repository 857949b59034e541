"""Labels between messages and the use cases' words."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from alservice.api.v1 import active_learning_service_pb2 as service_pb
from alservice.api.v1 import label_pb2 as pb
from alservice.domain import names
from alservice.domain.errors import BatchNotFound, InvalidField, NotBuilt
from alservice.domain.label import Answer, LabelRow, LabelStatus, Outcome, Provenance
from alservice.rpc.project_messages import timestamp
from alservice.usecases.list_labels import ListLabelsCommand
from alservice.usecases.submit_labels import SubmitLabelsCommand, SubmitLabelsResult

V = TypeVar("V")
W = TypeVar("W")

_OUTCOMES = {
    pb.LABEL_OUTCOME_UNSPECIFIED: Outcome.VALUE,
    pb.LABEL_OUTCOME_VALUE: Outcome.VALUE,
    pb.LABEL_OUTCOME_UNSURE: Outcome.UNSURE,
    pb.LABEL_OUTCOME_ABSTAIN: Outcome.ABSTAIN,
    pb.LABEL_OUTCOME_UNUSABLE: Outcome.UNUSABLE,
    pb.LABEL_OUTCOME_FLAG: Outcome.FLAG,
}
_PROVENANCES = {
    pb.LABEL_PROVENANCE_UNSPECIFIED: None,
    pb.LABEL_PROVENANCE_QUERIED: Provenance.QUERIED,
    pb.LABEL_PROVENANCE_AUDIT: Provenance.AUDIT,
    pb.LABEL_PROVENANCE_IMPORTED: Provenance.IMPORTED,
    pb.LABEL_PROVENANCE_CORRECTED: Provenance.CORRECTED,
    pb.LABEL_PROVENANCE_MACHINE: Provenance.MACHINE,
}
_STATUSES = {
    LabelStatus.RECORDED: pb.LABEL_STATUS_RECORDED,
    LabelStatus.DUPLICATE: pb.LABEL_STATUS_DUPLICATE,
    LabelStatus.LATE: pb.LABEL_STATUS_LATE,
    LabelStatus.DISAGREES: pb.LABEL_STATUS_DISAGREES,
    LabelStatus.ITEM_DELETED: pb.LABEL_STATUS_ITEM_DELETED,
}
_SENT_OUTCOMES = {outcome: value for value, outcome in _OUTCOMES.items()}
_SENT_PROVENANCES = {provenance: value for value, provenance in _PROVENANCES.items()}


def parse_submit(request: service_pb.SubmitLabelsRequest) -> SubmitLabelsCommand:
    """The answers. Raises NotBuilt, InvalidName, BatchNotFound."""
    project_id = names.parse_project(request.project)
    answers = [_answer(project_id, label) for label in request.labels]
    return SubmitLabelsCommand(project_id, answers)


def parse_list(request: service_pb.ListLabelsRequest) -> ListLabelsCommand:
    """Which page."""
    return ListLabelsCommand(
        project_id=names.parse_project(request.project),
        page_size=request.page_size,
        page_token=request.page_token,
        settled_only=request.settled_only,
    )


def render_submit(result: SubmitLabelsResult) -> service_pb.SubmitLabelsResponse:
    """What became of each answer."""
    return service_pb.SubmitLabelsResponse(
        statuses=[_STATUSES[status] for status in result.statuses],
        settled_count=result.settled_count,
        unseen_label_count=result.unseen_label_count,
    )


def render_labels(project_id: str, rows: Iterable[LabelRow]) -> list[pb.Label]:
    """Several lines of the log."""
    return [render_label(project_id, row) for row in rows]


def render_label(project_id: str, row: LabelRow) -> pb.Label:
    """One line of the log."""
    batch = names.batch_name(project_id, row.batch_id) if row.batch_id else ""
    label = pb.Label(
        item_id=row.item_id,
        outcome=_SENT_OUTCOMES[row.outcome],
        annotator_id=row.annotator_id,
        confidence=row.confidence,
        seconds_spent=row.seconds_spent,
        provenance=_SENT_PROVENANCES[row.provenance],
        batch=batch,
        incarnation=row.incarnation,
        create_time=timestamp(row.create_time_ms),
        settled=row.settled,
    )
    if row.class_id is not None:
        label.class_id = row.class_id
    return label


def _answer(project_id: str, label: pb.Label) -> Answer:
    if label.outcome == pb.LABEL_OUTCOME_RETRACT:
        text = "taking an answer back is not built yet; a CORRECTED label replaces one"
        raise NotBuilt(text, feature="retract", item_id=label.item_id)
    kind = label.WhichOneof("value")
    if kind in ("class_set", "number"):
        text = f"this project takes one class per item; answers of kind {kind} are not built yet"
        raise NotBuilt(text, feature=kind, item_id=label.item_id)
    return Answer(
        item_id=label.item_id,
        outcome=_known(_OUTCOMES, label.outcome, "labels.outcome"),
        class_id=label.class_id if kind == "class_id" else None,
        annotator_id=names.check_annotator_id(label.annotator_id),
        confidence=label.confidence if label.HasField("confidence") else None,
        seconds_spent=label.seconds_spent if label.HasField("seconds_spent") else None,
        provenance=_known(_PROVENANCES, label.provenance, "labels.provenance"),
        batch_id=_batch_id(project_id, label.batch) if label.batch else None,
    )


def _known(words: Mapping[V, W], value: V, field: str) -> W:
    """The word for an enum's value. Raises InvalidField for values of a newer client."""
    if value not in words:
        raise InvalidField(f"{field} has no value {value}; see label.proto", field=field)
    return words[value]


def _batch_id(project_id: str, name: str) -> str:
    in_project, batch_id = names.parse_batch(name)
    if in_project != project_id:
        text = f"the batch {name} belongs to another project than the labels"
        raise BatchNotFound(text, batch=name)
    return batch_id

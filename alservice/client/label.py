"""Answers of annotators: to send and as the service returns them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alservice.api.v1 import label_pb2
from alservice.client.columns import Entries, class_text, column, cut
from alservice.client.plain import text_of, time_of
from alservice.client.words import OUTCOMES, PROVENANCES


@dataclass(frozen=True, slots=True)
class Label:
    """One annotator's answer for one item, from the log of the project.

    `class_id` is None unless `outcome` is `value` or `unsure`; the other outcomes are `abstain`,
    `unusable` and `flag`. `confidence` is in (0, 1]. `provenance` is `queried`, `audit`,
    `imported`, `corrected` or `machine`. `settled` tells whether the project believes it.
    """

    item_id: str
    class_id: str | None
    outcome: str
    annotator: str
    confidence: float | None
    seconds: float | None
    provenance: str
    batch: str
    incarnation: int
    create_time: datetime | None
    settled: bool


def label_of(message: label_pb2.Label) -> Label:
    """The label that a message describes."""
    return Label(
        item_id=message.item_id,
        class_id=message.class_id or None,
        outcome=OUTCOMES.word(message.outcome),
        annotator=message.annotator_id,
        confidence=message.confidence if message.HasField("confidence") else None,
        seconds=message.seconds_spent if message.HasField("seconds_spent") else None,
        provenance=PROVENANCES.word(message.provenance),
        batch=message.batch,
        incarnation=message.incarnation,
        create_time=time_of(message.create_time),
        settled=message.settled,
    )


def label_messages(
    ids: Entries, classes: Entries, annotator: str, provenance: str, **columns: Any
) -> list[label_pb2.Label]:
    """One message per id. `columns`: outcomes, confidences, seconds. Raises ValueError."""
    count = len(ids)
    checked = {name: column(name, values, count) for name, values in columns.items()}
    answers = cut(column("classes", classes, count), 0, count)
    outcomes, confidences, seconds = (
        cut(checked.get(name), 0, count) or [None] * count
        for name in ("outcomes", "confidences", "seconds")
    )
    return [
        label_pb2.Label(
            item_id=text_of("an id", item_id),
            **_answer(answer),
            outcome=OUTCOMES.number(outcome or "unspecified"),
            annotator_id=annotator,
            confidence=confidence,
            seconds_spent=spent,
            provenance=PROVENANCES.number(provenance or "unspecified"),
        )
        for item_id, answer, outcome, confidence, spent in zip(
            ids, answers, outcomes, confidences, seconds, strict=True
        )
    ]


def _answer(value: object) -> dict[str, Any]:
    """The field for an answer; none if there is no answer."""
    class_id = class_text(value)
    return {"class_id": class_id} if class_id else {}

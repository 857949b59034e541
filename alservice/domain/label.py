"""Labels: one annotator's answer for one item, and what the project believes in the end."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """The kind of answer."""

    VALUE = "value"
    UNSURE = "unsure"
    ABSTAIN = "abstain"
    UNUSABLE = "unusable"
    FLAG = "flag"


class Provenance(StrEnum):
    """How a label came to be."""

    QUERIED = "queried"
    AUDIT = "audit"
    IMPORTED = "imported"
    CORRECTED = "corrected"
    MACHINE = "machine"


class LabelStatus(StrEnum):
    """What became of one submitted label."""

    RECORDED = "recorded"
    DUPLICATE = "duplicate"
    LATE = "late"
    DISAGREES = "disagrees"
    ITEM_DELETED = "item_deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One label as it is submitted. `provenance` is None where the service decides."""

    item_id: str
    outcome: Outcome = Outcome.VALUE
    class_id: str | None = None
    annotator_id: str = "anonymous"
    confidence: float | None = None
    seconds_spent: float | None = None
    provenance: Provenance | None = None
    batch_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelRow:
    """One line of the append-only log.

    `seq` is given by the catalog, in commit order per project.
    """

    item_id: str
    incarnation: int
    outcome: Outcome
    class_id: str | None
    annotator_id: str
    provenance: Provenance
    confidence: float | None = None
    seconds_spent: float | None = None
    batch_id: str | None = None
    create_time_ms: int = 0
    seq: int = 0
    settled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What takes an item out of the open pool: a settled label, UNUSABLE or FLAG.

    Keyed by (item_id, incarnation). `weight` is how much it counts in training: 1 for VALUE, less
    for UNSURE, 0 where it does not train (no value, audit, an item of role TEST or GOLD).
    `revision` is the project revision that settled it, so that caches can catch up.
    """

    item_id: str
    incarnation: int
    outcome: Outcome
    class_id: str | None
    provenance: Provenance
    weight: float
    label_seq: int
    revision: int

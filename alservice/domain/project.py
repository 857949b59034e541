"""A project: label schema, vector space, policy, and where its pool stands."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class DType(StrEnum):
    """How vectors are stored."""

    F32 = "f32"
    F16 = "f16"
    BF16 = "bf16"

    @property
    def size_bytes(self) -> int:
        """Bytes per number."""
        return 4 if self is DType.F32 else 2


class Retrain(StrEnum):
    """Who starts training."""

    MANUAL = "manual"
    AUTO = "auto"


@dataclass(frozen=True, slots=True)
class ClassLabel:
    """One class of a label schema."""

    class_id: str
    display_name: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class LabelSchema:
    """One class per item, for now. Classes keep their order: an index never changes."""

    classes: tuple[ClassLabel, ...] = ()
    revision: int = 1

    @property
    def class_ids(self) -> tuple[str, ...]:
        """The ids, by index."""
        return tuple(c.class_id for c in self.classes)

    @property
    def index(self) -> Mapping[str, int]:
        """Index of each class id."""
        return {c.class_id: i for i, c in enumerate(self.classes)}


@dataclass(frozen=True, slots=True)
class VectorSpace:
    """Where vectors are comparable. `dimension` and `dtype` are None until the first upload."""

    space_id: str = "default"
    dimension: int | None = None
    dtype: DType | None = None
    encoder: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """How a project works; durations in milliseconds."""

    strategy: str = "auto"
    strategy_version: int = 1
    batch_size: int = 20
    lease_duration_ms: int = 24 * 3_600_000
    reserve_share: float = 0.1
    audit_share: float | None = None  # None: 0.1 until 100 audit labels, then 0.05
    opinions_per_item: int = 1
    retrain: Retrain = Retrain.MANUAL
    learner: str = "logistic"


@dataclass(frozen=True, slots=True)
class Unseen:
    """How many settled labels that train have a revision > `after`, at a `labels_revision`."""

    after: int
    labels_revision: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A row of the catalog.

    `uid` is never reused; `salt` keys the reserve; times are in milliseconds of the database's
    clock; `revision` grows with every change of items, labels, deletions or leases;
    `labels_revision` is the last one that settled or unsettled a label; `generation` grows with
    every change of settings (the etag); `unseen` is the last count of labels that a model has not
    seen, which may be of before.
    """

    project_id: str
    uid: str
    display_name: str
    schema: LabelSchema
    space: VectorSpace = field(default_factory=VectorSpace)
    policy: Policy = field(default_factory=Policy)
    salt: int = 0
    revision: int = 0
    generation: int = 1
    labels_revision: int = 0
    next_incarnation: int = 1
    item_count: int = 0
    settled_count: int = 0
    audit_asked: int = 0
    queried_asked: int = 0
    active_model_id: str | None = None
    create_time_ms: int = 0
    unseen: Unseen | None = None

    @property
    def etag(self) -> str:
        """Changes whenever the settings do."""
        return f"{self.uid[-6:]}-{self.generation}"

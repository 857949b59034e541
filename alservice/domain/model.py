"""Models: trained heads, versioned and immutable once READY."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class ModelState(StrEnum):
    """How far a model has come."""

    TRAINING = "training"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow:
    """A row of the catalog.

    `metrics` holds one mapping per metric with the keys name, basis, value, low, high, n. The
    head itself is kept beside it as safetensors bytes.
    """

    model_id: str
    state: ModelState
    learner: str
    operation_id: str
    space_id: str
    class_ids: tuple[str, ...]
    revision: int = 0
    label_count: int = 0
    parameters: Mapping[str, float | str | bool] = field(default_factory=dict)
    metrics: tuple[Mapping[str, float | str | int], ...] = ()
    create_time_ms: int = 0
    end_time_ms: int | None = None
    error_reason: str = ""
    error: str = ""
    notes: tuple[str, ...] = ()

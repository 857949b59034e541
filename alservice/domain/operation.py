"""Operations: long work that is claimed, leased, heartbeaten and fenced."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from alservice.domain.model import ModelRow

Json = Mapping[str, str | int | float | bool | None]


class OperationKind(StrEnum):
    """What an operation does. MERGE is the service's own housekeeping; callers never see it."""

    TRAIN = "train"
    MERGE = "merge"
    BUILD_INDEX = "build_index"
    SIMULATE = "simulate"
    IMPORT = "import"


class OperationState(StrEnum):
    """How far an operation has come."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def done(self) -> bool:
        """True once nothing will change any more."""
        return self not in (OperationState.QUEUED, OperationState.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A row of the catalog.

    `attempt` is the fencing token: it grows with each claim, and a write with an older one is
    refused. `progress` is how far any attempt has come, and `lapses` counts the claims since then
    that took it from an owner who neither ended it nor gave it back. `error_reason` is a reason of
    domain/errors.py. `result` is what came of it, where that is not a model.
    """

    operation_id: str
    project_id: str
    kind: OperationKind
    state: OperationState = OperationState.QUEUED
    request: Json = field(default_factory=dict)
    result: Json = field(default_factory=dict)
    progress: float = 0.0
    stage: str = ""
    cancel_requested: bool = False
    owner: str = ""
    lease_until_ms: int = 0
    attempt: int = 0
    lapses: int = 0
    error_reason: str = ""
    error_message: str = ""
    create_time_ms: int = 0
    end_time_ms: int | None = None

    @property
    def model_id(self) -> str | None:
        """The model that a TRAIN operation makes: `request["model_id"]`."""
        model_id = self.request.get("model_id")
        return model_id if isinstance(model_id, str) else None


@dataclass(frozen=True, slots=True)
class OperationView:
    """An operation with the model it makes, and whether Query uses that model."""

    operation: Operation
    model: ModelRow | None = None
    active: bool = False

"""The enums of the API as lower-case words: `"test"` instead of ROLE_TEST."""

from typing import Any, Final

from alservice.api.v1 import (
    batch_pb2,
    item_pb2,
    label_pb2,
    model_pb2,
    pool_service_pb2,
    project_pb2,
    strategy_service_pb2,
    tensor_pb2,
)


class Words:
    """One enum, whose names all begin with `prefix`."""

    def __init__(self, kind: str, enum: Any, prefix: str) -> None:
        self._kind, self._prefix = kind, prefix
        self._number_of: dict[str, Any] = {
            name.removeprefix(prefix).lower(): int(enum.Value(name)) for name, _ in enum.items()
        }
        self._word_of: dict[int, str] = {number: word for word, number in self._number_of.items()}

    def word(self, number: int) -> str:
        """The word for a number from the wire; a value newer than this client is its number."""
        return self._word_of.get(number, str(number))

    def number(self, word: str) -> Any:
        """The number to send. Raises ValueError, naming the choices."""
        found = self._number_of.get(str(word).lower())
        if found is None:
            choices = ", ".join(sorted(self._number_of.keys() - {"unspecified"}))
            raise ValueError(f"unknown {self._kind} {word!r}: one of {choices}")
        return found


ROLES: Final = Words("role", item_pb2.Role, "ROLE_")
CONFLICTS: Final = Words("on_conflict", pool_service_pb2.ConflictPolicy, "CONFLICT_POLICY_")
OUTCOMES: Final = Words("outcome", label_pb2.LabelOutcome, "LABEL_OUTCOME_")
PROVENANCES: Final = Words("provenance", label_pb2.LabelProvenance, "LABEL_PROVENANCE_")
STATUSES: Final = Words("status", label_pb2.LabelStatus, "LABEL_STATUS_")
VIEWS: Final = Words("view", batch_pb2.BatchView, "BATCH_VIEW_")
ARMS: Final = Words("arm", batch_pb2.Arm, "ARM_")
ITEM_STATES: Final = Words("state", batch_pb2.BatchItemState, "BATCH_ITEM_STATE_")
MODEL_STATES: Final = Words("state", model_pb2.ModelState, "MODEL_STATE_")
BASES: Final = Words("basis", model_pb2.MetricBasis, "METRIC_BASIS_")
RETRAIN: Final = Words("retrain policy", project_pb2.RetrainPolicy, "RETRAIN_POLICY_")
STRATEGY_KINDS: Final = Words("kind", strategy_service_pb2.StrategyKind, "STRATEGY_KIND_")
STRATEGY_NEEDS: Final = Words("need", strategy_service_pb2.StrategyNeed, "STRATEGY_NEED_")
DTYPES: Final = Words("dtype", tensor_pb2.DType, "DTYPE_")

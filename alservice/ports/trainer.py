"""Where training happens: somewhere that can be stopped."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from alservice.domain.learner import (
    EvaluationSet,
    FittedModel,
    Parameter,
    Progress,
    TrainingSet,
    WarmStart,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingJob:
    """Everything one training needs; the model is measured on each of `evaluations`."""

    learner: str
    training: TrainingSet
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    warm: WarmStart | None = None
    evaluations: tuple[EvaluationSet, ...] = ()


class CancelFlag(Protocol):
    """What `threading.Event` is."""

    def is_set(self) -> bool:
        """Whether the work should stop."""


class Trainer(Protocol):
    """Fits one job at a time; further callers wait for their turn."""

    def fit(self, job: TrainingJob, progress: Progress, cancel: CancelFlag) -> FittedModel:
        """The fitted model, measured on its cross-validation and on `job.evaluations`.

        `progress` is called on this thread; whatever it raises stops the job and goes on to
        the caller. Raises `Cancelled` soon after `cancel` is set (within a tenth of a second,
        whatever the learner is doing), `LearnerUnknown`, the learner's own refusals
        (`TrainingNeedsTwoClasses`, `ParameterUnknown`, `ParameterOutOfRange`), and
        `TrainingFailed` for everything else, with a message that is safe to show. After any
        of these the next job works.
        """

    def close(self) -> None:
        """End what is running and let go of it; idempotent. `fit` may not be called again."""

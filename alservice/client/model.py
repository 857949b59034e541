"""Trained models and what was measured of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from google.protobuf.json_format import MessageToDict

from alservice.api.v1 import model_pb2
from alservice.client.plain import last_part, time_of
from alservice.client.words import BASES, MODEL_STATES


@dataclass(frozen=True, slots=True)
class Metric:
    """One measured quality: the value and its 95 % interval.

    `name` is `accuracy`, `macro_f1`, `log_loss` (nats) or `calibration_error`. `basis` is what it
    was measured on: `audit` (a uniform sample of the pool), `test` (items of role test) or
    `selected_cv` (cross-validated on queried labels, which were chosen for being hard: a biased
    diagnostic). `sample_count` is the number of labels behind it.
    """

    name: str
    basis: str
    value: float
    low: float
    high: float
    sample_count: int

    def __repr__(self) -> str:
        interval = f"95 % {self.low:.2f} to {self.high:.2f}, n={self.sample_count}"
        return f"Metric({self.name} on {self.basis}: {self.value:.3f}, {interval})"


@dataclass(frozen=True, slots=True)
class Model:
    """A trained head. `state` is `training`, `ready` or `failed`; `error` says why it failed.

    `parameters` are what training chose, such as `C`. `revision` is the project's revision whose
    labels it was trained on, `label_count` how many. `active` tells whether Query uses it.
    `notes` say in plain words what the owner of the project should know.
    """

    name: str
    state: str
    learner: str
    parameters: Mapping[str, Any]
    revision: int
    label_count: int
    metrics: list[Metric]
    class_ids: tuple[str, ...]
    active: bool
    create_time: datetime | None
    end_time: datetime | None
    error: str
    notes: tuple[str, ...]
    operation: str

    def __repr__(self) -> str:
        state = f"{self.state}, active" if self.active else self.state
        accuracy = [str(metric) for metric in self.metrics if metric.name == "accuracy"]
        told = [state, f"{self.label_count} labels", *accuracy]
        return f"Model({self.model_id}: {', '.join(told)})"

    @property
    def model_id(self) -> str:
        """The last part of the name."""
        return last_part(self.name)

    def metric(self, name: str, basis: str) -> Metric | None:
        """The metric of that name and basis, if it was measured."""
        found = (m for m in self.metrics if m.name == name and m.basis == basis)
        return next(found, None)


def model_of(message: model_pb2.Model) -> Model:
    """The model that a message describes."""
    return Model(
        name=message.name,
        state=MODEL_STATES.word(message.state),
        learner=message.learner,
        parameters=MessageToDict(message.parameters),
        revision=message.revision,
        label_count=message.label_count,
        metrics=[_metric(metric) for metric in message.metrics],
        class_ids=tuple(message.class_ids),
        active=message.active,
        create_time=time_of(message.create_time),
        end_time=time_of(message.end_time),
        error=message.error.message,
        notes=tuple(message.notes),
        operation=message.operation,
    )


def _metric(message: model_pb2.Metric) -> Metric:
    return Metric(
        name=message.metric,
        basis=BASES.word(message.basis),
        value=message.value,
        low=message.low,
        high=message.high,
        sample_count=message.sample_count,
    )

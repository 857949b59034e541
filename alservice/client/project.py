"""One project: its pool, its labels, its models. What most users of the client hold."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal, overload

from alservice.api.v1 import active_learning_service_pb2 as learning_rpc
from alservice.api.v1 import insight_service_pb2 as insight_rpc
from alservice.api.v1 import model_service_pb2 as model_rpc
from alservice.client.batch import Batch, batch_of
from alservice.client.columns import Entries
from alservice.client.connection import fresh_id
from alservice.client.errors import NotFound
from alservice.client.label import Label, label_messages, label_of
from alservice.client.model import Model, model_of
from alservice.client.paging import pages
from alservice.client.plain import duration_of, last_part
from alservice.client.pool import Pool
from alservice.client.simulation import Simulating
from alservice.client.training import Training
from alservice.client.words import STATUSES, VIEWS

LABELS_PER_CALL: Final = 4_000  # stays below 4 MiB with the longest ids


class Project(Pool):
    """A handle on one project; made by Client.create_project and Client.project.

    All methods raise `alservice.client.errors.ServiceError`.
    """

    # -- ask -------------------------------------------------------------------------------------

    def query(  # noqa: PLR0913 (the choices of one call)
        self,
        batch_size: int | None = None,
        *,
        strategy: str = "",
        diversify: str = "",
        parameters: Mapping[str, float] | None = None,
        annotator: str = "",
        lease_s: float | None = None,
        view: str = "basic",
        resume: bool = False,
        dry_run: bool = False,
        seed: int | None = None,
    ) -> Batch:
        """Chooses items that are worth a label and leases them to `annotator`.

        What is not given is the project's policy. `view` is `ids`, `basic` (with contents) or
        `full` (reasons, and what each item stands for; not for annotators). `diversify` names what
        keeps a scoring strategy from asking the same thing twice. `resume` returns the annotator's
        oldest open batch if there is one. `dry_run` ranks without leasing. Raises
        FailedPrecondition if nothing is left, ValueError for a batch of fewer than one.
        """
        request = learning_rpc.QueryRequest(
            project=self.name,
            batch_size=_size(batch_size),
            strategy=strategy,
            diversify=diversify,
            parameters=parameters,
            annotator_id=annotator,
            lease_duration=duration_of(lease_s),
            view=VIEWS.number(view),
            resume=resume,
            dry_run=dry_run,
            seed=seed,
            request_id=fresh_id(),
        )
        answer = self._connection.call(self._connection.learning.Query, request)
        return batch_of(
            answer.batch, tuple(answer.notes), answer.unseen_label_count, answer.open_item_count
        )

    def simulate(
        self,
        strategies: str | Sequence[str] = (),
        *,
        seeds: int = 0,
        batch_size: int = 0,
        budget: int = 0,
    ) -> Simulating:
        """Replays what is labelled already; returns at once: `simulate(...).wait()`.

        `strategies` play against `random`; none means the project's own, `entropy+power` one that
        another one diversifies. 0 means what suits the labels. Raises FailedPrecondition with too
        few labels, InvalidArgument for an unknown strategy.
        """
        request = insight_rpc.SimulateRequest(
            project=self.name,
            strategies=[strategies] if isinstance(strategies, str) else strategies,
            seeds=seeds,
            batch_size=batch_size,
            budget=budget,
            request_id=fresh_id(),
        )
        operation = self._connection.call(self._connection.insight.Simulate, request)
        return Simulating(self._connection, operation, shown=self._progress)

    def batch(self, name: str, view: str = "basic") -> Batch:
        """A batch by name or id, with the state of each item. Raises NotFound."""
        request = learning_rpc.GetBatchRequest(
            name=self._child("batches", name), view=VIEWS.number(view)
        )
        return batch_of(self._connection.call(self._connection.learning.GetBatch, request).batch)

    def batches(
        self, *, annotator: str = "", open_only: bool = False, view: str = "ids"
    ) -> Iterator[Batch]:
        """The batches, newest first."""
        request = learning_rpc.ListBatchesRequest(
            project=self.name,
            annotator_id=annotator,
            open_only=open_only,
            view=VIEWS.number(view),
        )
        for page in pages(self._connection, self._connection.learning.ListBatches, request):
            yield from map(batch_of, page.batches)

    def renew(self, batch: Batch | str, lease_s: float | None = None) -> Batch:
        """Extends the lease on the open items of a batch. Raises FailedPrecondition."""
        request = learning_rpc.RenewBatchRequest(
            name=self._batch_name(batch),
            lease_duration=duration_of(lease_s),
            request_id=fresh_id(),
        )
        return batch_of(self._connection.call(self._connection.learning.RenewBatch, request).batch)

    def release(self, batch: Batch | str) -> Batch:
        """Gives the unanswered items of a batch back, so that others may get them."""
        request = learning_rpc.ReleaseBatchRequest(
            name=self._batch_name(batch), request_id=fresh_id()
        )
        method = self._connection.learning.ReleaseBatch
        return batch_of(self._connection.call(method, request).batch)

    # -- answer ----------------------------------------------------------------------------------

    def submit_labels(
        self,
        ids: Entries,
        classes: Entries,
        *,
        annotator: str = "",
        outcomes: Sequence[str] | None = None,
        confidences: Entries | None = None,
        seconds: Entries | None = None,
        provenance: str = "",
    ) -> list[str]:
        """Sends one answer per item, whether or not it was ever queried.

        `classes` holds class ids; None where `outcomes` says `abstain`, `unusable` or `flag`.
        `confidences` are in (0, 1], `seconds` is the time spent on each. `provenance` may say
        `imported`, `corrected` or `machine`.

        Returns what became of each: `recorded`, `duplicate`, `late`, `disagrees` or
        `item_deleted`. Up to 4,000 labels are stored as a whole; more go out in several calls.
        Raises NotFound (an unknown item), InvalidArgument (an unknown class), ValueError.
        """
        labels = label_messages(
            ids,
            classes,
            annotator,
            provenance,
            outcomes=outcomes,
            confidences=confidences,
            seconds=seconds,
        )
        statuses: list[str] = []
        for start in range(0, len(labels), LABELS_PER_CALL):
            request = learning_rpc.SubmitLabelsRequest(
                project=self.name,
                labels=labels[start : start + LABELS_PER_CALL],
                request_id=fresh_id(),
            )
            answer = self._connection.call(self._connection.learning.SubmitLabels, request)
            statuses += [STATUSES.word(status) for status in answer.statuses]
        return statuses

    def labels(self, *, settled: bool = False) -> Iterator[Label]:
        """The log of answers, oldest first; with `settled` only those that count."""
        request = learning_rpc.ListLabelsRequest(project=self.name, settled_only=settled)
        for page in pages(self._connection, self._connection.learning.ListLabels, request):
            yield from map(label_of, page.labels)

    # -- learn -----------------------------------------------------------------------------------

    @overload
    def train(
        self,
        *,
        wait: Literal[True] = ...,
        force: bool = ...,
        learner: str = ...,
        activate: bool = ...,
    ) -> Model: ...

    @overload
    def train(
        self, *, wait: Literal[False], force: bool = ..., learner: str = ..., activate: bool = ...
    ) -> Training: ...

    def train(
        self, *, wait: bool = True, force: bool = False, learner: str = "", activate: bool = True
    ) -> Model | Training:
        """Fits a model to the settled labels and, with `activate`, lets queries use it.

        Without new labels the model there is comes back, unless `force`. With `wait=False`
        returns at once with a Training to follow. Raises FailedPrecondition (fewer than two
        classes have labels).
        """
        request = learning_rpc.TrainRequest(
            project=self.name,
            force=force,
            learner=learner,
            activate=activate,
            request_id=fresh_id(),
        )
        operation = self._connection.call(self._connection.learning.Train, request)
        training = Training(self._connection, operation, shown=self._progress)
        return training.wait() if wait else training

    def model(self, name: str = "") -> Model:
        """A model by name or id; by default the active one. Raises NotFound."""
        found = name or self.info().active_model
        if not found:
            raise NotFound(f"{self.name} has no active model yet: train one first")
        request = model_rpc.GetModelRequest(name=self._child("models", found))
        return model_of(self._connection.call(self._connection.models.GetModel, request).model)

    def models(self) -> Iterator[Model]:
        """The models, newest first."""
        request = model_rpc.ListModelsRequest(project=self.name)
        for page in pages(self._connection, self._connection.models.ListModels, request):
            yield from map(model_of, page.models)

    def activate(self, model: Model | str) -> Model:
        """Lets queries use a model, whatever its age. Raises FailedPrecondition."""
        name = model if isinstance(model, str) else model.name
        request = model_rpc.ActivateModelRequest(
            name=self._child("models", name), request_id=fresh_id()
        )
        method = self._connection.models.ActivateModel
        return model_of(self._connection.call(method, request).model)

    def _child(self, kind: str, name: str) -> str:
        """The full name of a batch or model that is given by its id or its name."""
        return f"{self.name}/{kind}/{last_part(name)}"

    def _batch_name(self, batch: Batch | str) -> str:
        return self._child("batches", batch if isinstance(batch, str) else batch.name)


def _size(batch_size: int | None) -> int:
    """What the API takes: 0 leaves the choice to the project. Raises ValueError."""
    if batch_size is None:
        return 0
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, not {batch_size}")
    return batch_size

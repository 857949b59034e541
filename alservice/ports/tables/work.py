"""Models, operations and request records: what the service does."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from alservice.domain.model import ModelRow
from alservice.domain.operation import Operation, OperationKind


class ModelTable(Protocol):
    """Models. The head's bytes are kept beside the row."""

    def insert(self, project_id: str, model: ModelRow) -> None:
        """Add a row."""

    def store(self, project_id: str, model: ModelRow, head: bytes | None) -> None:
        """Replace the row; `head` None keeps the bytes that are there."""

    def get(self, project_id: str, model_id: str) -> ModelRow | None:
        """The row."""

    def head(self, project_id: str, model_id: str) -> bytes | None:
        """The head's bytes; None if there are none."""

    def page(self, project_id: str, before: str, limit: int) -> Sequence[ModelRow]:
        """Newest first; `before` is a model id that was seen last, "" for the first page."""

    def latest_ready(self, project_id: str) -> ModelRow | None:
        """The READY model with the greatest revision, the newest of them."""


class OperationTable(Protocol):
    """Operations. Every write of a worker names its attempt: an older one changes nothing."""

    def insert(self, operation: Operation) -> None:
        """Add it, QUEUED."""

    def get(self, project_id: str, operation_id: str) -> Operation | None:
        """The operation."""

    def page(self, project_id: str, before: str, limit: int) -> Sequence[Operation]:
        """Newest first, housekeeping left out; `before` is an operation id seen last."""

    def unfinished(self, project_id: str, kind: OperationKind) -> Sequence[Operation]:
        """Those that are QUEUED or RUNNING, oldest first."""

    def claim(
        self,
        owner: str,
        now_ms: int,
        lease_ms: int,
        kinds: Collection[OperationKind] = tuple(OperationKind),
    ) -> Operation | None:
        """Take the oldest QUEUED one of these kinds, or a RUNNING one whose lease has run out.

        It becomes RUNNING, owned, leased, its attempt one greater, and its lapses too if somebody
        else still owned it. None if there is none.
        """

    def disown(self, now_ms: int) -> int:
        """End the lease of every RUNNING operation.

        For a process that knows it is the only one.
        """

    def heartbeat(
        self, operation: Operation, now_ms: int, lease_ms: int, progress: float, stage: str
    ) -> Operation | None:
        """Extend the lease and report; the row, or None if another attempt is the current one.

        Progress is how far any attempt has come: it never falls. When it grows, there are no
        lapses any more.
        """

    def give_back(self, operation: Operation, until_ms: int) -> bool:
        """End ownership, and the lease at `until_ms`: nobody takes it before.

        False if the attempt is no longer the current one.
        """

    def finish(self, operation: Operation, attempt: int) -> bool:
        """Replace the row with a done one; False (and no change) if `attempt` is not current."""

    def request_cancel(self, project_id: str, operation_id: str) -> None:
        """Ask for cancellation: one that was given back until later may be taken at once."""

    def delete(self, project_id: str, operation_id: str) -> None:
        """Forget a done operation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestKey:
    """What identifies a retried request. `project_id` is "" for calls above projects."""

    project_id: str
    principal: str
    method: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRecord:
    """`fingerprint` is a hash of the request; `result_json` is what the answer is rebuilt from."""

    fingerprint: str
    result_json: str
    expire_time_ms: int


class RequestTable(Protocol):
    """Request records."""

    def get(self, key: RequestKey, now_ms: int) -> RequestRecord | None:
        """The record, unless it has expired."""

    def put(self, key: RequestKey, record: RequestRecord) -> None:
        """Insert, or replace an expired one."""

    def prune(self, now_ms: int, most: int) -> int:
        """Delete up to `most` expired records; how many.

        Leaves out what another transaction is at.
        """

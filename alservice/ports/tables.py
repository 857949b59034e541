"""The tables of the catalog, as the use cases see them. All methods run inside a transaction.

`project_id` is the first argument wherever rows belong to a project. Methods that read one row
return None where there is none; deciding what that means is the use case's work. Times are
milliseconds of the database's clock.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from alservice.domain.batch import Batch, BatchItemState, Lease
from alservice.domain.label import LabelRow, Settled
from alservice.domain.model import ModelRow
from alservice.domain.operation import Operation, OperationKind
from alservice.domain.project import Project
from alservice.domain.segment import Segment, Upload

ItemKey = tuple[str, int]  # (item_id, incarnation)


class ProjectTable(Protocol):
    """Projects, by id."""

    def insert(self, project: Project) -> bool:
        """Add it; False if the id is taken."""

    def get(self, project_id: str) -> Project | None:
        """The project."""

    def lock(self, project_id: str) -> Project | None:
        """The project, locked until the end of the transaction.

        Taken before any change below it.
        """

    def update(self, project: Project) -> None:
        """Replace the row; the caller holds its lock."""

    def delete(self, project_id: str) -> Sequence[str]:
        """Delete it with all its rows.

        Its segments become DEAD. Returns the ids of those segments.
        """

    def page(self, after: str, limit: int) -> Sequence[Project]:
        """Projects with id > after, by id."""


class SegmentTable(Protocol):
    """Segments. `get` and the lists leave inline bytes out; `inline_bytes` fetches them."""

    def reserve(self, segment: Segment) -> None:
        """Add a row in state WRITING with an expiry."""

    def store(self, segment: Segment, inline: bytes | None) -> None:
        """Replace the row (any state); `inline` None keeps the bytes that are there."""

    def get(self, segment_id: str) -> Segment | None:
        """The row, whatever its state."""

    def inline_bytes(self, segment_id: str) -> bytes | None:
        """The bytes of an inline segment; None if the row or its bytes are gone."""

    def live(self, project_id: str) -> Sequence[Segment]:
        """LIVE segments, in the order of (revision, segment_id)."""

    def pool_version(self, project_id: str) -> tuple[int, int]:
        """(greatest revision, number) of the LIVE segments.

        Changes with every change of the pool, cheap to read. `store` and `set_deletions` keep
        the revision column true.
        """

    def of_upload(self, project_id: str, upload_id: str) -> Sequence[Segment]:
        """WRITING segments of an upload, in the order in which they were reserved."""

    def set_deletions(
        self, segment_id: str, deletions: bytes, live_rows: int, revision: int
    ) -> None:
        """Replace the bitmap; the version grows by one."""

    def expire(self, now_ms: int) -> Sequence[Segment]:
        """Flip WRITING rows whose expiry has passed to DEAD, and return all DEAD rows."""

    def all_ids(self) -> Sequence[str]:
        """Ids of all rows in any state."""

    def forget(self, segment_id: str) -> None:
        """Delete a DEAD row."""


class UploadTable(Protocol):
    """Resumable uploads."""

    def get(self, project_id: str, upload_id: str) -> Upload | None:
        """The upload."""

    def put(self, upload: Upload) -> None:
        """Insert or replace."""

    def prune(self, now_ms: int) -> int:
        """Delete those that have expired; how many."""


class LabelTable(Protocol):
    """The append-only log of answers, and the settled labels derived from it."""

    def append(self, project_id: str, rows: Sequence[LabelRow]) -> Sequence[int]:
        """Add lines; returns their `seq` numbers, growing in commit order within the project."""

    def of_items(self, project_id: str, item_ids: Sequence[str]) -> Sequence[LabelRow]:
        """All lines about these items, oldest first, with `settled` filled in."""

    def page(
        self, project_id: str, after_seq: int, limit: int, *, settled_only: bool
    ) -> Sequence[LabelRow]:
        """Lines with seq > after_seq, oldest first, with `settled` filled in."""

    def settle(self, project_id: str, rows: Sequence[Settled]) -> None:
        """Insert or replace settled rows, by (item_id, incarnation)."""

    def unsettle(self, project_id: str, keys: Iterable[ItemKey]) -> None:
        """Delete settled rows (their items were deleted)."""

    def settled_of(self, project_id: str, item_ids: Sequence[str]) -> Mapping[ItemKey, Settled]:
        """Settled rows of these items, of any incarnation."""

    def settled_since(self, project_id: str, revision: int) -> Sequence[Settled]:
        """Settled rows with revision > the given one, by label_seq; -1 for all."""

    def settled_count(self, project_id: str) -> Mapping[str, int]:
        """Number of settled rows by outcome (values of Outcome).

        Plus `audit` for those with provenance AUDIT, and `class:{class_id}` for those with a
        class and another provenance.
        """

    def unseen_count(self, project_id: str, revision: int) -> int:
        """Settled rows with a class, provenance other than AUDIT, and revision > the given one."""

    def abstained(self, project_id: str, annotator_id: str) -> Sequence[ItemKey]:
        """Items on which this annotator abstained."""


class LeaseTable(Protocol):
    """Leases: unique in (project, item_id, incarnation, slot)."""

    def live(self, project_id: str, now_ms: int) -> Sequence[Lease]:
        """Leases that have not run out."""

    def of_items(self, project_id: str, item_ids: Sequence[str]) -> Sequence[Lease]:
        """Leases on these items, run out or not."""

    def insert(self, project_id: str, leases: Sequence[Lease]) -> None:
        """Add them; a taken slot is a Conflict."""

    def delete(self, project_id: str, keys: Iterable[ItemKey]) -> None:
        """Remove all leases on these items."""

    def delete_batch(self, project_id: str, batch_id: str) -> None:
        """Remove the leases of a batch."""

    def release(self, project_id: str, batch_id: str, item_ids: Sequence[str]) -> None:
        """Remove the leases that a batch holds on these items."""

    def reclaim(self, project_id: str, item_ids: Sequence[str], now_ms: int) -> Sequence[Lease]:
        """Remove the run-out leases among these items.

        Returns them (their batch items are released by the caller).
        """


class BatchTable(Protocol):
    """Batches and their items."""

    def insert(self, project_id: str, batch: Batch) -> None:
        """Add a batch with its items."""

    def get(self, project_id: str, batch_id: str) -> Batch | None:
        """The batch with its items, in rank order."""

    def page(
        self, project_id: str, before: str, limit: int, *, annotator_id: str, open_only: bool
    ) -> Sequence[Batch]:
        """Newest first; `before` is the `cursor` of the last one seen, "" for the first page."""

    def cursor(self, project_id: str, batch_id: str) -> str:
        """The place of a batch in the order of `page`."""

    def oldest_open(self, project_id: str, annotator_id: str, now_ms: int) -> Batch | None:
        """The annotator's oldest batch that is not closed and whose lease has not run out."""

    def of_items(
        self, project_id: str, item_ids: Sequence[str]
    ) -> Mapping[ItemKey, Sequence[tuple[str, str, str]]]:
        """For each item ever handed out: (batch_id, arm, state), newest batch first."""

    def set_state(
        self, project_id: str, batch_id: str, item_ids: Sequence[str], state: BatchItemState
    ) -> None:
        """Change the state of items.

        The batch is closed once none is OPEN, and reopened if one is.
        """

    def extend(self, project_id: str, batch_id: str, expire_time_ms: int) -> None:
        """Set the lease's end."""


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

    def unfinished(self, project_id: str, kind: OperationKind) -> Operation | None:
        """One that is QUEUED or RUNNING."""

    def claim(self, owner: str, now_ms: int, lease_ms: int) -> Operation | None:
        """Take the oldest QUEUED one, or a RUNNING one whose lease has run out.

        It becomes RUNNING, owned, leased, its attempt one greater. None if there is none.
        """

    def disown(self, now_ms: int) -> int:
        """End the lease of every RUNNING operation.

        For a process that knows it is the only one.
        """

    def heartbeat(
        self, operation: Operation, now_ms: int, lease_ms: int, progress: float, stage: str
    ) -> bool:
        """Extend the lease and report; False if the attempt is no longer the current one."""

    def finish(self, operation: Operation, attempt: int) -> bool:
        """Replace the row with a done one; False (and no change) if `attempt` is not current."""

    def request_cancel(self, project_id: str, operation_id: str) -> None:
        """Ask for cancellation."""

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

    def prune(self, now_ms: int) -> int:
        """Delete expired records; how many."""

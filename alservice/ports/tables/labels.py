"""Labels, leases and batches: what people do."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from alservice.domain.batch import Batch, BatchItemState, Lease
from alservice.domain.label import LabelRow, Settled

ItemKey = tuple[str, int]  # (item_id, incarnation)


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

        Plus `audit` for those with provenance AUDIT, and `class:{class_id}` for those that
        train: of weight > 0.
        """

    def unseen_count(self, project_id: str, revision: int) -> int:
        """Settled rows that train (of weight > 0), with revision > the given one."""

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
    ) -> Mapping[ItemKey, Sequence[tuple[str, str, str, str]]]:
        """For each item ever handed out: (batch_id, arm, state, annotator_id), newest first."""

    def set_state(
        self, project_id: str, batch_id: str, item_ids: Sequence[str], state: BatchItemState
    ) -> None:
        """Change the state of items.

        The batch is closed once none is OPEN, and reopened if one is.
        """

    def extend(self, project_id: str, batch_id: str, expire_time_ms: int) -> None:
        """Set the lease's end."""

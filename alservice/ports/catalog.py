"""The catalog: everything that grows with human work, and the one place where things become true.

Every implementation passes tests/contract/test_catalog.py.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

from alservice.ports.tables import (
    ArtefactTable,
    BatchTable,
    ClusterTable,
    LabelTable,
    LeaseTable,
    ModelTable,
    OperationTable,
    ProjectTable,
    RequestTable,
    SegmentTable,
    UploadTable,
)

T = TypeVar("T")


class Tx(Protocol):
    """One transaction: a consistent view of all tables, all or nothing."""

    @property
    def cluster(self) -> ClusterTable:
        """The cluster itself."""

    @property
    def projects(self) -> ProjectTable:
        """Projects."""

    @property
    def segments(self) -> SegmentTable:
        """Segments."""

    @property
    def artefacts(self) -> ArtefactTable:
        """What was made from pools."""

    @property
    def uploads(self) -> UploadTable:
        """Resumable uploads."""

    @property
    def labels(self) -> LabelTable:
        """The label log and the settled labels."""

    @property
    def leases(self) -> LeaseTable:
        """Leases on items."""

    @property
    def batches(self) -> BatchTable:
        """Batches."""

    @property
    def models(self) -> ModelTable:
        """Models."""

    @property
    def operations(self) -> OperationTable:
        """Long-running operations."""

    @property
    def requests(self) -> RequestTable:
        """Request records: what makes retries safe."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch, by the database's clock: the only clock for state.

        It stands still from the first call on. So a work that locks first never sees a time before
        that of the work for which it waited.
        """


class Catalog(Protocol):
    """A transactional store of the service's state."""

    def transact(self, work: Callable[[Tx], T]) -> T:
        """Run `work` in one transaction and return what it returned, durable.

        `work` must be free of side effects: it may run several times. What it raises rolls the
        transaction back and is raised here. Works that lock the same project run one after the
        other, and each sees what those before it did: so one that decides on what a project is
        locks it first (`tx.projects.lock`). Works without a common lock may run at once.

        Raises Conflict after bounded retries, DiskFull when the disk is full, ShuttingDown after
        close, Overloaded. With a database elsewhere: CatalogUnavailable if it is away and nothing
        was changed; OutcomeUnknown if it went away during the commit, so that only a request_id
        makes it safe to try again.
        """

    def read(self, work: Callable[[Tx], T]) -> T:
        """Run `work` on one consistent snapshot, without writing. Never waits for writers.

        It may run several times. Raises CatalogUnavailable, Overloaded, ShuttingDown.
        """

    def now_ms(self) -> int:
        """Milliseconds since the epoch, by the database's clock."""

    def close(self) -> None:
        """Finish what was begun and release everything. Idempotent."""

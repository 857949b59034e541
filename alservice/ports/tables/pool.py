"""The project, its segments, what was made from them, and its uploads."""

from collections.abc import Sequence
from typing import Protocol

from alservice.domain.artefact import Artefact
from alservice.domain.cluster import Cluster
from alservice.domain.project import Project
from alservice.domain.segment import Segment, Upload


class ClusterTable(Protocol):
    """What there is one of."""

    def get(self) -> Cluster:
        """The row; locked until the end of the transaction. A snapshot locks nothing."""

    def store(self, changed: Cluster) -> None:
        """Replace all but the uid, which was made with the catalog and never changes."""

    def database(self) -> str:
        """What tells the database, as it is now, from copies of it; "" where nothing does."""


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

        Its segments and artefacts become DEAD at once. Returns the ids of those segments.
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
        """The row, whatever its state; locked until the end of the transaction.

        So what is decided on its state stays true. A snapshot locks nothing.
        """

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
        """WRITING segments of an upload, in the order in which they were reserved.

        Locked until the end of the transaction; a snapshot locks nothing.
        """

    def extend_upload(self, project_id: str, upload_id: str, expire_time_ms: int) -> None:
        """Let the WRITING segments of an upload that have items expire then.

        Those without belong to a stream that is at work, or broke.
        """

    def set_deletions(
        self, segment_id: str, deletions: bytes, live_rows: int, revision: int
    ) -> None:
        """Replace the bitmap; the version grows by one."""

    def expire(self, now_ms: int) -> Sequence[Segment]:
        """Flip WRITING rows whose expiry has passed to DEAD.

        Returns the DEAD rows whose bytes may go: without an expiry, or with one that has passed.
        """

    def disown(self) -> int:
        """Flip WRITING rows without items to DEAD, at once; how many.

        For a process that knows that nobody else is filling any.
        """

    def all_ids(self) -> Sequence[str]:
        """Ids of all rows in any state."""

    def forget(self, segment_id: str) -> None:
        """Delete a DEAD row."""


class ArtefactTable(Protocol):
    """Artefacts, by id."""

    def store(self, artefact: Artefact) -> None:
        """Add the row, or replace it (any state)."""

    def get(self, artefact_id: str) -> Artefact | None:
        """The row, whatever its state; locked until the end of the transaction.

        A snapshot locks nothing.
        """

    def live(self, project_id: str) -> Artefact | None:
        """The LIVE one of the greatest revision, the newest of them."""

    def retire(self, project_id: str, until_ms: int) -> None:
        """Flip the LIVE ones to DEAD; their files may go at `until_ms`."""

    def expire(self, now_ms: int) -> Sequence[Artefact]:
        """Flip WRITING rows whose expiry has passed to DEAD.

        Returns the DEAD rows whose bytes may go: without an expiry, or with one that has passed.
        """

    def disown(self) -> int:
        """Flip all WRITING rows to DEAD, at once; how many.

        For a process that knows that nobody else is writing any.
        """

    def all_ids(self) -> Sequence[str]:
        """Ids of all rows in any state."""

    def forget(self, artefact_id: str) -> None:
        """Delete a DEAD row."""


class UploadTable(Protocol):
    """Resumable uploads."""

    def get(self, project_id: str, upload_id: str) -> Upload | None:
        """The upload."""

    def put(self, upload: Upload) -> None:
        """Insert or replace."""

    def prune(self, now_ms: int, most: int) -> int:
        """Delete up to `most` of those that have expired; how many.

        Leaves out what another transaction is at.
        """

"""Uploading items, as many as one likes: nothing is visible until all of it is.

An upload lives in the catalog, so it can go on after a broken stream, on any replica: what was
sealed is kept for a day under its id.
"""

from dataclasses import dataclass, replace

from alservice.domain.call import Call
from alservice.domain.errors import InvalidField, UploadProtocol
from alservice.domain.item import OnConflict
from alservice.domain.names import new_id
from alservice.domain.project import Project
from alservice.domain.segment import Upload
from alservice.ports.catalog import Catalog, Tx
from alservice.ports.segments import SegmentStore
from alservice.usecases.queue_training import QueueTraining
from alservice.usecases.require import lock_project
from alservice.usecases.upload_session import (
    UploadSession,
    Within,
    forget_segments,
    sealed_parts,
    unwatched,
)
from alservice.usecases.write_segments import WRITING_MS, Piece


@dataclass(frozen=True, slots=True)
class UploadHeader:
    """What opens an upload.

    `upload_id` is "" for one that cannot be resumed. `item_count` is the size of the whole upload,
    None if its sender does not know.
    """

    project_id: str
    upload_id: str = ""
    on_conflict: OnConflict = OnConflict.ERROR
    item_count: int | None = None


@dataclass(frozen=True, slots=True)
class AddItems:
    """Opens uploads."""

    catalog: Catalog
    store: SegmentStore
    queue_training: QueueTraining

    def open(self, call: Call, header: UploadHeader, within: Within = unwatched) -> UploadSession:
        """A new upload, or the one of that id where it stands.

        Raises ProjectNotFound; UploadProtocol if the id was opened with another policy;
        InvalidField if it is that of an operation, which uploads under it; what `within` raises.
        """
        fresh_id = header.upload_id or new_id("u")

        def work(tx: Tx) -> tuple[Project, Upload, list[Piece]]:
            project = lock_project(tx, header.project_id)
            _enter(tx, header, within)
            upload = self._resume(tx, header)
            if upload is not None:
                return project, upload, _kept(tx, upload)
            forget_segments(tx, header.project_id, fresh_id)
            upload = Upload(
                upload_id=fresh_id,
                project_id=header.project_id,
                incarnation=project.next_incarnation,
                on_conflict=header.on_conflict,
                expire_time_ms=tx.now_ms() + WRITING_MS,
            )
            tx.uploads.put(upload)
            next_incarnation = project.next_incarnation + 1
            tx.projects.update(replace(project, next_incarnation=next_incarnation))
            return project, upload, []

        project, upload, pieces = self.catalog.transact(work)
        return UploadSession(
            self.catalog,
            self.store,
            self.queue_training,
            call,
            project,
            upload,
            pieces,
            header.item_count,
            within,
        )

    def _resume(self, tx: Tx, header: UploadHeader) -> Upload | None:
        if not header.upload_id:
            return None
        upload = tx.uploads.get(header.project_id, header.upload_id)
        if upload is None or upload.expire_time_ms <= tx.now_ms():
            return None
        if upload.on_conflict != header.on_conflict:
            text = "this upload was opened with another on_conflict; send the same header again"
            raise UploadProtocol(text, expected=OnConflict(upload.on_conflict).name)
        return upload if upload.result_json is not None else _renewed(tx, upload)


def _enter(tx: Tx, header: UploadHeader, within: Within) -> None:
    """Nobody but its worker adds to what an operation imports. Raises InvalidField."""
    name = header.upload_id
    stranger = within is unwatched
    if stranger and name and tx.operations.get(header.project_id, name) is not None:
        text = f"upload_id {name!r} is that of an operation; choose one of your own"
        raise InvalidField(text, field="upload_id", got=name)
    within(tx, None)


def _renewed(tx: Tx, upload: Upload) -> Upload | None:
    """The upload, kept for another day; None if parts of it have expired."""
    if sealed_parts(tx, upload) is None:
        return None
    renewed = replace(upload, expire_time_ms=tx.now_ms() + WRITING_MS)
    tx.uploads.put(renewed)
    tx.segments.extend_upload(upload.project_id, upload.upload_id, renewed.expire_time_ms)
    return renewed


def _kept(tx: Tx, upload: Upload) -> list[Piece]:
    return [
        Piece(row, tx.segments.inline_bytes(row.segment_id) if row.inline else None, kept=True)
        for row in sealed_parts(tx, upload) or ()
    ]

"""How far an upload has come, so that a client knows where to go on."""

from dataclasses import dataclass

from alservice.domain.call import Call
from alservice.domain.errors import UploadNotFound
from alservice.domain.item import AddResult
from alservice.domain.segment import Upload
from alservice.ports.catalog import Catalog, Tx
from alservice.usecases.require import require_project
from alservice.usecases.upload_session import decode_result, sealed_parts


@dataclass(frozen=True, slots=True)
class GetUploadCommand:
    """Names an upload."""

    project_id: str
    upload_id: str


@dataclass(frozen=True, slots=True)
class UploadProgress:
    """`received` items are durable; `result` is set once committed."""

    received: int
    result: AddResult | None


@dataclass(frozen=True, slots=True)
class GetUpload:
    """Looks an upload up."""

    catalog: Catalog

    def __call__(self, call: Call, command: GetUploadCommand) -> UploadProgress:
        """Where the upload stands. Raises ProjectNotFound, UploadNotFound."""
        return self.catalog.read(lambda tx: _progress(tx, command))


def _progress(tx: Tx, key: GetUploadCommand) -> UploadProgress:
    require_project(tx, key.project_id)
    upload = tx.uploads.get(key.project_id, key.upload_id)
    if upload is None or upload.expire_time_ms <= tx.now_ms() or _is_broken(tx, upload):
        text = f"there is no upload {key.upload_id!r}, or it has expired; begin it with AddItems"
        raise UploadNotFound(text, upload_id=key.upload_id)
    result = None if upload.result_json is None else decode_result(upload.result_json)
    received = upload.received if result is None else result.added + result.skipped
    return UploadProgress(received, result)


def _is_broken(tx: Tx, upload: Upload) -> bool:
    """Whether AddItems would begin it anew, for a part of what had arrived is gone."""
    return upload.result_json is None and sealed_parts(tx, upload) is None

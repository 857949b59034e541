"""From a catalog row to a reader, trusting nothing: size, checksum, format."""

from alservice import core
from alservice.domain.errors import SegmentCorrupt
from alservice.domain.segment import Segment
from alservice.storage.files import Damaged, Files
from alservice.storage.files.mapped import require_crc32c, require_size
from alservice.storage.segments.reader import Reader


def read_file(files: Files, segment: Segment) -> Reader:
    """Map a segment's file.

    Raises SegmentCorrupt, naming segment and project, and what `files.open` raises.
    """
    try:
        mapped = files.open(segment.segment_id, segment.size_bytes, segment.crc32c)
    except Damaged as error:
        raise _corrupt(segment, error.cause, error.what) from error
    return _parsed(segment, memoryview(mapped))


def read_bytes(data: bytes, segment: Segment) -> Reader:
    """A reader of bytes from the catalog. Raises SegmentCorrupt, naming segment and project."""
    try:
        require_size(segment.size_bytes, len(data))
        require_crc32c(segment.crc32c, core.crc32c(data))
    except Damaged as error:
        raise _corrupt(segment, error.cause, error.what) from error
    return _parsed(segment, memoryview(data))


def _parsed(segment: Segment, buffer: memoryview) -> Reader:
    try:
        reader = Reader(buffer)
    except (ValueError, KeyError, TypeError) as error:
        raise _corrupt(segment, "format", f"it is no segment ({error})") from error
    if reader.rows != segment.rows:
        text = f"it has {reader.rows} rows instead of {segment.rows}"
        raise _corrupt(segment, "rows", text)
    return reader


def _corrupt(segment: Segment, cause: str, what: str) -> SegmentCorrupt:
    text = (
        f"segment {segment.segment_id} of project {segment.project_id} is damaged: {what}. "
        "Restore it from a backup, or delete the project; other projects are not affected"
    )
    return SegmentCorrupt(
        text, segment=segment.segment_id, project=segment.project_id, cause=cause
    )

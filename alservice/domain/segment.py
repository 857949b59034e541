"""Segments: immutable files of items, and the catalog's one row about each."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

# What was live lingers for so long after its death: others may have read its row, and not yet
# opened its file, which on their machine may still have to come from an object store.
LINGER_MS: Final = 10 * 60_000


class SegmentState(StrEnum):
    """WRITING until its commit, LIVE in the pool, DEAD until the sweeper has removed its bytes."""

    WRITING = "writing"
    LIVE = "live"
    DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A row of the catalog.

    Exactly one of `inline` (bytes in the catalog) and a file named after `segment_id`.
    `deletions` is a packed bitmap (LSB first, bit set = row deleted), empty when nothing is
    deleted; `deletions_version` grows with each change of it. `live_rows` = rows - deleted
    ones. `crc32c` covers all `size_bytes` bytes. At `expire_time_ms` a WRITING one is given up,
    and a DEAD one's bytes may go: at once if that is None.
    """

    segment_id: str
    project_id: str
    space_id: str
    state: SegmentState
    rows: int = 0
    live_rows: int = 0
    size_bytes: int = 0
    crc32c: int = 0
    inline: bool = False
    deletions: bytes = b""
    deletions_version: int = 0
    expire_time_ms: int | None = None
    upload_id: str | None = None
    revision: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A resumable upload.

    `received` items are durable in its WRITING segments. `result_json` is set once committed.
    """

    upload_id: str
    project_id: str
    incarnation: int
    on_conflict: int
    received: int = 0
    result_json: str | None = None
    expire_time_ms: int = 0

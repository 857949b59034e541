"""Artefacts: immutable files made from a pool, and the catalog's one row about each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class ArtefactState(StrEnum):
    """WRITING until its commit, LIVE while Query may use it, DEAD until the file is removed."""

    WRITING = "writing"
    LIVE = "live"
    DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefact:
    """A row of the catalog, about the file named after `artefact_id`.

    `segment_ids` are the segments of the pool, in the order of the file's rows. `facts` is what
    people are told about it. `revision` is the project's when the pool was read: a file made from
    an older pool never replaces one made from a newer pool. `crc32c` covers all `size_bytes`.
    """

    artefact_id: str
    project_id: str
    operation_id: str
    state: ArtefactState
    segment_ids: tuple[str, ...] = ()
    facts: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)
    revision: int = 0
    size_bytes: int = 0
    crc32c: int = 0
    create_time_ms: int = 0
    expire_time_ms: int | None = None

    def is_of(self, segment_ids: tuple[str, ...]) -> bool:
        """Whether it was made from exactly these segments, in whatever order."""
        return sorted(self.segment_ids) == sorted(segment_ids)

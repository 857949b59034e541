"""An item: one thing that could be labelled, and the part of it that is not a number."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from alservice.domain.project import DType


class Role(IntEnum):
    """What an item is for. The values are stored in segments: never renumber."""

    POOL = 0
    TEST = 1
    GOLD = 2


@dataclass(frozen=True, slots=True)
class ContentPart:
    """One thing that a person sees: exactly one of text, uri and inline is set."""

    media_type: str = ""
    text: str | None = None
    uri: str | None = None
    inline: bytes | None = None

    @property
    def size_bytes(self) -> int:
        """About what it takes in an answer."""
        text = len((self.text or "").encode()) + len((self.uri or "").encode())
        return 32 + len(self.media_type) + text + len(self.inline or b"")


@dataclass(frozen=True, slots=True)
class Attributes:
    """What an item carries beside its numbers. `metadata` is JSON, as text."""

    group: str = ""
    tags: tuple[str, ...] = ()
    content: tuple[ContentPart, ...] = ()
    metadata_json: str = ""

    @property
    def size_bytes(self) -> int:
        """About what it takes in an answer."""
        texts = (self.group, self.metadata_json, *self.tags)
        return sum(map(len, texts)) * 2 + sum(part.size_bytes for part in self.content)


EMPTY_ATTRIBUTES = Attributes()


@dataclass(frozen=True, slots=True)
class ItemBlock:
    """A run of items, column by column; every column but `item_ids` and `vectors` may be None.

    `vectors` is (n, d) float32, float16, or uint16 holding bfloat16 bits, in `dtype`; (n, 0)
    where the space has no vectors. `costs` is (n,) float32 with NaN for unknown.
    `class_ids` holds "" where there is no label yet.
    """

    item_ids: tuple[str, ...]
    vectors: NDArray[np.generic]
    dtype: DType
    roles: NDArray[np.uint8] | None = None
    costs: NDArray[np.float32] | None = None
    attributes: tuple[Attributes, ...] | None = None
    class_ids: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.item_ids)


@dataclass(frozen=True, slots=True)
class Item:
    """One item as it is read back."""

    item_id: str
    incarnation: int
    role: Role
    cost: float | None
    attributes: Attributes
    reserved: bool
    vector: NDArray[np.float32] | None = None
    settled_class_id: str = ""


class OnConflict(IntEnum):
    """What to do with an id that exists already."""

    ERROR = 1
    SKIP = 2
    REPLACE = 3


@dataclass(frozen=True, slots=True)
class AddResult:
    """What an upload committed."""

    added: int
    skipped: int
    replaced: int
    labels: int
    revision: int

    def as_json(self) -> Mapping[str, int]:
        """For the request record."""
        return {
            "added": self.added,
            "skipped": self.skipped,
            "replaced": self.replaced,
            "labels": self.labels,
            "revision": self.revision,
        }

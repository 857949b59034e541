"""One item of a pool, as the service returns it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from google.protobuf.json_format import MessageToDict
from numpy.typing import NDArray

from alservice.api.v1 import item_pb2
from alservice.client.content import Part, parts_of, text_of_parts
from alservice.client.words import ROLES


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """One thing that could be labelled.

    `vector` has shape (d,) and dtype float32; None unless asked for. `role` is `pool`, `test` or
    `gold`. `cost` is in the project's own unit, None if unknown. `incarnation` tells one life of
    the id from the next. `reserved` items are never chosen by a strategy, only for audit.
    `settled_class_id` is the class that the project believes in, None without a settled label.
    """

    item_id: str
    vector: NDArray[np.float32] | None
    role: str
    cost: float | None
    group: str
    tags: tuple[str, ...]
    content: tuple[Part, ...]
    metadata: Mapping[str, Any]
    incarnation: int
    reserved: bool
    settled_class_id: str | None

    @property
    def text(self) -> str:
        """All text of the content, one part a line."""
        return text_of_parts(self.content)


def item_of(message: item_pb2.Item) -> Item:
    """The item that a message describes."""
    vector = np.array(message.vector, dtype=np.float32) if len(message.vector) else None
    return Item(
        item_id=message.item_id,
        vector=vector,
        role=ROLES.word(message.role),
        cost=message.cost if message.HasField("cost") else None,
        group=message.group,
        tags=tuple(message.tags),
        content=parts_of(message.content),
        metadata=MessageToDict(message.metadata),
        incarnation=message.incarnation,
        reserved=message.reserved,
        settled_class_id=message.settled_class_id or None,
    )

"""The index of a pool, ready or in the making."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alservice.api.v1 import pool_service_pb2 as pool_pb2
from alservice.client.operation import LongOperation
from alservice.client.plain import last_part, time_of


@dataclass(frozen=True, slots=True)
class PoolIndex:
    """What was found once in a pool, for strategies to use in every round.

    It covers `item_count` items, of every role and with deleted ones that are still in files. It
    holds `neighbour_count` neighbours of each; `recall` (in [0, 1]) is the share of the true ones
    that were found, and `method` how they were searched. `near_duplicate_count` items repeat an
    earlier one, exactly or but for noise. `build_s` is in seconds.
    """

    name: str
    item_count: int
    neighbour_count: int
    recall: float
    method: str
    cluster_count: int
    near_duplicate_count: int
    build_s: float
    size_bytes: int
    create_time: datetime | None

    @property
    def index_id(self) -> str:
        """The last part of the name: what batches that used it name."""
        return last_part(self.name)


class Indexing(LongOperation[PoolIndex]):
    """The operation behind Project.build_index.

    `name` is the operation's name. The rest is as of the last look: `refresh` and `wait` look
    again. `progress` is in [0, 1], `stage` says what is being done. `attempt` is more than 1 if
    the work was begun again after a crash.
    """

    title = "indexing"

    def _metadata(self) -> Any:
        return pool_pb2.BuildIndexMetadata()

    def _kept(self) -> str:
        return (
            "the building of the index is kept and goes on when the server is back: "
            "project.build_index() joins it"
        )

    def _outcome(self, response: Any) -> PoolIndex:
        message = pool_pb2.PoolIndex()
        response.Unpack(message)
        return index_of(message)


def index_of(message: pool_pb2.PoolIndex) -> PoolIndex:
    """The index that a message describes."""
    return PoolIndex(
        name=message.name,
        item_count=message.item_count,
        neighbour_count=message.neighbour_count,
        recall=message.recall,
        method=message.method,
        cluster_count=message.cluster_count,
        near_duplicate_count=message.near_duplicate_count,
        build_s=message.build_duration.ToMilliseconds() / 1000,
        size_bytes=message.size_bytes,
        create_time=time_of(message.create_time),
    )

"""An upload of any number of items that takes no time to make and no memory to hold.

One block of half-precision vectors; each further chunk is the same block with its columns rotated
and some of their signs turned, so that no two items are equal.
"""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from alservice.api.v1 import item_pb2, pool_service_pb2, tensor_pb2
from bench.pools import DIMENSION, pool
from bench.service import LABELS, class_id

F16 = NDArray[np.float16]
STEP = 1365  # rows: a mebibyte
CLASSES = 2


def chunks(rows: int) -> Iterator[F16]:
    """The vectors, (n, DIMENSION) in n of at most STEP, `rows` in all."""
    for number, begin in enumerate(range(0, rows, STEP)):
        turns, rotation = divmod(number, DIMENSION)
        yield _doubled(turns)[: rows - begin, rotation : rotation + DIMENSION]


def messages(project: str, rows: int) -> Iterator[pool_service_pb2.AddItemsRequest]:
    """An upload whose first LABELS items bring the sign of their first number as class."""
    header = pool_service_pb2.AddItemsHeader(project=project)
    yield pool_service_pb2.AddItemsRequest(header=header)
    for number, vectors in enumerate(chunks(rows)):
        begin = number * STEP
        tensor = tensor_pb2.Tensor(
            data=vectors.tobytes(), dtype=tensor_pb2.DTYPE_F16, shape=vectors.shape
        )
        ids = (f"item-{row:08d}" for row in range(begin, begin + len(vectors)))
        columns = item_pb2.ItemColumns(item_ids=ids, vectors=tensor)
        if begin == 0:
            given = [class_id(int(v > 0)) for v in vectors[:LABELS, 0]]
            columns.class_ids.extend(given + [""] * (len(vectors) - len(given)))
        chunk = pool_service_pb2.ItemChunk(offset=begin, columns=columns)
        yield pool_service_pb2.AddItemsRequest(chunk=chunk)


@lru_cache(maxsize=1)
def _doubled(turns: int) -> F16:
    """Twice the same columns, `turns` in 31 with the other sign: a rotation is a view."""
    signs = np.where(np.arange(DIMENSION) % 31 < turns, -1, 1)
    return np.tile(pool("clustered", STEP) * signs, 2).astype(np.float16)

"""Bytes of a message put together by hand, beside protobuf's."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from alservice.api.v1 import item_pb2, pool_service_pb2, tensor_pb2
from alservice.client.chunk import chunk_request

# Sides for which sizes take one byte, two and three.
MATRICES = st.none() | hnp.arrays(
    st.just(np.dtype("<f4")), st.tuples(st.integers(0, 150), st.integers(0, 40))
)
COLUMNS = st.builds(
    item_pb2.ItemColumns,
    item_ids=st.lists(st.text(max_size=200), max_size=40),
    costs=st.lists(st.floats(0, 1, width=32), max_size=3),
    class_ids=st.lists(st.text(max_size=3), max_size=3),
)


@given(st.integers(0, 2**63 - 1), COLUMNS, MATRICES)
def test_protobuf_reads_what_it_would_have_written(
    offset: int, columns: item_pb2.ItemColumns, vectors: NDArray[np.float32] | None
) -> None:
    request = chunk_request(offset, columns, vectors)
    expected = pool_service_pb2.AddItemsRequest()
    expected.chunk.offset = offset
    expected.chunk.columns.CopyFrom(columns)
    if vectors is not None:
        tensor = tensor_pb2.Tensor(
            data=vectors.tobytes(), dtype=tensor_pb2.DTYPE_F32, shape=vectors.shape
        )
        expected.chunk.columns.vectors.CopyFrom(tensor)
    assert pool_service_pb2.AddItemsRequest.FromString(request) == expected

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from alservice.api.v1 import tensor_pb2
from alservice.client.vectors import matrix_of, sent_bytes, tensor_of

MATRICES = hnp.arrays(
    st.sampled_from(["<f4", ">f4", "<f2", ">f2", "<f8", ">f8", "i4", "u1", "?"]),
    hnp.array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=6),
    elements={"allow_nan": False, "allow_infinity": False, "allow_subnormal": False},
)
FORMATS = {tensor_pb2.DTYPE_F32: "<f4", tensor_pb2.DTYPE_F16: "<f2"}


@given(MATRICES)
def test_numbers_arrive_as_they_were_up_to_f32(matrix: NDArray[np.generic]) -> None:
    tensor, data = tensor_of(matrix)
    got = np.frombuffer(data, FORMATS[tensor.dtype]).reshape(tensor.shape)
    with np.errstate(over="ignore"):
        assert np.array_equal(got, matrix.astype("f4"))
    assert len(data) == len(matrix) * sent_bytes(matrix)


@given(MATRICES)
def test_order_in_memory_does_not_matter(matrix: NDArray[np.generic]) -> None:
    strided = np.asfortranarray(np.repeat(matrix, 2, axis=0))[::2]
    assert tensor_of(strided) == tensor_of(matrix)


def test_an_array_that_can_be_sent_as_it_is_is_not_copied() -> None:
    array = np.arange(6, dtype=np.float16).reshape(3, 2)
    _, data = tensor_of(array[1:])
    array[1:] = 7
    assert np.frombuffer(data, np.float16).tolist() == [7] * 4


def test_an_array_is_not_copied_and_a_list_is_understood() -> None:
    array = np.zeros((2, 3))
    assert matrix_of(array) is array
    assert matrix_of([[1, 2], [3, 4]]).tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize("bad", [[1, 2], [["a"]], np.zeros((1, 1), complex)])
def test_what_is_no_matrix_of_numbers_is_refused(bad: object) -> None:
    with pytest.raises(ValueError, match="X must"):
        matrix_of(bad)  # type: ignore[arg-type]

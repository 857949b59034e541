"""NumPy arrays as tensors of the API, a few rows at a time, so that mapped files stay on disk."""

from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alservice.api.v1 import tensor_pb2

# How each NumPy format travels. Doubles and integers are kept as f32 by the service anyway.
KEPT: Final = {
    "float32": tensor_pb2.DTYPE_F32,
    "float16": tensor_pb2.DTYPE_F16,
    "bfloat16": tensor_pb2.DTYPE_BF16,  # of the package ml_dtypes
}


def matrix_of(vectors: ArrayLike) -> NDArray[Any]:
    """The vectors as an array of shape (n, d), not copied if they are one. Raises ValueError."""
    array = vectors if isinstance(vectors, np.ndarray) else np.asarray(vectors)
    if array.ndim != 2:
        hint = "; X.reshape(len(X), -1) makes one row per item" if array.ndim > 2 else ""
        raise ValueError(f"X must have the shape (items, dimension), not {array.shape}{hint}")
    if array.dtype.name not in KEPT and array.dtype.kind not in "fiub":
        hint = "; save it as float32, X.astype(np.float32)" if array.dtype.kind == "O" else ""
        raise ValueError(f"X must hold numbers, not {array.dtype}{hint}")
    return array


def sent_bytes(matrix: NDArray[Any]) -> int:
    """How many bytes a row takes on the wire."""
    return int(matrix.shape[1]) * (2 if "float16" in matrix.dtype.name else 4)


def tensor_of(rows: NDArray[Any]) -> tuple[tensor_pb2.Tensor, memoryview]:
    """Rows of a matrix: the message without its data, and the data, copied only if need be.

    Little-endian and row-major; formats as in KEPT, else f32.
    """
    kind = KEPT.get(rows.dtype.name)
    if kind is None:
        with np.errstate(over="ignore"):  # becomes infinite, which the server refuses by name
            rows = rows.astype("<f4")
    elif not rows.dtype.isnative or rows.dtype.byteorder == ">":
        rows = rows.astype(rows.dtype.newbyteorder("<"))
    message = tensor_pb2.Tensor(dtype=kind or tensor_pb2.DTYPE_F32, shape=rows.shape)
    return message, np.ascontiguousarray(rows).reshape(-1).view(np.uint8).data

"""What an array must look like before a kernel may borrow it.

Kernels read memory directly: dtype, number of dimensions, contiguity and alignment are checked
here, so that a wrong array is refused with words instead of being copied silently.
"""

import operator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

#: The largest seed or key.
U64_MAX = 2**64 - 1
_FORMATS = {np.dtype(np.float32): "f32", np.dtype(np.float16): "f16", np.dtype(np.uint16): "bf16"}


def checked(name: str, array: object, dtype: DTypeLike, ndim: int) -> NDArray[Any]:
    """`array` itself, if it is a C-contiguous, aligned NumPy array of this kind.

    Raises TypeError if it is no array or has another dtype, ValueError if its layout is wrong.
    """
    if not isinstance(array, np.ndarray):
        raise TypeError(f"{name}: expected a NumPy array, got {type(array).__name__}")
    if array.dtype != np.dtype(dtype):
        raise TypeError(f"{name}: expected dtype {np.dtype(dtype)}, got {array.dtype}")
    return _laid_out(name, array, ndim)


def checked_vectors(name: str, array: object) -> tuple[str, NDArray[Any]]:
    """Format and values of an (n, d) array of float32, float16, or uint16 with bfloat16 bits.

    Both 16-bit formats come out as uint16. Raises as `checked` does.
    """
    if not isinstance(array, np.ndarray):
        raise TypeError(f"{name}: expected a NumPy array, got {type(array).__name__}")
    kind = _FORMATS.get(array.dtype)
    if kind is None:
        raise TypeError(
            f"{name}: expected float32, float16, or uint16 (bfloat16 bits), got {array.dtype}"
        )
    values = _laid_out(name, array, 2)
    return kind, values if kind == "f32" else values.view(np.uint16)


def checked_count(name: str, value: object) -> int:
    """`value` as an int of at least 0; raises TypeError or ValueError."""
    count = operator.index(value)  # type: ignore[arg-type]
    if not 0 <= count < 2**63:
        raise ValueError(f"{name}: expected a count of at least 0, got {count}")
    return count


def checked_u64(name: str, value: object) -> int:
    """`value` as an int that fits 64 unsigned bits; raises TypeError or ValueError."""
    number = operator.index(value)  # type: ignore[arg-type]
    if not 0 <= number <= U64_MAX:
        raise ValueError(f"{name}: expected 0 <= {name} < 2**64, got {number}")
    return number


def _laid_out(name: str, array: NDArray[Any], ndim: int) -> NDArray[Any]:
    if array.ndim != ndim:
        raise ValueError(f"{name}: expected {ndim} dimensions, got shape {array.shape}")
    if not array.flags.c_contiguous:
        raise ValueError(f"{name}: must be C-contiguous (np.ascontiguousarray copies)")
    if not array.flags.aligned:
        raise ValueError(f"{name}: must be aligned to its {array.itemsize} bytes")
    return array

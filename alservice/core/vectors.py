"""Single passes over raw numbers: conversion, validation, checksum."""

import operator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alservice.core import _native
from alservice.core.arrays import checked, checked_vectors


def bf16_from_f32(values: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Round to bfloat16, to nearest even: the bits, in the same shape. NaN stays NaN."""
    flat = checked("values", values, np.float32, np.ndim(values)).reshape(-1)
    return _native.bf16_from_f32(flat).reshape(values.shape)


def f32_from_bf16(values: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Widen bfloat16 bits to float32, exactly, in the same shape."""
    flat = checked("values", values, np.uint16, np.ndim(values)).reshape(-1)
    return _native.f32_from_bf16(flat).reshape(values.shape)


def first_nonfinite(vectors: NDArray[Any]) -> int:
    """Find the first row of (n, d) with a NaN or an infinity, in any vector dtype; -1 if none."""
    return _native.first_nonfinite(*checked_vectors("vectors", vectors))


def crc32c(data: bytes | bytearray | memoryview | NDArray[Any], initial: int = 0) -> int:
    """CRC-32C (Castagnoli, RFC 3720) of the bytes of a C-contiguous buffer.

    `initial` is the checksum of what came before, so that parts can be summed one by one. Raises
    ValueError for a buffer with gaps, TypeError for what is no buffer.
    """
    before = operator.index(initial)
    if not 0 <= before < 2**32:
        raise ValueError(f"initial: expected 0 <= initial < 2**32, got {before}")
    view = data.data if isinstance(data, np.ndarray) else memoryview(data)
    if not view.c_contiguous:
        raise ValueError("data: must be C-contiguous")
    flat = np.frombuffer(view, np.uint8) if view.nbytes else np.empty(0, np.uint8)
    return _native.crc32c(flat, before)

"""Conversion, validation and checksums of raw numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alservice.core import bf16_from_f32, crc32c, f32_from_bf16, first_nonfinite


def _crc32c_bit_by_bit(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


@given(st.binary(max_size=300), st.integers(0, 300))
def test_crc32c_is_the_polynomial_and_continues(data: bytes, cut: int) -> None:
    want = _crc32c_bit_by_bit(data)
    assert crc32c(data) == crc32c(bytearray(data)) == crc32c(memoryview(data)) == want
    assert crc32c(data[cut:], crc32c(data[:cut])) == want


def test_crc32c_has_the_published_check_value() -> None:
    assert crc32c(b"123456789") == 0xE3069283


def test_crc32c_of_an_array_is_that_of_its_bytes() -> None:
    for array in (np.arange(12, dtype=np.float16).reshape(3, 4), np.empty((0, 4), np.float32)):
        assert crc32c(array) == crc32c(array.tobytes())


def test_every_bfloat16_survives_a_round_trip() -> None:
    bits = np.arange(2**16, dtype=np.uint16).reshape(256, 256)
    wide = f32_from_bf16(bits)
    np.testing.assert_array_equal(wide.view(np.uint32), bits.astype(np.uint32) << 16)
    finite = ~np.isnan(wide)
    np.testing.assert_array_equal(bf16_from_f32(wide)[finite], bits[finite])
    assert np.isnan(f32_from_bf16(bf16_from_f32(wide))[~finite]).all()


@given(st.integers(0, 99), st.sampled_from([np.nan, np.inf, -np.inf]))
def test_the_first_row_with_a_bad_value_is_found(place: int, bad: float) -> None:
    rows = np.zeros((20, 5), np.float32)
    rows[-1, -1] = np.nan
    rows.flat[place] = bad
    for kind in (rows, rows.astype(np.float16), bf16_from_f32(rows)):
        assert first_nonfinite(kind) == place // 5


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (3, 3)])
def test_finite_rows_have_no_bad_row(shape: tuple[int, int]) -> None:
    rows = np.full(shape, np.finfo(np.float32).max, np.float32)
    assert first_nonfinite(rows) == -1

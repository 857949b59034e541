"""A head comes back from its bytes as it went, and other bytes are refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import SafetensorError

from alservice.domain.learner import LinearHead
from alservice.usecases.model_head import decode_head, encode_head


@given(classes=st.integers(1, 5), dimension=st.integers(0, 7), seed=st.integers(0, 99))
def test_a_head_survives_being_stored(classes: int, dimension: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(dimension, classes)).astype(np.float32).T
    head = LinearHead(weights, rng.normal(size=classes).astype(np.float32))
    back = decode_head(encode_head(head))
    np.testing.assert_array_equal(back.weights, head.weights)
    np.testing.assert_array_equal(back.bias, head.bias)
    assert back.weights.flags.c_contiguous and back.weights.dtype == np.float32


@given(data=st.binary(max_size=40))
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(SafetensorError):
        decode_head(data)

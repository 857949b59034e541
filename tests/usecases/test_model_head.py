"""A head comes back from its bytes as it went, and other bytes are refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save

from alservice.domain.head import KernelHead, LinearHead
from alservice.usecases.model_head import decode_head, encode_head

FIELDS = ("support", "weights", "bias", "gamma", "mean", "scale")


def kernel(classes: int = 3, rows: int = 4, dimension: int = 2, seed: int = 0) -> KernelHead:
    rng = np.random.default_rng(seed)
    return KernelHead(
        support=rng.normal(size=(dimension, rows)).astype(np.float32).T,
        weights=rng.normal(size=(rows, classes)).T,
        bias=rng.normal(size=classes),
        gamma=0.3,
        mean=rng.normal(size=dimension),
        scale=rng.uniform(0.1, 9, size=dimension),
    )


@given(classes=st.integers(1, 5), dimension=st.integers(0, 7), seed=st.integers(0, 99))
def test_a_linear_head_survives_being_stored(classes: int, dimension: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(dimension, classes)).astype(np.float32).T
    head = LinearHead(weights, rng.normal(size=classes).astype(np.float32))
    back = decode_head(encode_head(head))
    assert isinstance(back, LinearHead)
    np.testing.assert_array_equal(back.weights, head.weights)
    np.testing.assert_array_equal(back.bias, head.bias)
    assert back.weights.flags.c_contiguous and back.weights.dtype == np.float32


@given(st.integers(1, 5), st.integers(1, 6), st.integers(0, 4), st.integers(0, 99))
def test_a_kernel_head_survives_being_stored(
    classes: int, rows: int, dimension: int, seed: int
) -> None:
    head = kernel(classes, rows, dimension, seed)
    back = decode_head(encode_head(head))
    assert isinstance(back, KernelHead) and isinstance(back.gamma, float)
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(back, name), getattr(head, name))


@given(data=st.binary(max_size=40))
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="no safetensors"):
        decode_head(data)


@given(at=st.integers(0, 10_000), value=st.integers(0, 255), linear=st.booleans())
def test_a_byte_that_changed_is_refused_or_still_a_whole_head(
    *, at: int, value: int, linear: bool
) -> None:
    head = LinearHead(np.ones((3, 2), np.float32), np.ones(3, np.float32)) if linear else kernel()
    data = bytearray(encode_head(head))
    data[at % len(data)] = value
    try:
        back = decode_head(bytes(data))
    except ValueError:
        return
    assert back.logits(np.zeros((5, 2), np.float32)).shape == (5, 3)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("support", np.zeros((5, 2), np.float32)),
        ("support", np.zeros((4, 2), np.float64)),
        ("support", np.zeros((0, 2), np.float32)),
        ("weights", np.zeros((3, 3))),
        ("weights", np.full((3, 4), np.nan)),
        ("weights", np.full((3, 4), 1e300)),
        ("bias", np.zeros((3, 1))),
        ("bias", np.zeros(0)),
        ("gamma", np.array([1.0])),
        ("gamma", np.array(0.0)),
        ("gamma", np.array(np.inf)),
        ("mean", np.zeros(3)),
        ("scale", np.ones(1)),
        ("scale", np.array([1.0, -1.0])),
        ("scale", None),
    ],
)
def test_a_tensor_that_does_not_fit_is_refused(
    name: str, wrong: np.ndarray[tuple[int, ...], np.dtype[np.float64]] | None
) -> None:
    tensors = {
        field: np.array(getattr(kernel(), field), order="C") for field in FIELDS if field != name
    }
    if wrong is not None:
        tensors[name] = wrong
    with pytest.raises(ValueError, match=r"tensor|support|scale|gamma|bias"):
        decode_head(save(tensors))


def test_a_linear_head_whose_bias_does_not_fit_is_refused() -> None:
    tensors = {"weights": np.ones((3, 2), np.float32), "bias": np.ones(2, np.float32)}
    with pytest.raises(ValueError, match="no linear head"):
        decode_head(save(tensors))

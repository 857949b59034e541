"""Heads against their formulas."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alservice.domain import head as heads
from alservice.domain.head import KernelHead, LinearHead, softmax

SEEDS = st.integers(0, 2**32)


def kernel_head(rng: np.random.Generator, m: int, d: int, classes: int) -> KernelHead:
    return KernelHead(
        support=rng.normal(size=(m, d)).astype(np.float32),
        weights=rng.normal(size=(classes, m)),
        bias=rng.normal(size=classes),
        gamma=float(rng.uniform(0.01, 1)),
        mean=rng.normal(size=d),
        scale=rng.uniform(0.5, 2, size=d),
    )


@given(SEEDS, st.integers(0, 9), st.integers(1, 6), st.integers(1, 4), st.integers(1, 5))
@settings(max_examples=60, deadline=None)
def test_a_kernel_head_is_its_formula(seed: int, n: int, m: int, d: int, classes: int) -> None:
    rng = np.random.default_rng(seed)
    head = kernel_head(rng, m, d, classes)
    vectors = rng.normal(size=(n, d)).astype(np.float32)
    expected = np.zeros((n, classes))
    for i, x in enumerate(vectors):
        for weights, s in zip(head.weights.T, head.support, strict=True):
            gap = (x.astype(np.float64) - s) / head.scale
            expected[i] += np.exp(-head.gamma * (gap @ gap)) * weights
    expected += head.bias
    np.testing.assert_allclose(head.decision(vectors), expected, atol=1e-12)
    np.testing.assert_array_equal(head.logits(vectors), head.decision(vectors).astype(np.float32))


def test_blocks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    head = kernel_head(rng, 7, 3, 2)
    vectors = rng.normal(size=(50, 3)).astype(np.float32)
    whole = head.decision(vectors)
    monkeypatch.setattr(heads, "_CELLS", 21)
    np.testing.assert_allclose(head.decision(vectors), whole, atol=1e-13)


def test_vectors_far_from_the_origin_keep_their_distances() -> None:
    rng = np.random.default_rng(0)
    far = (rng.integers(0, 64, size=(30, 4)) / 64 + 2**16).astype(np.float32)
    near = (far - 2**16).astype(np.float32)
    weights, bias, scale = rng.normal(size=(2, 10)), np.zeros(2), np.ones(4)
    there = KernelHead(far[:10], weights, bias, 2.0, np.full(4, 2.0**16), scale)
    here = KernelHead(near[:10], weights, bias, 2.0, np.zeros(4), scale)
    np.testing.assert_allclose(there.decision(far), here.decision(near), atol=1e-12)


@given(SEEDS)
@settings(max_examples=40, deadline=None)
def test_probabilities_are_the_softmax_of_logits_and_add_up_to_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(20, 3)).astype(np.float32)
    linear = LinearHead(
        rng.normal(size=(4, 3)).astype(np.float32), rng.normal(size=4).astype(np.float32)
    )
    for head in (linear, kernel_head(rng, 6, 3, 4)):
        p = head.probabilities(vectors)
        z = np.exp(head.logits(vectors).astype(np.float64))
        np.testing.assert_allclose(p, z / z.sum(axis=1, keepdims=True), atol=1e-6)
        np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-6)


def test_no_finite_logit_is_too_large_for_softmax() -> None:
    p = softmax(np.array([[3e38, -3e38, 0], [-1e4, -1e4, -1e4]], np.float32))
    expected = np.array([[1.0, 0.0, 0.0], [1 / 3, 1 / 3, 1 / 3]])
    np.testing.assert_allclose(p, expected, rtol=1e-6)

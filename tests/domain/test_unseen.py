"""Declared classes that nobody has shown."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alservice.domain import unseen
from alservice.domain.metrics import softmax


@given(
    st.integers(0, 2**32),
    st.integers(2, 80),
    st.integers(2, 6),
    st.integers(0, 6),
    st.sampled_from([0.01, 1.0, 20.0]),
)
@settings(max_examples=80, deadline=None)
def test_the_mean_probability_of_an_unseen_class_is_the_rule_of_succession_unless_capped(
    seed: int, n: int, seen_count: int, unseen_count: int, spread: float
) -> None:
    rng = np.random.default_rng(seed)
    class_count = seen_count + unseen_count
    seen = np.sort(rng.permutation(class_count)[:seen_count])
    vectors = rng.normal(size=(n, 4)).astype(np.float32)
    weights, bias = spread * rng.normal(size=(seen_count, 4)), rng.normal(size=seen_count)
    own = vectors @ weights.T + bias
    head = unseen.complete(weights, bias, seen, class_count, own)
    logits = head.logits(vectors).astype(np.float64)
    np.testing.assert_allclose(
        unseen.spread(own, seen, class_count, own), logits, atol=1e-4 * max(1, np.abs(own).max())
    )
    others = np.setdiff1d(np.arange(class_count), seen)
    np.testing.assert_array_equal(seen[own.argmax(axis=1)], logits.argmax(axis=1))
    before = softmax(own, np.zeros(n, np.int64))[0]
    after = softmax(logits, np.zeros(n, np.int64))[0]
    seen_mass = after[:, seen].sum(axis=1, keepdims=True)
    np.testing.assert_allclose(after[:, seen] / seen_mass, before, atol=1e-4)
    if len(others):
        share, wanted = float(after[:, others[0]].mean()), 1 / (n + class_count)
        assert 0 < share <= wanted * 1.001
        if head.bias[others[0]] < unseen.HIGHEST_LOGIT - 1e-3:
            assert share == pytest.approx(wanted, rel=1e-3)

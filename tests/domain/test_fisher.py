"""Fisher information, against its definition."""

from dataclasses import replace

import numpy as np
import pytest

from alservice.domain.fisher import information
from alservice.domain.head import KernelHead, LinearHead
from tests.strategies.fisher_oracle import Fisher
from tests.strategies.modelled import modelled


def test_it_is_the_sum_over_labelled_and_leased_and_the_mean_over_the_pool() -> None:
    pool = modelled(1, leased=2)
    known = information(pool.view(5), 100)
    assert known is not None
    rows = pool.where(known.rows, 5)
    naive = Fisher(pool, rows)
    np.testing.assert_allclose(np.linalg.inv(known.inverse), naive.known, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(known.pool, naive.pool, rtol=1e-4, atol=1e-6)
    weighted = known.vectors * np.sqrt(known.weights)[:, None]
    np.testing.assert_allclose(weighted, naive.rows, rtol=1e-4, atol=1e-6)


def test_the_scale_of_the_vectors_does_not_matter() -> None:
    pool = modelled(1)
    assert isinstance(pool.head, LinearHead)
    head = LinearHead(pool.head.weights / np.float32(64), pool.head.bias)
    large = replace(pool, points=pool.points * 64, anchors=pool.anchors * 64, head=head)
    one, other = (information(each.view(), 100) for each in (pool, large))
    assert one is not None and other is not None
    np.testing.assert_allclose(one.inverse, other.inverse, rtol=1e-4)
    np.testing.assert_allclose(one.pool, other.pool, rtol=1e-4)


def test_of_a_large_pool_some_candidates_speak_for_it() -> None:
    pool = modelled(1, 2_000, excluded=0)
    few, all_ = (information(pool.view(), cap) for cap in (100, 2_000))
    assert few is not None and all_ is not None
    assert len(few.vectors) == 100
    np.testing.assert_allclose(few.pool, all_.pool, atol=1e-6)
    assert few.weights.mean() > all_.weights.mean()


def test_an_empty_pool_has_nothing_to_tell() -> None:
    pool = modelled(1)
    empty = replace(pool, excluded=np.ones(30, np.bool_))
    assert information(empty.view(), 100) is None


def test_certainty_tells_nothing() -> None:
    pool = modelled(1, labels=0)
    pool.head.weights[:] = 0
    pool.head.bias[:] = (1e4, 0, 0)
    known = information(pool.view(), 100)
    assert known is not None
    assert not known.weights.any() and not known.pool.any()
    assert known.inverse[0, 0] == pytest.approx(1 / pool.penalty)


def test_the_penalty_of_a_model_that_is_not_linear_is_not_one_of_vectors() -> None:
    pool = replace(modelled(1, labels=0), penalty=1e6)
    head = KernelHead(
        support=pool.points[:3],
        weights=np.ones((3, 3)),
        bias=np.zeros(3),
        gamma=1.0,
        mean=np.zeros(4),
        scale=np.ones(4),
    )
    linear, other = (information(replace(pool, head=h).view(), 100) for h in (pool.head, head))
    assert linear is not None and other is not None
    np.testing.assert_allclose(linear.inverse, np.eye(4) * 1e-6)
    np.testing.assert_allclose(other.inverse, np.eye(4) * 100)


def test_however_small_the_penalty_the_inverse_is_positive_definite() -> None:
    # All labels lie in one direction; the penalty alone speaks for the other 63.
    pool = modelled(1, 100, dimension=64, labels=0)
    anchors = np.repeat(pool.points[:1], 5_000, axis=0)
    tiny = replace(pool, penalty=1e-30, anchors=anchors, classes=np.zeros(5_000, np.int64))
    known = information(tiny.view(), 100)
    assert known is not None
    np.testing.assert_array_equal(known.inverse, known.inverse.T)
    values = np.linalg.eigvalsh(known.inverse)
    assert values[0] > 0 and values[-1] / values[0] < 1e8

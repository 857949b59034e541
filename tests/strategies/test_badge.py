"""BADGE, against gradients written out, for a linear head and for one that is not."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alservice.domain.head import KernelHead
from alservice.domain.shortlist import shortlist
from alservice.strategies import badge
from tests.strategies.modelled import Modelled, check_edges, modelled

Head = Callable[[Modelled], Modelled]
SEEDS = st.integers(0, 2**32 - 1)


def kernel_head(pool: Modelled) -> Modelled:
    """The same pool with a head that is not linear."""
    rng = np.random.default_rng(1)
    head = KernelHead(
        support=rng.normal(size=(5, 4)).astype(np.float32),
        weights=rng.normal(size=(3, 5)),
        bias=np.zeros(3),
        gamma=0.3,
        mean=np.zeros(4),
        scale=np.ones(4),
    )
    return replace(pool, head=head)


def gradients(pool: Modelled, points: np.ndarray) -> np.ndarray:
    """q (x) [x; 1] of each point, written out: (n, C (d + 1))."""
    p = pool.head.probabilities(points).astype(np.float64)
    p[np.arange(len(p)), p.argmax(axis=1)] -= 1
    rows = np.concatenate([points, np.ones((len(points), 1))], axis=1)
    return np.asarray(np.einsum("ic,id->icd", p, rows).reshape(len(points), -1))


HEADS = pytest.mark.parametrize("head", [lambda pool: pool, kernel_head], ids=["linear", "kernel"])


@HEADS
@given(seed=SEEDS, leased=st.integers(0, 3), count=st.integers(1, 10))
@settings(max_examples=30)
def test_scores_are_squared_distances_to_what_was_picked_before(
    head: Head, seed: int, leased: int, count: int
) -> None:
    pool = head(modelled(seed, leased=leased))
    chosen = badge.select(pool.view(), count)
    rows = pool.where(chosen)
    picked = list(gradients(pool, pool.anchors[6:])) if leased else []
    every = gradients(pool, pool.points)
    for row, told in zip(rows, chosen.score, strict=True):
        if picked:
            expected = min(((every[row] - g) ** 2).sum() for g in picked)
            assert told == pytest.approx(expected, rel=1e-3, abs=1e-4)
        else:
            longest = (every[~pool.excluded] ** 2).sum(axis=1).max()
            assert (every[row] ** 2).sum() == pytest.approx(longest, rel=1e-4)
        picked.append(every[row])


@HEADS
def test_each_draw_is_in_proportion_to_the_squared_distance(head: Head) -> None:
    pool = head(modelled(3, 8, leased=1, excluded=0))
    every, anchor = gradients(pool, pool.points), gradients(pool, pool.anchors[6:])
    share = ((every - anchor) ** 2).sum(axis=1)
    counts = np.zeros(8)
    for seed in range(2_000):
        counts[pool.where(badge.select(pool.view(seed=seed), 1))] += 1
    # Binomial(2000, p): sd at most 22.4. Six sd fail by chance less than once in 1e7.
    np.testing.assert_allclose(counts, 2_000 * share / share.sum(), atol=6 * 22.4)


@HEADS
def test_with_the_origin_chosen_long_gradients_are_drawn_first(head: Head) -> None:
    pool = head(replace(modelled(3, 8, excluded=0), parameters={"origin": 1.0}))
    share = (gradients(pool, pool.points) ** 2).sum(axis=1)
    counts = np.zeros(8)
    for seed in range(2_000):
        counts[pool.where(badge.select(pool.view(seed=seed), 1))] += 1
    np.testing.assert_allclose(counts, 2_000 * share / share.sum(), atol=6 * 22.4)


def test_labelled_items_do_not_count_as_picked() -> None:
    pool = modelled(3)
    none = replace(pool, anchors=pool.anchors[:0], classes=pool.classes[:0])
    assert pool.where(badge.select(pool.view(), 7)) == none.where(badge.select(none.view(), 7))


def test_with_very_many_classes_it_draws_from_a_shortlist(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pool = replace(modelled(3, 60, excluded=0), parameters={"candidates": 20.0})
    for seed in range(8):
        view = pool.view(seed=seed)
        few = set(pool.where(shortlist(view, 20)))
        assert not set(pool.where(badge.select(view, 5))) <= few
        with monkeypatch.context() as patch:
            patch.setattr(badge, "_MOST", 60 * 3 - 1)
            assert set(pool.where(badge.select(view, 5))) <= few
    monkeypatch.setattr(badge, "_MOST", 0)
    check_edges(badge.select)


def test_awkward_pools() -> None:
    check_edges(badge.select)


def test_awkward_pools_with_a_head_that_is_not_linear() -> None:
    head = kernel_head(modelled(1)).head
    check_edges(lambda view, count: badge.select(replace(view, head=head), count))

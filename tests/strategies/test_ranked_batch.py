"""Ranked batches, against a loop that measures every distance anew."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from alservice.strategies import ranked_batch
from tests.strategies.modelled import check_edges, margins, modelled


@given(seed=st.integers(0, 2**32), labels=st.integers(0, 40))
@settings(max_examples=40, deadline=None)
def test_each_pick_is_the_best_mixture_of_novelty_and_score(seed: int, labels: int) -> None:
    pool = modelled(seed, 40, labels=labels, leased=2)
    points = pool.points.astype(np.float64)
    open_ = np.flatnonzero(~pool.excluded).tolist()
    apart = np.linalg.norm(points[open_][:, None] - points[open_], axis=2)
    scale = np.median(np.sort(apart, axis=1)[:, 1])
    score = dict(zip(open_, margins(pool, open_), strict=True))
    chosen = [a.astype(np.float64) for a in pool.anchors]
    left = list(open_)
    picks = ranked_batch.select(pool.view(), 10)
    for at, row in enumerate(pool.where(picks)):
        share = len(left) / (len(open_) + len(pool.anchors))
        distance = {r: min(np.linalg.norm(points[r] - c) for c in chosen) / scale for r in left}
        merit = {r: share * (1 - 1 / (1 + distance[r])) + (1 - share) * score[r] for r in left}
        np.testing.assert_allclose(picks.score[at], max(merit.values()), rtol=1e-4)
        np.testing.assert_allclose(merit[row], max(merit.values()), rtol=1e-4)
        np.testing.assert_allclose(picks.components["margin"][at], score[row], rtol=1e-3)
        chosen.append(points[row])
        left.remove(row)


def test_with_nothing_labelled_the_best_score_leads() -> None:
    pool = modelled(5, 40, labels=0)
    open_ = np.flatnonzero(~pool.excluded).tolist()
    chosen = ranked_batch.select(pool.view(), 5)
    assert pool.where(chosen)[0] == open_[margins(pool, open_).argmax()]
    assert chosen.components["novelty"][0] == 1


def test_what_is_leased_counts_as_chosen() -> None:
    pool = modelled(5, 40, labels=1, excluded=0)
    view = pool.view()
    first = pool.where(ranked_batch.select(view, 1))[0]
    pool.anchors[0] = pool.points[first]
    assert pool.where(ranked_batch.select(pool.view(), 1)) != [first]


def test_awkward_pools() -> None:
    check_edges(ranked_batch.select)
